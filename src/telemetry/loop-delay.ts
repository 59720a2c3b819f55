import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Clock, Timer } from '../base/clock.ts';

/** Of the timer whose lateness is measured. Each firing wakes the process, which costs 0.05 ms of CPU. */
const TICK_MS = 50;
/** Microseconds: a histogram holds whole numbers only, and what is later than an hour is one hour late. */
const LATE_US_MAX = 3_600_000_000;

/** How late the event loop was since this reader last asked, milliseconds. */
export interface LoopDelayFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** One who wants to know it, at times of his own. */
export interface LoopDelayReader {
  /** Undefined where nothing was measured since this was last asked. */
  take(): LoopDelayFigures | undefined;
}

/**
 * How late the event loop comes to what is due: what everybody who is served by this process waits beside all else.
 * One timer for all who want to know: with one for each, acemux without any stream woke 150 times a second.
 */
export class LoopDelay {
  readonly #clock: Clock;
  readonly #histograms: RecordableHistogram[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  openReader(): LoopDelayReader {
    const histogram = createHistogram({ lowest: 1, highest: LATE_US_MAX, figures: 2 });
    this.#histograms.push(histogram);
    return {
      take: () => {
        if (histogram.count === 0) return undefined;
        const [p50Ms, p99Ms] = [histogram.percentile(50) / 1000, histogram.percentile(99) / 1000];
        const maxMs = histogram.max / 1000;
        histogram.reset();
        return { p50Ms, p99Ms, maxMs };
      },
    };
  }

  start(): void {
    this.#next();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(): void {
    const dueMs = this.#clock.nowMs() + TICK_MS;
    this.#timer = this.#clock.startTimer(TICK_MS, () => {
      const lateUs = Math.round((this.#clock.nowMs() - dueMs) * 1000);
      for (const histogram of this.#histograms) histogram.record(Math.min(LATE_US_MAX, Math.max(1, lateUs)));
      this.#next();
    });
  }
}
