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

/** Packets that follow each other on one timeline. */
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
  /** What waits for the next clock, as it came: nothing is copied for that. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** What comes next begins a timeline of its own. */
  #isNew = false;

  /** Takes whole packets; returns what can go on by now, in order. Positions count from the first byte that is held. */
  push(packets: Buffer): readonly Stretch[] {
    const base = this.#heldBytes;
    this.#held.push(packets);
    this.#heldBytes += packets.length;
    const stretches: Stretch[] = [];
    let from = 0;
    let sureTo = 0;
    const pass = (to: number): void => {
      for (const passed of this.#takeHeld(to - from)) {
        stretches.push({ packets: passed, isNew: this.#isNew });
        this.#isNew = false;
      }
      from = to;
    };
    for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      const firstScrambled = this.#scrambled?.at;
      const clock = this.#look(packets, at, base + at);
      if (clock === 'none') continue;
      if (clock !== 'runs') {
        pass(clock === 'scrambled' ? (firstScrambled ?? base + at) : sureTo);
        this.#isNew = true;
      }
      sureTo = Math.min(base + at + PACKET_BYTES, this.#scrambled?.at ?? Number.POSITIVE_INFINITY);
    }
    const end = base + packets.length;
    const hasClock = this.#pcrs.size > 0 || this.#dts.size > 0;
    if (!hasClock || end - sureTo > HELD_BYTES_MAX) {
      sureTo = end;
      this.#scrambled = undefined;
    }
    pass(sureTo);
    if (this.#scrambled) this.#scrambled = { ...this.#scrambled, at: this.#scrambled.at - from };
    return stretches;
  }

  /** What is still held, when nothing more comes for now. */
  flush(): readonly Stretch[] {
    this.#scrambled = undefined;
    return this.#takeHeld(this.#heldBytes).map((packets) => {
      const isNew = this.#isNew;
      this.#isNew = false;
      return { packets, isNew };
    });
  }

  /** The first bytes of what is held, in the pieces in which they came. */
  #takeHeld(bytes: number): Buffer[] {
    const taken: Buffer[] = [];
    let left = bytes;
    for (let [first] = this.#held; first && left > 0; [first] = this.#held) {
      const isWhole = first.length <= left;
      taken.push(isWhole ? first : first.subarray(0, left));
      if (isWhole) this.#held.shift();
      else this.#held[0] = first.subarray(left);
      left -= taken.at(-1)!.length;
    }
    this.#heldBytes -= bytes - left;
    return taken;
  }

  /** `position`: of the packet, among what is held. */
  #look(bytes: Buffer, at: number, position: number): 'none' | 'runs' | 'breaks' | 'scrambled' {
    const pid = pidOf(bytes, at);
    if (pid === NULL_PID || hasTransportError(bytes, at)) return 'none';
    if (this.#becomesScrambled(bytes, at, pid, position)) {
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

  #becomesScrambled(bytes: Buffer, at: number, pid: number, position: number): boolean {
    const known = this.#scrambled;
    if (!isScrambled(bytes, at)) {
      if (pid === known?.pid && hasPayload(bytes, at)) this.#scrambled = undefined;
      return false;
    }
    if (known ? pid !== known.pid : !this.#dts.has(pid)) return false;
    const packets = (known?.packets ?? 0) + 1;
    this.#scrambled = { pid, packets, at: known?.at ?? position };
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
