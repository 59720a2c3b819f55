/** Half of the time that a rate is told of, milliseconds. */
const STRETCH_MS = 5_000;

/** How much there was per second lately: over the last five to ten seconds, or since the beginning if that is shorter. */
export class RecentRate {
  /** When the stretch under way began, on the clock. */
  #fromMs: number;
  #amount = 0;
  #amountBefore = 0;
  #hasBefore = false;

  constructor(nowMs: number) {
    this.#fromMs = nowMs;
  }

  /** So much more. */
  note(amount: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#amount += amount;
  }

  /** Per second. */
  perSecond(nowMs: number): number {
    this.#turn(nowMs);
    const forMs = nowMs - this.#fromMs + (this.#hasBefore ? STRETCH_MS : 0);
    return forMs <= 0 ? 0 : ((this.#amount + this.#amountBefore) * 1_000) / forMs;
  }

  #turn(nowMs: number): void {
    const pastMs = nowMs - this.#fromMs;
    if (pastMs < STRETCH_MS) return;
    // What is older than the stretch before this one is not lately any more.
    this.#amountBefore = pastMs < 2 * STRETCH_MS ? this.#amount : 0;
    this.#amount = 0;
    this.#hasBefore = true;
    this.#fromMs += Math.floor(pastMs / STRETCH_MS) * STRETCH_MS;
  }
}
