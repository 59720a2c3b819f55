import { type Clock, systemClock, type Timer } from '../../src/base/clock.ts';

interface Pending {
  readonly dueMs: number;
  readonly fire: () => void;
  timer: Timer;
}

/** The machine's clock, which a test may put forward: what is due by then fires at once, in its order. */
export class JumpClock implements Clock {
  readonly #pending = new Set<Pending>();
  #aheadMs = 0;

  wallMs(): number {
    return systemClock.wallMs() + this.#aheadMs;
  }

  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs;
  }

  startTimer(delayMs: number, fire: () => void): Timer {
    const pending: Pending = { dueMs: this.nowMs() + delayMs, fire, timer: { cancel: () => {} } };
    this.#pending.add(pending);
    this.#arm(pending);
    return {
      cancel: () => {
        this.#pending.delete(pending);
        pending.timer.cancel();
      },
    };
  }

  /** Puts the clock forward. */
  jump(byMs: number): void {
    this.#aheadMs += byMs;
    for (const pending of [...this.#pending].sort((a, b) => a.dueMs - b.dueMs)) this.#arm(pending);
  }

  #arm(pending: Pending): void {
    pending.timer.cancel();
    pending.timer = systemClock.startTimer(Math.max(0, pending.dueMs - this.nowMs()), () => {
      this.#pending.delete(pending);
      pending.fire();
    });
  }
}
