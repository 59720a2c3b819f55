import { RecentRate } from '../../base/recent-rate.ts';

/** Shorter pauses are batches, and bursts of engines, milliseconds. */
const PAUSE_MIN_MS = 1_000;

/** Counts what one viewer is sent, and the times that there was nothing for it. */
export class ViewerTally {
  readonly #rate: RecentRate;
  #bytesSent = 0;
  #longestPauseMs = 0;
  /** Since when it has all there is, on the clock; not a number: there is more for it. It is set at each write, and only what is always a number is set in place. */
  #hasAllSinceMs = Number.NaN;
  /** Times that it went on at a newer keyframe. */
  skips = 0;

  constructor(nowMs: number) {
    this.#rate = new RecentRate(nowMs);
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get longestPauseMs(): number {
    return this.#longestPauseMs;
  }

  bytesPerSecond(nowMs: number): number {
    return this.#rate.perSecond(nowMs);
  }

  /**
   * It was sent so many bytes of media.
   * @param hasAll there is no more for it now
   * @returns how long it had waited for these because its stream stood still, milliseconds; 0: not worth telling
   */
  sent(bytes: number, hasAll: boolean, nowMs: number): number {
    const pauseMs = Number.isNaN(this.#hasAllSinceMs) ? 0 : nowMs - this.#hasAllSinceMs;
    this.#hasAllSinceMs = hasAll ? nowMs : Number.NaN;
    this.#bytesSent += bytes;
    this.#rate.note(bytes, nowMs);
    if (pauseMs > this.#longestPauseMs) this.#longestPauseMs = pauseMs;
    return pauseMs >= PAUSE_MIN_MS ? pauseMs : 0;
  }
}
