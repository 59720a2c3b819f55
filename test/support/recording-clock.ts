import type { Timer } from '../../src/base/clock.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';

/** A clock turned by hand that remembers what was waited for, so that a test can wait for a wait. */
export class RecordingClock extends ManualClock {
  /** The delay of every timer that was ever started, in order. */
  readonly delaysMs: number[] = [];

  override startTimer(delayMs: number, fire: () => void): Timer {
    this.delaysMs.push(delayMs);
    return super.startTimer(delayMs, fire);
  }

  /** Resolves once a timer of `delayMs` has been started `times` times, then lets it fire. */
  async passWait(delayMs: number, times = 1): Promise<void> {
    await until(() => this.delaysMs.filter((each) => each === delayMs).length >= times);
    await this.advance(delayMs);
  }
}

/** Resolves as soon as `condition` holds, however long that takes; the test's own limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
