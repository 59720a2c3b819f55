import { type CodecKind, codecKindOf, isVideo } from '../codecs.ts';
import { NULL_PID, PAT_PID, PID_COUNT } from '../packet.ts';
import { type Pat, type Pmt, parsePat, parsePmt, SectionAssembler } from '../psi.ts';

export interface MappedStream {
  readonly pid: number;
  readonly streamType: number;
  readonly kind: CodecKind;
  readonly descriptors: Buffer;
  /** What the stream is within its multiplex, whatever its PID: program, kind, and which of that kind. */
  readonly role: string;
}

export interface MappedProgram {
  readonly programNumber: number;
  readonly pmtPid: number;
  readonly pcrPid: number;
  readonly version: number;
  readonly descriptors: Buffer;
  readonly streams: readonly MappedStream[];
  /** The whole section. */
  readonly section: Buffer;
}

/** All that PAT and PMTs say, of every program. */
export interface ProgramMap {
  readonly transportStreamId: number;
  readonly patVersion: number;
  readonly patSections: readonly Buffer[];
  readonly programs: readonly MappedProgram[];
  /** Role and stream_type of each audio and video, in a text that is compared after every chunk of a burst (`sameRoles`). */
  readonly audioAndVideo: string;
  /** The stream that positions and clocks go by: the first video of the first program with any, else audio. */
  readonly reference: MappedStream | undefined;
  /** The PCR of the reference's program. */
  readonly pcrPid: number | undefined;
}

/** A table that a packet completed: a PAT, or the PMT of a program. */
export type CompletedTable = { readonly pmtOf: number } | 'pat';

const FIRST_FREE_PID = 0x10;
/** More are not followed. */
const PROGRAMS_MAX = 32;
const PAT_SECTIONS_MAX = 16;
const NOTHING: readonly CompletedTable[] = [];

interface PmtState {
  readonly programNumber: number;
  readonly pmtPid: number;
  section: Buffer | undefined;
  pmt: Pmt | undefined;
  arrivals: number;
}

/** Follows the PAT and the PMTs of all its programs. */
export class TableFollower {
  /** 1 for each PID whose packets `push` wants to see. */
  readonly isTablePid = new Uint8Array(PID_COUNT);
  readonly #pat = new SectionAssembler();
  #collected: (Buffer | undefined)[] = [];
  #collectedAs: Pat | undefined;
  #patSections: readonly Buffer[] = [];
  #patInForce: Pat | undefined;
  #programs: PmtState[] = [];
  readonly #assemblers = new Map<number, SectionAssembler>();
  #map: ProgramMap | undefined;

  constructor() {
    this.isTablePid[PAT_PID] = 1;
  }

  /**
   * Undefined until the PAT and its PMTs are known: all of them, or one twice, since some programs of a PAT may
   * not be sent at all. Another object after every change.
   */
  get map(): ProgramMap | undefined {
    return this.#map;
  }

  /** Takes a packet of a table PID; returns which tables it completed, changed or not. */
  push(pid: number, buffer: Buffer, at: number): readonly CompletedTable[] {
    const assembler = pid === PAT_PID ? this.#pat : this.#assemblers.get(pid);
    const sections = assembler?.push(buffer, at) ?? [];
    if (sections.length === 0) return NOTHING;
    return sections.flatMap((section) =>
      pid === PAT_PID ? this.#takePat(section) : this.#takePmt(pid, section),
    );
  }

  #takePat(section: Buffer): readonly CompletedTable[] {
    const pat = parsePat(section);
    if (!pat || pat.lastSectionNumber >= PAT_SECTIONS_MAX) return NOTHING;
    const last = pat.sectionNumber === pat.lastSectionNumber;
    if (this.#collected[pat.sectionNumber]?.equals(section) !== true) {
      const before = this.#collectedAs;
      const goesOn =
        before?.version === pat.version &&
        before.transportStreamId === pat.transportStreamId &&
        before.lastSectionNumber === pat.lastSectionNumber &&
        this.#collected[pat.sectionNumber] === undefined;
      if (!goesOn) this.#collected = new Array<Buffer | undefined>(pat.lastSectionNumber + 1).fill(undefined);
      this.#collectedAs = pat;
      this.#collected[pat.sectionNumber] = section;
      const whole = this.#collected.filter((each) => each !== undefined);
      if (whole.length === this.#collected.length) this.#followPat(pat, whole);
    }
    return last && this.#patInForce ? ['pat'] : NOTHING;
  }

  #followPat(pat: Pat, sections: readonly Buffer[]): void {
    this.#patInForce = pat;
    this.#patSections = sections;
    const before = this.#programs;
    this.#programs = sections
      .flatMap((section) => parsePat(section)?.programs ?? [])
      .filter(({ pmtPid }) => pmtPid >= FIRST_FREE_PID && pmtPid < NULL_PID)
      .slice(0, PROGRAMS_MAX)
      .map(({ programNumber, pmtPid }) => {
        const known = before.find((each) => each.programNumber === programNumber && each.pmtPid === pmtPid);
        return known ?? { programNumber, pmtPid, section: undefined, pmt: undefined, arrivals: 0 };
      });
    this.isTablePid.fill(0);
    this.isTablePid[PAT_PID] = 1;
    for (const pid of this.#assemblers.keys()) {
      if (!this.#programs.some(({ pmtPid }) => pmtPid === pid)) this.#assemblers.delete(pid);
    }
    for (const { pmtPid } of this.#programs) {
      this.isTablePid[pmtPid] = 1;
      if (!this.#assemblers.has(pmtPid)) this.#assemblers.set(pmtPid, new SectionAssembler());
    }
    this.#buildMap();
  }

  #takePmt(pid: number, section: Buffer): readonly CompletedTable[] {
    const pmt = parsePmt(section);
    const state = this.#programs.find(
      (each) => each.pmtPid === pid && each.programNumber === pmt?.programNumber,
    );
    if (!pmt || !state) return NOTHING;
    const isKnown = state.section?.equals(section) === true;
    const wasTwice = state.arrivals > 1;
    state.arrivals = Math.min(2, state.arrivals + 1);
    state.section = section;
    state.pmt = pmt;
    if (!isKnown || (!wasTwice && !this.#map)) this.#buildMap();
    return [{ pmtOf: pmt.programNumber }];
  }

  #buildMap(): void {
    const known = this.#programs.filter(({ pmt }) => pmt !== undefined);
    const isReady = known.length > 0 && known.length === this.#programs.length;
    if (!this.#patInForce || !(isReady || known.some(({ arrivals }) => arrivals > 1))) return;
    const taken = new Set<number>();
    const programs = known.map(({ pmt, section, pmtPid }, index) =>
      mappedProgram(pmt!, section!, pmtPid, index, taken),
    );
    const shown =
      programs.find(({ streams }) => streams.some(({ kind }) => isVideo(kind))) ??
      programs.find(({ streams }) => streams.some(({ kind }) => kind === 'audio'));
    const reference =
      shown?.streams.find(({ kind }) => isVideo(kind)) ?? shown?.streams.find(({ kind }) => kind === 'audio');
    this.#map = {
      transportStreamId: this.#patInForce.transportStreamId,
      patVersion: this.#patInForce.version,
      patSections: this.#patSections,
      programs,
      audioAndVideo: audioAndVideoOf(programs),
      reference,
      pcrPid: shown?.pcrPid,
    };
  }
}

/** `taken`: PIDs that a stream has already; who comes second is left out. */
function mappedProgram(
  pmt: Pmt,
  section: Buffer,
  pmtPid: number,
  index: number,
  taken: Set<number>,
): MappedProgram {
  const counts = new Map<CodecKind, number>();
  const streams: MappedStream[] = [];
  for (const { pid, streamType, descriptors } of pmt.streams) {
    if (pid < FIRST_FREE_PID || pid >= NULL_PID || pid === pmtPid || taken.has(pid)) continue;
    taken.add(pid);
    const kind = codecKindOf(streamType, descriptors);
    const order = counts.get(kind) ?? 0;
    counts.set(kind, order + 1);
    streams.push({ pid, streamType, kind, descriptors, role: `${index}:${kind}:${order}` });
  }
  const { programNumber, pcrPid, version, descriptors } = pmt;
  return { programNumber, pmtPid, pcrPid, version, descriptors, streams, section };
}

/** Whether two multiplexes have the same audio and video: as many of each kind, each of the same stream_type. */
export function sameRoles(one: ProgramMap, other: ProgramMap): boolean {
  return one.audioAndVideo === other.audioAndVideo;
}

function audioAndVideoOf(programs: readonly MappedProgram[]): string {
  return programs
    .flatMap(({ streams }) => streams)
    .filter(({ kind }) => kind !== 'other')
    .map(({ role, streamType }) => `${role}/${streamType}`)
    .sort()
    .join(' ');
}
