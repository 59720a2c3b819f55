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

/** No wait in a unit test takes so long: the condition will never hold. */
const HOPELESS_MS = 60_000;

/**
 * Resolves as soon as `condition` holds; looks again in every turn of the event loop.
 * @throws Error when it never does: a loop without end would outlive the test's own limit, and the run with it
 */
export async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + HOPELESS_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited in vain for: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
