import type { ReasonCode } from '../base/reasons.ts';
import { Aligner } from '../mpegts/align.ts';
import { StreamScanner } from '../mpegts/scanner.ts';
import type { Ring } from './ring.ts';

/** Without an access point for this much media, viewers start at any picture (DESIGN 2.2). */
const NO_KEYFRAME_MS = 10_000;
/** So many bytes without ever finding packets: this is something else. */
const NOT_MPEGTS_BYTES = 256 * 1024;
/** So many scrambled packets without one access point: nobody could watch this. */
const SCRAMBLED_PACKETS = 2_000;

/** What one source's bytes go through: aligned to packets, looked at once, stored once. */
export class Ingest {
  readonly #ring: Ring;
  readonly #aligner = new Aligner();
  readonly #scanner = new StreamScanner();
  #bytesIn = 0;
  #nowMs = 0;
  #lastPointMediaMs: number | undefined;
  #noKeyframe = false;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Bytes received, whatever they were. */
  get bytesIn(): number {
    return this.#bytesIn;
  }

  /** Whether viewers had to start at a picture that is no access point. */
  get noKeyframe(): boolean {
    return this.#noKeyframe;
  }

  /** Whether the ring holds something that a viewer can start with. */
  get isJoinable(): boolean {
    return this.#ring.accessPoints.length > 0;
  }

  /** Why these bytes will never be watchable; undefined as long as they may be. */
  get verdict(): ReasonCode | undefined {
    if (this.#scanner.packets === 0) return this.#bytesIn >= NOT_MPEGTS_BYTES ? 'not_mpegts' : undefined;
    if (!this.isJoinable && this.#scanner.scrambledPackets >= SCRAMBLED_PACKETS) return 'content_scrambled';
    return undefined;
  }

  /** Takes bytes as they come from the engine, cut anywhere; `nowMs` is the clock when they came. */
  push(chunk: Buffer, nowMs: number): void {
    this.#bytesIn += chunk.length;
    this.#nowMs = nowMs;
    this.#aligner.push(chunk, this.#takePackets);
  }

  readonly #takePackets = (packets: Buffer): void => {
    const scanner = this.#scanner;
    scanner.scan(packets, this.#ring.head);
    this.#ring.append(packets, scanner.mediaMs, this.#nowMs);
    for (const point of scanner.takeAccessPoints()) {
      this.#ring.addAccessPoint(point);
      this.#lastPointMediaMs = point.mediaMs;
    }
    this.#lastPointMediaMs ??= scanner.mediaMs;
    if (scanner.mediaMs - this.#lastPointMediaMs >= NO_KEYFRAME_MS) this.#fallBack();
  };

  #fallBack(): void {
    const point = this.#scanner.fallbackAccessPoint();
    if (!point) return;
    this.#ring.addAccessPoint(point);
    this.#lastPointMediaMs = this.#scanner.mediaMs;
    this.#noKeyframe = true;
  }
}
