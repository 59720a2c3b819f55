import { PACKET_BYTES } from '../mpegts/packet.ts';

/** A recorded stretch shorter than this tells no pace. */
const STEADY_MS_MIN = 100;

/** When how much of a stream came to a recorded reader, gone on with at its later pace for ever. */
export class Delivery {
  readonly #atMs: readonly number[];
  /** Of each chunk: all bytes up to its end. */
  readonly #sums: readonly number[];
  readonly #endMs: number;
  readonly #endBytes: number;
  readonly #steadyMs: number;
  readonly #steadyBytes: number;

  /** `chunks`: milliseconds since the first byte, not falling, and so many bytes. */
  constructor(chunks: readonly (readonly [number, number])[]) {
    let sum = 0;
    let lastMs = 0;
    this.#atMs = chunks.map(([atMs]) => {
      lastMs = Math.max(lastMs, atMs);
      return lastMs;
    });
    this.#sums = chunks.map(([, bytes]) => {
      sum += bytes;
      return sum;
    });
    this.#endMs = lastMs;
    this.#endBytes = sum;
    // The later half is over the burst.
    this.#steadyMs = this.#endMs / 2;
    this.#steadyBytes = sum - this.#bytesWithin(this.#endMs - this.#steadyMs);
  }

  /** Whether enough was recorded to go on with. */
  get isUsable(): boolean {
    return this.#steadyMs >= STEADY_MS_MIN && this.#steadyBytes > PACKET_BYTES;
  }

  /** Whole packets that have come `elapsedMs` after the first byte. */
  packetsBy(elapsedMs: number): number {
    return Math.floor(this.#bytesBy(elapsedMs) / PACKET_BYTES);
  }

  #bytesBy(elapsedMs: number): number {
    if (elapsedMs <= this.#endMs) return this.#bytesWithin(elapsedMs);
    // The later half again and again: its gaps and lumps are what the engine's delivery is like.
    const rounds = Math.floor((elapsedMs - this.#endMs) / this.#steadyMs);
    const restMs = elapsedMs - this.#endMs - rounds * this.#steadyMs;
    const before = this.#endBytes - this.#steadyBytes;
    const partly = this.#bytesWithin(this.#endMs - this.#steadyMs + restMs) - before;
    return this.#endBytes + rounds * this.#steadyBytes + partly;
  }

  #bytesWithin(elapsedMs: number): number {
    let low = 0;
    let high = this.#atMs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#atMs[middle]! <= elapsedMs) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#sums[low - 1]!;
  }
}
