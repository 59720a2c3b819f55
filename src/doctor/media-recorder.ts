import { Aligner } from '../mpegts/align.ts';
import { PACKET_BYTES, SYNC_BYTE } from '../mpegts/packet.ts';
import { StreamScanner } from '../mpegts/scanner.ts';

/** Chunks that come within so many milliseconds are written down as one. */
const TOGETHER_MS = 10;
const CHUNKS_MAX = 50_000;
const BURST_WATCH_MS = 12_000;

/** What was seen of the media's pace. */
export interface Pace {
  readonly bytes: number;
  readonly elapsedMs: number;
  /** How far the media was ahead of the time that it took; 0 when it has no clock. */
  readonly aheadMs: number;
  /** In the first 12 s, as it was measured on 3.2.3. */
  readonly firstBytes: number;
  /** In the later half. */
  readonly bytesPerSecond: number;
  readonly longestGapMs: number;
}

/** Writes down what comes of a stream when, and keeps the first of its bytes. */
export class MediaRecorder {
  readonly #keepBytes: number;
  readonly #chunks: { atMs: number; bytes: number }[] = [];
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #bytes = 0;
  #beganMs: number | undefined;
  #lastMs = 0;
  #longestGapMs = 0;
  readonly #aligner = new Aligner();
  readonly #scanner = new StreamScanner();
  #position = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  take(bytes: Buffer, nowMs: number): void {
    this.#beganMs ??= nowMs;
    const atMs = nowMs - this.#beganMs;
    this.#longestGapMs = Math.max(this.#longestGapMs, atMs - this.#lastMs);
    this.#lastMs = atMs;
    this.#bytes += bytes.length;
    const last = this.#chunks.at(-1);
    if (last !== undefined && (atMs - last.atMs < TOGETHER_MS || this.#chunks.length >= CHUNKS_MAX)) {
      last.bytes += bytes.length;
    } else {
      this.#chunks.push({ atMs, bytes: bytes.length });
    }
    const kept = bytes.subarray(0, this.#keepBytes - this.#keptBytes);
    if (kept.length > 0) this.#kept.push(kept);
    this.#keptBytes += kept.length;
    this.#aligner.push(bytes, (packets) => {
      this.#scanner.scan(packets, this.#position);
      this.#scanner.takeAccessPoints();
      this.#position += packets.length;
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#kept);
  }

  get totalBytes(): number {
    return this.#bytes;
  }

  /** Milliseconds since the first byte and how many bytes came. */
  get chunks(): [number, number][] {
    return this.#chunks.map(({ atMs, bytes }) => [Math.round(atMs), bytes]);
  }

  get pace(): Pace {
    const elapsedMs = this.#lastMs;
    const within = (fromMs: number, toMs: number): number =>
      this.#chunks.reduce((sum, { atMs, bytes }) => sum + (atMs >= fromMs && atMs < toMs ? bytes : 0), 0);
    const half = elapsedMs / 2;
    return {
      bytes: this.#bytes,
      elapsedMs,
      aheadMs: Math.max(0, this.#scanner.mediaMs - elapsedMs),
      firstBytes: within(0, BURST_WATCH_MS),
      bytesPerSecond: half === 0 ? 0 : within(half, elapsedMs + 1) / (half / 1000),
      longestGapMs: this.#longestGapMs,
    };
  }

  /** Where whole packets begin; undefined when there are none. */
  get alignedAt(): number | undefined {
    if (this.#aligner.inSync || this.#aligner.syncLosses > 0) return firstSync(this.bytes);
    return undefined;
  }

  /** How often packets did not follow each other. */
  get breaks(): number {
    return this.#aligner.syncLosses;
  }
}

function firstSync(bytes: Buffer): number | undefined {
  for (let at = bytes.indexOf(SYNC_BYTE); at >= 0; at = bytes.indexOf(SYNC_BYTE, at + 1)) {
    const next = [1, 2, 3].map((count) => at + count * PACKET_BYTES);
    if (next.every((place) => place >= bytes.length || bytes[place] === SYNC_BYTE)) return at;
  }
  return undefined;
}
