import type { Clock, Timer } from './clock.ts';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** A clock that moves only when told to: for tests of rules with time, and for the simulator's. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #wallOffsetMs: number;
  readonly #pending = new Set<Pending>();

  /** `wallStartMs`: the wall clock's first reading, milliseconds since the Unix epoch. */
  constructor(wallStartMs = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = wallStartMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  startTimer(delayMs: number, fire: () => void): Timer {
    const pending: Pending = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fire };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** How many timers wait: a component that has stopped must have left none. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Milliseconds until the first of them is due; undefined where none waits. */
  get nextInMs(): number | undefined {
    const next = this.#nextDue(Number.POSITIVE_INFINITY);
    return next && next.dueMs - this.#nowMs;
  }

  /**
   * Moves time forward by `byMs`, firing each timer at its own moment, in order, and letting the promises
   * that each one settles run before the next.
   */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    // What was just begun may be about to set its timers.
    await settlePromises();
    for (let next = this.#nextDue(endMs); next; next = this.#nextDue(endMs)) {
      this.#pending.delete(next);
      this.#nowMs = next.dueMs;
      next.fire();
      await settlePromises();
    }
    this.#nowMs = endMs;
    await settlePromises();
  }

  #nextDue(endMs: number): Pending | undefined {
    let next: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.dueMs > endMs) continue;
      if (
        !next ||
        pending.dueMs < next.dueMs ||
        (pending.dueMs === next.dueMs && pending.order < next.order)
      ) {
        next = pending;
      }
    }
    return next;
  }
}

/** Lets every promise chain that is ready run to its next real wait. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
