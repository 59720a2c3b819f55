import { type Clock, sleep } from '../base/clock.ts';
import { linkSignals } from './deadline.ts';

/** How finely media is given out. */
const SLICE_MS = 100;
/** Target durations of media that are held back, at first and at most, so that it lasts until the playlist is read again. */
const HELD_TARGETS = 2;
const HELD_TARGETS_MAX = 3;
/**
 * What must be there whenever the playlist was read: a target duration, after which it is read again, and a segment more, as
 * readings and segments are seldom in step.
 */
const RESERVE_MS = 5_000;
/** So many readings tell how much there is at least. */
const READINGS = 4;
/** So much is given out at once at the start, however little there is: enough to begin with a picture. */
const FIRST_MS = 2_000;

/**
 * Gives segments out as a broadcast comes: at the speed of the media, some seconds behind the playlist's end. What comes in
 * lumps of 5 to 10 s would look like a source that falls silent again and again.
 */
export class Pace {
  readonly #clock: Clock;
  /** When the next slice is due. */
  #dueMs: number;
  /** Media that may be given out at once. */
  #burstMs = FIRST_MS;
  #hasBegun = false;
  /** What waited after the last readings. */
  #waited: number[] = [];
  readonly #hurry = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#dueMs = clock.nowMs();
  }

  /**
   * The playlist was read, after which so much media waits: what is more than must be held back is given out at once. The
   * nearer to live, the more likely another engine can go on where this one ends.
   */
  note(waitingMs: number, targetMs: number): void {
    const isTooMuch = waitingMs > (this.#hasBegun ? HELD_TARGETS_MAX : HELD_TARGETS) * targetMs;
    if (waitingMs > 0) this.#hasBegun = true;
    this.#waited.push(waitingMs);
    let surplusMs = isTooMuch ? waitingMs - HELD_TARGETS * targetMs : 0;
    if (!isTooMuch && this.#waited.length === READINGS) {
      surplusMs = Math.min(...this.#waited) - targetMs - RESERVE_MS;
    }
    if (isTooMuch || this.#waited.length === READINGS) this.#waited = [];
    this.#burstMs = Math.max(this.#burstMs, surplusMs);
  }

  /** Nothing more will come: what is there is given out at once, so that somebody else can go on the sooner. */
  hurry(): void {
    this.#burstMs = Number.POSITIVE_INFINITY;
    this.#hurry.abort();
  }

  /**
   * A segment in slices, each when it is due.
   * @throws the signal's reason
   */
  async *give(
    bytes: Buffer,
    durationMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void, undefined> {
    using woken = linkSignals([signal, this.#hurry.signal]);
    const slices = Math.max(1, Math.ceil(durationMs / SLICE_MS));
    const sliceBytes = Math.ceil(bytes.length / slices);
    const sliceMs = durationMs / slices;
    // What came late is not made up for by a burst now, but at the next reading, if too much has gathered by then.
    this.#dueMs = Math.max(this.#dueMs, this.#clock.nowMs());
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      signal.throwIfAborted();
      if (this.#burstMs > 0) this.#burstMs -= sliceMs;
      else {
        const waitMs = this.#dueMs - this.#clock.nowMs();
        if (waitMs > 0) await sleep(this.#clock, waitMs, woken.signal).catch(() => signal.throwIfAborted());
        this.#dueMs += sliceMs;
      }
      yield bytes.subarray(at, at + sliceBytes);
    }
  }
}
