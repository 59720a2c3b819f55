import type { ReasonCode } from '../base/reasons.ts';
import { Aligner } from '../mpegts/align.ts';
import { BreakGate } from '../mpegts/break-gate.ts';
import { type AccessPoint, StreamScanner } from '../mpegts/scanner.ts';
import { type BufferShare, UNBOUNDED } from './buffer-share.ts';
import type { Ring } from './ring.ts';

/** Without an access point for this much media, viewers start at any picture (DESIGN 2.2). */
const NO_KEYFRAME_MS = 10_000;
/** So many bytes without ever finding packets: this is something else. */
const NOT_MPEGTS_BYTES = 256 * 1024;
/** So many scrambled packets without one access point: nobody could watch this. */
const SCRAMBLED_PACKETS = 2_000;
/** So much of a new source is kept while it has no access point; then it goes on from the next picture. */
const STAGED_BYTES_MAX = 8 * 1024 * 1024;

/** What a new source has delivered before it can follow what the old one left: looked at, and kept. */
interface Staging {
  readonly scanner: StreamScanner;
  packets: Buffer[];
  sizeBytes: number;
  /** Bytes staged before `packets`, and let go. */
  droppedBytes: number;
}

/** What the bytes of a session's sources go through: aligned to packets, looked at once, stored once. */
export class Ingest {
  readonly #ring: Ring;
  readonly #share: BufferShare;
  readonly #scanner = new StreamScanner();
  #aligner = new Aligner();
  #staging: Staging | undefined;
  /** Behind a change of sources: what the new one had begun before it is left out, and the break announced. */
  #gate: BreakGate | undefined;
  #bytesIn = 0;
  /** Bytes of the source in use. */
  #sourceBytesIn = 0;
  #nowMs = 0;
  #lastPointMediaMs: number | undefined;
  #noKeyframe = false;

  /** `share`: where the memory comes from for what can't go into the ring yet. */
  constructor(ring: Ring, share = UNBOUNDED) {
    this.#ring = ring;
    this.#share = share;
  }

  /** Bytes received, whatever they were. */
  get bytesIn(): number {
    return this.#bytesIn;
  }

  /** Bytes of a new source that wait for its first access point. */
  get stagedBytes(): number {
    return this.#staging?.sizeBytes ?? 0;
  }

  /** Whether viewers had to start at a picture that is no access point. */
  get noKeyframe(): boolean {
    return this.#noKeyframe;
  }

  /** Whether the source in use has delivered something that viewers can go on, or start, with. */
  get isJoinable(): boolean {
    return this.#staging === undefined && this.#ring.accessPoints.length > 0;
  }

  /** Why these bytes will never be watchable; undefined as long as they may be. */
  get verdict(): ReasonCode | undefined {
    const { packets, scrambledPackets } = this.#staging?.scanner ?? this.#scanner;
    if (packets === 0) return this.#sourceBytesIn >= NOT_MPEGTS_BYTES ? 'not_mpegts' : undefined;
    if (!this.isJoinable && scrambledPackets >= SCRAMBLED_PACKETS) return 'content_scrambled';
    return undefined;
  }

  /**
   * Another source is about to deliver, with a timeline, counters and tables of its own: what is stored stays, and
   * the new bytes follow it from their first access point on, behind a break that is flagged on every PID.
   */
  changeSource(): void {
    this.#aligner = new Aligner();
    this.#sourceBytesIn = 0;
    this.clear();
    this.#staging = { scanner: new StreamScanner(), packets: [], sizeBytes: 0, droppedBytes: 0 };
  }

  /** Takes bytes as they come from the engine, cut anywhere; `nowMs` is the clock when they came. */
  push(chunk: Buffer, nowMs: number): void {
    this.#bytesIn += chunk.length;
    this.#sourceBytesIn += chunk.length;
    this.#nowMs = nowMs;
    this.#aligner.push(chunk, this.#takePackets);
  }

  readonly #takePackets = (packets: Buffer): void => {
    if (this.#staging) this.#stage(this.#staging, packets);
    else this.#store(this.#gate?.push(packets) ?? packets);
  };

  #store(packets: Buffer): void {
    const scanner = this.#scanner;
    scanner.scan(packets, this.#ring.head);
    this.#ring.append(packets, scanner.mediaMs, this.#nowMs);
    for (const point of scanner.takeAccessPoints()) {
      this.#ring.addAccessPoint(point);
      this.#lastPointMediaMs = point.mediaMs;
    }
    this.#lastPointMediaMs ??= scanner.mediaMs;
    if (scanner.mediaMs - this.#lastPointMediaMs >= NO_KEYFRAME_MS) this.#fallBack();
  }

  #fallBack(): void {
    const point = this.#scanner.fallbackAccessPoint();
    if (!point) return;
    this.#ring.addAccessPoint(point);
    this.#lastPointMediaMs = this.#scanner.mediaMs;
    this.#noKeyframe = true;
  }

  #stage(staging: Staging, packets: Buffer): void {
    const { scanner } = staging;
    scanner.scan(packets, staging.droppedBytes + staging.sizeBytes);
    if (this.#share.take(packets.length)) {
      // The aligner's buffer is only lent.
      staging.packets.push(Buffer.from(packets));
      staging.sizeBytes += packets.length;
    } else {
      while (staging.packets.length > 0) this.#dropOldest(staging);
      staging.droppedBytes += packets.length;
    }
    const isLate = scanner.mediaMs >= NO_KEYFRAME_MS || staging.sizeBytes >= STAGED_BYTES_MAX;
    const point = scanner.takeAccessPoints()[0] ?? (isLate ? scanner.fallbackAccessPoint() : undefined);
    if (point && point.position >= staging.droppedBytes) this.#land(staging, point);
    else if (staging.sizeBytes > STAGED_BYTES_MAX) this.#dropOldest(staging);
  }

  /** Lets go of the oldest that is staged: memory is needed. */
  shed(): void {
    if (this.#staging) this.#dropOldest(this.#staging);
  }

  /** Lets go of all that is staged. */
  clear(): void {
    while (this.#staging && this.#staging.packets.length > 0) this.#dropOldest(this.#staging);
  }

  #dropOldest(staging: Staging): void {
    const oldest = staging.packets.shift();
    if (!oldest) return;
    staging.sizeBytes -= oldest.length;
    staging.droppedBytes += oldest.length;
    this.#share.give(oldest.length);
  }

  /** What was staged follows what is stored, from `point` on, as a joiner would get it. */
  #land(staging: Staging, point: AccessPoint): void {
    this.#staging = undefined;
    const gate = new BreakGate();
    this.#gate = gate;
    this.#scanner.markBreak();
    this.#store(gate.push(point.tables));
    // Piece by piece: what has gone into the ring needs no memory here.
    for (let piece = staging.packets[0]; piece; piece = staging.packets[0]) {
      const before = point.position - staging.droppedBytes;
      this.#dropOldest(staging);
      if (before < piece.length) this.#store(gate.push(piece.subarray(Math.max(0, before))));
    }
  }
}
