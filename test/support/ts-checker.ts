/**
 * Judges a captured transport stream by the standard, without the code that made it: it reads every field itself.
 * ISO/IEC 13818-1 2.4.3.
 */
import { createHash } from 'node:crypto';
import { crc32Mpeg } from '../../src/mpegts/psi.ts';

const PACKET = 188;
const WRAP = 2 ** 33;
/** A step further than this is no passing of time, 90 kHz ticks. */
const LEAP = 10 * 90_000;
const PROBLEMS_MAX = 20;

/** One PES packet: an access unit of video, or some of sound. */
export interface CheckedUnit {
  readonly position: number;
  readonly pts: number | undefined;
  readonly dts: number | undefined;
  /** Of the elementary stream's bytes. */
  readonly hash: string;
  readonly sizeBytes: number;
}

export interface CheckedStream {
  /** What is wrong, in words; the first 20. */
  readonly problems: readonly string[];
  /** By PID, in the order in which they were sent; the last one of each may be incomplete. */
  readonly units: ReadonlyMap<number, readonly CheckedUnit[]>;
  /** Packets that announce a break, by PID. */
  readonly breaks: ReadonlyMap<number, number>;
  /** Every PAT and PMT there was, each as often as it changed: `PID:version`. */
  readonly tables: readonly string[];
}

interface PidState {
  counter: number;
  mayRepeat: boolean;
  pcr: number | undefined;
  dts: number | undefined;
  /** Of the PES packet under way. */
  parts: Buffer[] | undefined;
  at: number;
  units: CheckedUnit[];
}

/** Checks a whole capture. `isDamaged`: packets may be missing in it, unannounced, as engines lose them. */
export function checkStream(capture: Buffer, isDamaged = false): CheckedStream {
  return new TsChecker(capture, isDamaged).run();
}

class TsChecker {
  readonly #capture: Buffer;
  readonly #isDamaged: boolean;
  readonly #problems: string[] = [];
  readonly #pids = new Map<number, PidState>();
  readonly #breaks = new Map<number, number>();
  readonly #tables: string[] = [];
  readonly #tablePids = new Set([0]);
  readonly #streamPids = new Set<number>();

  constructor(capture: Buffer, isDamaged: boolean) {
    this.#capture = capture;
    this.#isDamaged = isDamaged;
  }

  run(): CheckedStream {
    const bytes = this.#capture;
    if (bytes.length % PACKET !== 0) this.#problem(bytes.length, 'ends within a packet');
    for (let at = 0; at + PACKET <= bytes.length; at += PACKET) {
      if (bytes[at] !== 0x47) this.#problem(at, 'has no sync byte');
      else this.#packet(at);
    }
    for (const [pid, state] of this.#pids) this.#endUnit(pid, state, false);
    const units = new Map([...this.#pids].map(([pid, state]) => [pid, state.units]));
    return { problems: this.#problems, units, breaks: this.#breaks, tables: this.#tables };
  }

  #problem(at: number, what: string): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(`packet ${at / PACKET} ${what}`);
  }

  /** What a packet that is missing looks like. */
  #damage(at: number, what: string): void {
    if (!this.#isDamaged) this.#problem(at, what);
  }

  #packet(at: number): void {
    const bytes = this.#capture;
    const pid = bytes.readUInt16BE(at + 1) & 0x1fff;
    if (pid === 0x1fff) return;
    const control = bytes[at + 3]! >> 4;
    const withPayload = (control & 1) !== 0;
    const fieldBytes = (control & 2) !== 0 ? bytes[at + 4]! : -1;
    const flags = fieldBytes > 0 ? bytes[at + 5]! : 0;
    if (fieldBytes > 183) this.#problem(at, 'has an adaptation field that is too long');
    const state = this.#pids.get(pid) ?? newState();
    this.#pids.set(pid, state);
    if ((flags & 0x80) !== 0) this.#break(pid, state);
    const repeats = this.#counter(at, pid, state, withPayload, (flags & 0x80) !== 0);
    if ((flags & 0x10) !== 0) this.#pcr(at, pid, state);
    if (!withPayload || repeats) return;
    const payload = bytes.subarray(Math.min(at + 5 + fieldBytes, at + PACKET), at + PACKET);
    const starts = (bytes[at + 1]! & 0x40) !== 0;
    if (this.#tablePids.has(pid)) this.#section(at, pid, payload, starts);
    else if (this.#streamPids.has(pid)) this.#pes(at, pid, state, payload, starts);
  }

  #break(pid: number, state: PidState): void {
    this.#breaks.set(pid, (this.#breaks.get(pid) ?? 0) + 1);
    this.#endUnit(pid, state, false);
    state.pcr = undefined;
    state.dts = undefined;
  }

  #counter(at: number, pid: number, state: PidState, withPayload: boolean, isFlagged: boolean): boolean {
    const found = this.#capture[at + 3]! & 15;
    const { counter: last, mayRepeat } = state;
    const due = withPayload ? (last + 1) % 16 : last;
    const repeats = last >= 0 && withPayload && found === last && mayRepeat && !isFlagged;
    if (last >= 0 && found !== due && !repeats && !isFlagged)
      this.#damage(at, `of PID ${pid} has counter ${found} instead of ${due}`);
    state.counter = found;
    state.mayRepeat = withPayload && !repeats;
    return repeats;
  }

  #pcr(at: number, pid: number, state: PidState): void {
    const bytes = this.#capture;
    const pcr = bytes.readUInt32BE(at + 6) * 2 + (bytes[at + 10]! >> 7);
    if (state.pcr !== undefined) {
      const step = ahead(pcr, state.pcr);
      if (step < 0 || step > LEAP) this.#problem(at, `of PID ${pid} moves its clock by ${step}`);
    }
    state.pcr = pcr;
  }

  /** PAT and PMT, as long as they fit one packet. */
  #section(at: number, pid: number, payload: Buffer, starts: boolean): void {
    if (!starts) return;
    const from = 1 + payload[0]!;
    const section = payload.subarray(from, from + 3 + (payload.readUInt16BE(from + 1) & 0xfff));
    if (section.length > payload.length - from || crc32Mpeg(section) !== 0) {
      this.#problem(at, `of PID ${pid} has a broken table`);
      return;
    }
    const name = `${pid}:${(section[5]! >> 1) & 31}`;
    if (this.#tables.findLast((each) => each.startsWith(`${pid}:`)) !== name) this.#tables.push(name);
    if (section[0] === 0) {
      for (let each = 8; each + 4 < section.length; each += 4)
        if (section.readUInt16BE(each) !== 0) this.#tablePids.add(section.readUInt16BE(each + 2) & 0x1fff);
    } else if (section[0] === 2) {
      const descriptors = section.readUInt16BE(10) & 0xfff;
      for (let each = 12 + descriptors; each + 5 <= section.length - 4; ) {
        this.#streamPids.add(section.readUInt16BE(each + 1) & 0x1fff);
        each += 5 + (section.readUInt16BE(each + 3) & 0xfff);
      }
    }
  }

  #pes(at: number, pid: number, state: PidState, payload: Buffer, starts: boolean): void {
    if (!starts) {
      if (!state.parts && state.units.length > 0) this.#damage(at, `of PID ${pid} continues nothing`);
      state.parts?.push(payload);
      return;
    }
    this.#endUnit(pid, state, true);
    state.parts = [payload];
    state.at = at;
  }

  #endUnit(pid: number, state: PidState, mustBeWhole: boolean): void {
    if (!state.parts) return;
    const pes = Buffer.concat(state.parts);
    state.parts = undefined;
    const { at } = state;
    if (pes.length < 9 || pes.readUIntBE(0, 3) !== 1) {
      this.#problem(at, `of PID ${pid} begins no PES packet`);
      return;
    }
    const declared = pes.readUInt16BE(4);
    if (mustBeWhole && declared > 0 && pes.length !== declared + 6)
      this.#damage(at, `of PID ${pid} begins a PES packet of ${pes.length - 6} bytes that says ${declared}`);
    const isPlain = pes[3] === 0xbf;
    const flags = isPlain ? 0 : pes[7]! >> 6;
    const pts = flags >= 2 ? stamp(pes, 9) : undefined;
    const dts = flags === 3 ? stamp(pes, 14) : pts;
    const essence = pes.subarray(isPlain ? 6 : 9 + pes[8]!);
    const hash = createHash('sha1').update(essence).digest('hex');
    if (dts !== undefined && state.dts !== undefined) {
      const step = ahead(dts, state.dts);
      if (step <= 0 || step > LEAP) this.#problem(at, `of PID ${pid} is decoded ${step} after the last`);
    }
    state.dts = dts ?? state.dts;
    state.units.push({ position: at, pts, dts, hash, sizeBytes: essence.length });
  }
}

function newState(): PidState {
  return {
    counter: -1,
    mayRepeat: false,
    pcr: undefined,
    dts: undefined,
    parts: undefined,
    at: 0,
    units: [],
  };
}

function stamp(pes: Buffer, at: number): number {
  const high = (pes[at]! >> 1) & 7;
  return high * 2 ** 30 + (pes.readUInt16BE(at + 1) >> 1) * 2 ** 15 + (pes.readUInt16BE(at + 3) >> 1);
}

function ahead(later: number, earlier: number): number {
  const step = (((later - earlier) % WRAP) + WRAP) % WRAP;
  return step >= WRAP / 2 ? step - WRAP : step;
}

/** The access units of a capture as texts to compare, by PID: decoding time and content of each. */
export function unitsByPid({ units }: CheckedStream): Record<string, readonly string[]> {
  const texts: Record<string, readonly string[]> = {};
  for (const [pid, list] of units) {
    if (list.length > 0) texts[pid] = list.map(({ dts, hash }) => `${dts ?? '-'} ${hash.slice(0, 12)}`);
  }
  return texts;
}
