import {
  PCR_HZ,
  PTS_HZ,
  readPcr,
  readPesTimestamps,
  wrappedDifference,
  wrappedPcrDifference,
} from '../mpegts/clocks.ts';
import {
  hasPayload,
  hasTransportError,
  isScrambled,
  NULL_PID,
  PACKET_BYTES,
  pidOf,
  startsUnit,
} from '../mpegts/packet.ts';

/** A step back of a PCR or a DTS is a break: clocks run, and pictures are decoded in order (ISO 13818-1 2.4.3.7). */
const PCR_BACK_MS = 100;
const DTS_BACK_MS = 500;
/**
 * A step forward so far is announced, and gone on behind at an access point: the clock leapt, or more is missing than a
 * player gets over. A shorter one is a lost piece or two, which passes as it is. A PCR comes every 100 ms.
 */
const PCR_FORWARD_MS = 2_000;
/** The same of a DTS, beyond what the PCR says has passed: a subtitle may be the first one for minutes. */
const DTS_FORWARD_MS = 10_000;
/** So much beyond it, or a little back, and the next PCR is to tell. */
const DTS_DOUBTFUL_MS = 500;
/** So many scrambled packets in a row, on a PID that was clear: one alone may be a turned bit. */
const SCRAMBLED_MIN = 3;
/** More without any clock is let through unjudged: a PCR comes every 100 ms (ISO 13818-1 2.7.2). */
const HELD_BYTES_MAX = 512 * 1024;

/** What is held grows by the power of two from here. */
const BUFFER_BYTES_MIN = 128 * 1024;

/** Packets that follow each other on one timeline. They stay as they are while whoever is given them looks at them, and no longer. */
export interface Stretch {
  readonly packets: Buffer;
  /** They do not follow what came before them: what repeats, or leaps, or is scrambled from here on, stands alone. */
  readonly isNew: boolean;
}

/**
 * Watches the clocks of all PIDs for the place where a source's timeline breaks, or what was clear becomes scrambled. What comes behind a clock is held until
 * the next one has told that it belongs there: an engine that begins to repeat itself does so in the middle of a picture.
 */
export class TimelineGuard {
  /** By PID, 27 MHz ticks. */
  readonly #pcrs = new Map<number, number>();
  readonly #dts = new Map<number, { readonly ticks90: number; readonly atMs: number }>();
  /** A PID that was clear and is scrambled since: how many packets, and where among what is held the first stands. */
  #scrambled: { readonly pid: number; readonly packets: number; readonly at: number } | undefined;
  /** How far the clock of the first PID that has one has come, milliseconds. */
  #elapsedMs = 0;
  #leadPid: number | undefined;
  /** What is held, and behind it what is looked at: one piece of memory, used again with every push. */
  #bytes: Buffer = Buffer.alloc(0);
  #heldBytes = 0;
  /** What comes next begins a timeline of its own. */
  #isNew = false;

  /**
   * Takes whole packets; hands on what can go on by now, in order.
   * @param holds false: nothing is held, and where a break is noticed what stands before it is gone already
   */
  push(packets: Buffer, emit: (stretch: Stretch) => void, holds = true): void {
    const bytes = this.#append(packets);
    let from = 0;
    let sureTo = 0;
    const pass = (to: number): void => {
      if (to > from) this.#emit(bytes.subarray(from, to), emit);
      from = to;
    };
    for (let at = this.#heldBytes; at + PACKET_BYTES <= bytes.length; at += PACKET_BYTES) {
      const firstScrambled = this.#scrambled?.at;
      const clock = this.#look(bytes, at);
      if (clock === 'none') continue;
      if (clock !== 'runs') {
        pass(clock === 'scrambled' ? (firstScrambled ?? at) : sureTo);
        this.#isNew = true;
      }
      sureTo = Math.min(at + PACKET_BYTES, this.#scrambled?.at ?? bytes.length);
    }
    const hasClock = this.#pcrs.size > 0 || this.#dts.size > 0;
    if (!holds || !hasClock || bytes.length - sureTo > HELD_BYTES_MAX) {
      sureTo = bytes.length;
      this.#scrambled = undefined;
    }
    pass(sureTo);
    if (from > 0) bytes.copyWithin(0, from);
    this.#heldBytes = bytes.length - from;
    if (this.#scrambled) this.#scrambled = { ...this.#scrambled, at: this.#scrambled.at - from };
  }

  /** Hands on what is still held, when nothing more comes for now. */
  flush(emit: (stretch: Stretch) => void): void {
    const sizeBytes = this.#heldBytes;
    this.#heldBytes = 0;
    this.#scrambled = undefined;
    if (sizeBytes > 0) this.#emit(this.#bytes.subarray(0, sizeBytes), emit);
  }

  #emit(packets: Buffer, emit: (stretch: Stretch) => void): void {
    const isNew = this.#isNew;
    this.#isNew = false;
    emit({ packets, isNew });
  }

  /** What is held, with more behind it. */
  #append(packets: Buffer): Buffer {
    const sizeBytes = this.#heldBytes + packets.length;
    if (sizeBytes > this.#bytes.length) {
      const before = this.#bytes;
      let capacity = Math.max(BUFFER_BYTES_MIN, before.length);
      while (capacity < sizeBytes) capacity *= 2;
      this.#bytes = Buffer.allocUnsafeSlow(capacity);
      this.#bytes.set(before.subarray(0, this.#heldBytes));
    }
    this.#bytes.set(packets, this.#heldBytes);
    return this.#bytes.subarray(0, sizeBytes);
  }

  #look(bytes: Buffer, at: number): 'none' | 'runs' | 'breaks' | 'scrambled' {
    const pid = pidOf(bytes, at);
    if (pid === NULL_PID || hasTransportError(bytes, at)) return 'none';
    if (this.#becomesScrambled(bytes, at, pid)) {
      this.#restart();
      return 'scrambled';
    }
    const pcr = readPcr(bytes, at);
    const timestamps = startsUnit(bytes, at) ? readPesTimestamps(bytes, at) : undefined;
    const dts = timestamps?.dts ?? timestamps?.pts;
    if (pcr === undefined && dts === undefined) return 'none';
    const verdict = this.#verdict(pid, pcr, dts);
    if (verdict === 'breaks') this.#restart();
    if (pcr !== undefined) this.#note(pid, pcr);
    // One that is doubted is no measure for the next.
    if (dts !== undefined && verdict !== 'none') this.#dts.set(pid, { ticks90: dts, atMs: this.#elapsedMs });
    return verdict;
  }

  /** A break is one for all clocks: they all begin anew. */
  #restart(): void {
    this.#pcrs.clear();
    this.#dts.clear();
    this.#scrambled = undefined;
    this.#leadPid = undefined;
  }

  #becomesScrambled(bytes: Buffer, at: number, pid: number): boolean {
    const known = this.#scrambled;
    if (!isScrambled(bytes, at)) {
      if (pid === known?.pid && hasPayload(bytes, at)) this.#scrambled = undefined;
      return false;
    }
    if (known ? pid !== known.pid : !this.#dts.has(pid)) return false;
    const packets = (known?.packets ?? 0) + 1;
    this.#scrambled = { pid, packets, at: known?.at ?? at };
    return packets >= SCRAMBLED_MIN;
  }

  /** `none`: this clock does not tell. */
  #verdict(pid: number, pcr: number | undefined, dts: number | undefined): 'none' | 'runs' | 'breaks' {
    const lastPcr = this.#pcrs.get(pid);
    if (pcr !== undefined && lastPcr !== undefined) {
      const stepMs = pcrMs(pcr, lastPcr);
      if (stepMs < -PCR_BACK_MS || stepMs > PCR_FORWARD_MS) return 'breaks';
    }
    const last = this.#dts.get(pid);
    if (dts === undefined || last === undefined) return 'runs';
    const stepMs = (wrappedDifference(dts, last.ticks90) * 1000) / PTS_HZ;
    const aheadMs = stepMs - (this.#elapsedMs - last.atMs);
    if (stepMs < -DTS_BACK_MS || aheadMs > DTS_FORWARD_MS) return 'breaks';
    const isDoubtful = stepMs < 0 || aheadMs > DTS_DOUBTFUL_MS;
    return isDoubtful && pcr === undefined && this.#pcrs.size > 0 ? 'none' : 'runs';
  }

  #note(pid: number, pcr: number): void {
    this.#leadPid ??= pid;
    const last = this.#pcrs.get(pid);
    if (pid === this.#leadPid && last !== undefined) this.#elapsedMs += pcrMs(pcr, last);
    this.#pcrs.set(pid, pcr);
  }
}

function pcrMs(later: number, earlier: number): number {
  return (wrappedPcrDifference(later, earlier) * 1000) / PCR_HZ;
}
