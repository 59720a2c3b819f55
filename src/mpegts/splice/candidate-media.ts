import { PTS_HZ, wrappedDifference } from '../clocks.ts';
import { type AccessPoint, StreamScanner } from '../scanner.ts';
import { type Fingerprint, Fingerprinter, type FollowedStream } from './fingerprints.ts';
import type { ProgramMap } from './program-map.ts';

/** A PES packet of the reference stream, on the new source's own clock. */
export interface ReferenceUnit {
  readonly position: number;
  /** Its DTS, else the last one before it; 90 kHz. */
  readonly dts: number;
  /** Undefined while it is under way. */
  key: number | undefined;
}

/** Whole packets that came at once. */
interface Chunk {
  readonly position: number;
  readonly bytes: Buffer;
}

/** What is kept of a candidate's media; older bytes are let go of. */
const BYTES_MAX = 16 * 1024 * 1024;
const FINGERPRINTS_MAX = 8_192;
const UNITS_MAX = 4_096;
/** A step further than this between two PES packets of the reference is a new timeline, 90 kHz ticks. */
const LEAP_TICKS = 10 * PTS_HZ;
/** Over how long the rate is taken, and how long it takes until there is one. */
const RATE_WINDOW_MS = 1_000;
const RATE_NEEDS_MS = 500;

/** The packets of a source that has not been joined yet, and what was seen in them. Memory is bounded. */
export class CandidateMedia {
  readonly #onFingerprint: (fingerprint: Fingerprint) => void;
  readonly #onLeap: () => void;
  readonly #scanner = new StreamScanner();
  readonly #fingerprinter: Fingerprinter;
  readonly #chunks: Chunk[] = [];
  #bytes = 0;
  #end = 0;
  /** Nothing before this position is read any more. */
  #from = 0;
  #points: AccessPoint[] = [];
  #wasDecodable = false;
  #fingerprints: Fingerprint[] = [];
  #units: ReferenceUnit[] = [];
  #firstDts: number | undefined;
  /** Media before this DTS of the reference, on the source's own clock, is not kept. */
  #restUntil: number | undefined;
  #startedMs: number | undefined;
  /** Behind the newest gap of a counter, or damaged packet; 0: there was none. */
  #damageEnd = 0;
  readonly #samples: { readonly nowMs: number; readonly mediaMs: number }[] = [];

  /** `onLeap`: the source's own clock leapt; what came before is forgotten. */
  constructor(onFingerprint: (fingerprint: Fingerprint) => void, onLeap: () => void) {
    this.#onFingerprint = onFingerprint;
    this.#onLeap = onLeap;
    this.#fingerprinter = new Fingerprinter({
      unitBegins: (stream) => this.#unitBegins(stream),
      unitEnds: (fingerprint) => this.#unitEnds(fingerprint),
    });
  }

  get map(): ProgramMap | undefined {
    return this.#fingerprinter.map;
  }

  /** Ascending by position; all of them can still be read. */
  get accessPoints(): readonly AccessPoint[] {
    return this.#points;
  }

  get fingerprints(): readonly Fingerprint[] {
    return this.#fingerprints;
  }

  /** PES packets of the reference stream, in their order; the last one may be under way. */
  get units(): readonly ReferenceUnit[] {
    return this.#units;
  }

  /** DTS of the reference's very first PES packet, even if that is gone. */
  get firstDts(): number | undefined {
    return this.#firstDts;
  }

  /** Bytes that are kept. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  /** Whether it has ever brought a place where decoding could begin. */
  get wasDecodable(): boolean {
    return this.#wasDecodable;
  }

  get scrambledPackets(): number {
    return this.#scanner.scrambledPackets;
  }

  /** Position behind the newest gap of a counter, or damaged packet; 0: there was none. Exact to what came at once. */
  get damageEnd(): number {
    return this.#damageEnd;
  }

  /** Since its first packet, or since `waitFrom`. */
  waitedMs(nowMs: number): number {
    return this.#startedMs === undefined ? 0 : nowMs - this.#startedMs;
  }

  /** What it brought before was not waited for. */
  waitFrom(nowMs: number): void {
    if (this.#startedMs !== undefined) this.#startedMs = nowMs;
  }

  /** Media per time over the last second; without end until that can be told. */
  mediaRate(nowMs: number): number {
    const first = this.#samples[0];
    if (!first || nowMs - first.nowMs < RATE_NEEDS_MS) return Number.POSITIVE_INFINITY;
    return (this.#scanner.mediaMs - first.mediaMs) / (nowMs - first.nowMs);
  }

  /** Copies whole packets in and looks at them. */
  push(packets: Buffer, nowMs: number): void {
    if (packets.length === 0) return;
    this.#startedMs ??= nowMs;
    const position = this.#end;
    this.#end += packets.length;
    this.#fingerprinter.push(packets, position);
    const damage = this.#scanner.continuityErrors + this.#scanner.transportErrors;
    this.#scanner.scan(packets, position);
    if (this.#fingerprinter.isResting) this.#letGoOfAll();
    else this.#keep({ position, bytes: Buffer.from(packets) });
    if (this.#scanner.continuityErrors + this.#scanner.transportErrors > damage) this.#damageEnd = this.#end;
    for (const point of this.#scanner.takeAccessPoints()) {
      this.#wasDecodable = true;
      if (point.position >= this.#from) this.#points.push(point);
    }
    this.#sample(nowMs);
    while (this.#bytes > BYTES_MAX && this.#chunks.length > 1) this.#dropChunk();
    if (this.#chunks[0]) this.#forgetBefore(this.#chunks[0].position);
  }

  /** What comes is hardly looked at and not kept, up to the reference's first PES packet with this DTS or a later one. */
  restUntil(dts: number): void {
    const newest = this.#units.at(-1);
    if (!newest || wrappedDifference(dts, newest.dts) <= 0) return;
    this.#restUntil = dts;
    this.#fingerprinter.rest();
    this.#letGoOfAll();
  }

  /** What comes from now on is kept and looked at. */
  wake(): void {
    this.#restUntil = undefined;
    this.#fingerprinter.resume();
  }

  #keep(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.bytes.length;
  }

  #letGoOfAll(): void {
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.#from = this.#end;
    this.#forgetBefore(this.#end);
  }

  /** Lets go of what stands before `position`, in whole chunks; tells whether there was any. */
  keepFrom(position: number): boolean {
    let isLess = false;
    while (this.#chunks.length > 1 && this.#chunks[1]!.position <= position) {
      this.#dropChunk();
      isLess = true;
    }
    if (isLess) this.#forgetBefore(this.#chunks[0]!.position);
    return isLess;
  }

  /** Makes the newest PES packet of the reference stream a place to begin at, if it can be one. */
  addFallbackPoint(): void {
    const point = this.#scanner.fallbackAccessPoint();
    if (!point || point.position < this.#from) return;
    if (!this.#points.some(({ position }) => position >= point.position)) this.#points.push(point);
  }

  /** What is kept, from a position on; without one, all of it. */
  read(position = 0): readonly Buffer[] {
    return this.kept(position).map(({ bytes }) => bytes);
  }

  /** As `read`, with where each of them stands. */
  kept(position = 0): readonly Chunk[] {
    const from = Math.max(position, this.#from);
    return this.#chunks
      .filter((chunk) => chunk.position + chunk.bytes.length > from)
      .map((chunk) => {
        const skipped = Math.max(0, from - chunk.position);
        return { position: chunk.position + skipped, bytes: chunk.bytes.subarray(skipped) };
      });
  }

  #unitBegins({ isReference, track, position }: FollowedStream): void {
    if (!isReference || track.lastDts === undefined) return;
    const last = this.#units.at(-1)?.dts;
    if (last !== undefined && Math.abs(wrappedDifference(track.lastDts, last)) > LEAP_TICKS) {
      this.#from = position;
      this.#firstDts = undefined;
      this.#forgetBefore(position);
      this.#units = [];
      this.wake();
      this.#onLeap();
    }
    this.#firstDts ??= track.lastDts;
    if (this.#restUntil !== undefined && wrappedDifference(track.lastDts, this.#restUntil) >= 0) this.wake();
    this.#units.push({ position, dts: track.lastDts, key: undefined });
    if (this.#units.length > UNITS_MAX) this.#units = this.#units.slice(UNITS_MAX / 2);
  }

  #unitEnds(fingerprint: Fingerprint): void {
    const last = this.#units.at(-1);
    if (last?.position === fingerprint.position) last.key = fingerprint.key;
    this.#fingerprints.push(fingerprint);
    if (this.#fingerprints.length > FINGERPRINTS_MAX) {
      this.#fingerprints = this.#fingerprints.slice(FINGERPRINTS_MAX / 2);
    }
    this.#onFingerprint(fingerprint);
  }

  #sample(nowMs: number): void {
    const last = this.#samples.at(-1);
    if (last?.nowMs === nowMs) this.#samples.pop();
    this.#samples.push({ nowMs, mediaMs: this.#scanner.mediaMs });
    while (this.#samples.length > 1 && this.#samples[1]!.nowMs <= nowMs - RATE_WINDOW_MS)
      this.#samples.shift();
  }

  #dropChunk(): void {
    this.#bytes -= this.#chunks.shift()?.bytes.length ?? 0;
  }

  #forgetBefore(position: number): void {
    const isKept = (each: { readonly position: number }): boolean => each.position >= position;
    if (this.#points[0] && !isKept(this.#points[0])) this.#points = this.#points.filter(isKept);
    // How far it has come is known by the newest, wherever that stands.
    const newest = this.#units.at(-1);
    if (this.#units[0] && !isKept(this.#units[0]))
      this.#units = this.#units.filter((unit) => unit === newest || isKept(unit));
    if (this.#fingerprints[0] && !isKept(this.#fingerprints[0]))
      this.#fingerprints = this.#fingerprints.filter(isKept);
  }
}

/** Milliseconds from one 90 kHz timestamp to another; negative when `to` is before `from`. */
export function msBetween(from: number, to: number): number {
  return wrappedDifference(to, from) / (PTS_HZ / 1000);
}
