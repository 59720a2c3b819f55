import type { Clock } from '../base/clock.ts';

/** Those that have ended within so long after one that has are found by what it set off: it is not set off again for each. */
const ONCE_IN_MS = 25;

/** A stream of media that is read now and then only. */
export interface PausingMedia {
  /** Reads now, whatever it waits for. */
  lookNow(): void;
}

/**
 * The media that come from one engine. Each is read ten times a second, and an end is noticed by reading: where one has ended, the
 * engine may have, so the others are read at once.
 */
export class MediaSiblings {
  readonly #clock: Clock;
  readonly #open = new Set<PausingMedia>();
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  add(media: PausingMedia): void {
    this.#open.add(media);
  }

  /** `byItself`: nobody here has ended it. */
  ended(media: PausingMedia, byItself: boolean): void {
    if (!this.#open.delete(media) || !byItself) return;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#lastMs < ONCE_IN_MS) return;
    this.#lastMs = nowMs;
    for (const other of this.#open) other.lookNow();
  }
}
