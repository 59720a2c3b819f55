import { NULL_PID, PID_COUNT } from '../packet.ts';
import { type MappedProgram, type MappedStream, type ProgramMap, sameRoles } from './program-map.ts';

const FIRST_FREE_PID = 0x20;
const UNMAPPED = 0xffff;
const NOWHERE = 0xfffe;

/**
 * Which PIDs a new source's streams get in the ring: those that the same roles had, so that players do not have to
 * choose anew. A stream of another codec gets a PID that was never used, so that no decoder is fed with it.
 */
export class PidMapping {
  /** Whether audio and video are the same in number, kind and stream_type. */
  readonly agrees: boolean;
  readonly #old: ProgramMap;
  readonly #pids = new Uint16Array(PID_COUNT).fill(UNMAPPED);
  /** The new source's PIDs that were given one, or none, here. */
  readonly #settled = new Set<number>();
  /** 1 for each PID that means something in the ring already, or from now on. */
  readonly #used: Uint8Array;

  /** `used`: 1 for each PID that has ever occurred in the ring. */
  constructor(old: ProgramMap, fresh: ProgramMap, used: Uint8Array) {
    this.#old = old;
    this.#used = Uint8Array.from(used);
    this.agrees = sameRoles(old, fresh);
    this.follow(fresh);
  }

  /** Maps what the new source's tables say by now; what is mapped already stays. */
  follow(fresh: ProgramMap): void {
    const taken = new Set<number>();
    for (const [index, program] of fresh.programs.entries()) {
      const before = this.#old.programs[index];
      this.#settle(program.pmtPid, before?.pmtPid, taken);
      for (const stream of program.streams) this.#settle(stream.pid, streamLike(before, stream)?.pid, taken);
      const isStream = program.streams.some(({ pid }) => pid === program.pcrPid);
      if (!isStream && program.pcrPid !== NULL_PID) this.#settle(program.pcrPid, ownPcrPid(before), taken);
    }
  }

  /** The PID in the ring; undefined where the packets of this one have no place there. */
  pidFor(pid: number): number | undefined {
    const mapped = this.#pids[pid]!;
    if (mapped === NOWHERE) return undefined;
    return mapped === UNMAPPED ? pid : mapped;
  }

  /** Whether every PID stays what it is. */
  get isIdentity(): boolean {
    for (const pid of this.#settled) if (this.#pids[pid] !== pid) return false;
    return true;
  }

  /** The new source's PIDs that have a place on one of these of the ring, with it. */
  onto(ringPids: Iterable<number>): ReadonlyMap<number, number> {
    const onto = new Map<number, number>();
    const wanted = new Set(ringPids);
    for (const pid of new Set([...wanted, ...this.#settled])) {
      const target = this.pidFor(pid);
      if (target !== undefined && wanted.has(target)) onto.set(pid, target);
    }
    return onto;
  }

  /** The number that a program has in the ring. */
  programNumberFor(program: MappedProgram, index: number): number {
    return this.agrees
      ? (this.#old.programs[index]?.programNumber ?? program.programNumber)
      : program.programNumber;
  }

  #settle(pid: number, wanted: number | undefined, taken: Set<number>): void {
    const known = this.#pids[pid]!;
    if (known !== UNMAPPED && known !== NOWHERE) {
      taken.add(known);
      return;
    }
    let target = wanted;
    if (target === undefined || taken.has(target)) {
      target = this.#used[pid] === 0 && !taken.has(pid) ? pid : this.#freePid(taken);
    }
    this.#pids[pid] = target;
    this.#settled.add(pid);
    this.#used[target] = 1;
    taken.add(target);
    // Whoever had this PID in the new source without being in its tables would be mixed with it.
    if (target === pid || this.#pids[target] !== UNMAPPED) return;
    this.#pids[target] = NOWHERE;
    this.#settled.add(target);
  }

  #freePid(taken: ReadonlySet<number>): number {
    for (let pid = FIRST_FREE_PID; pid < NULL_PID; pid++) {
      if (this.#used[pid] === 0 && this.#pids[pid] === UNMAPPED && !taken.has(pid)) return pid;
    }
    return NULL_PID - 1;
  }
}

function streamLike(program: MappedProgram | undefined, stream: MappedStream): MappedStream | undefined {
  return program?.streams.find(
    ({ role, streamType }) => role === stream.role && streamType === stream.streamType,
  );
}

/** The PCR's PID where it is none of the streams'. */
function ownPcrPid(program: MappedProgram | undefined): number | undefined {
  if (!program || program.streams.some(({ pid }) => pid === program.pcrPid)) return undefined;
  return program.pcrPid;
}
