/** Bytes that may be sent, which come back at a steady rate: a bucket of tokens that may go below zero. */
export class ByteBudget {
  #bytesPerSecond: number;
  #level: number;
  #atMs: number;

  /** It begins full: with what one second brings. */
  constructor(bytesPerSecond: number, nowMs: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#level = bytesPerSecond;
    this.#atMs = nowMs;
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** From now on it fills at another rate. */
  setRate(bytesPerSecond: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** What may be sent now; below zero after more was sent than might be. */
  level(nowMs: number): number {
    this.#fill(nowMs);
    return this.#level;
  }

  spend(bytes: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#level -= bytes;
  }

  /** Adds what needs not be waited for. */
  grant(bytes: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#level += bytes;
  }

  /** How long until so much may be sent; milliseconds, 0: now. */
  waitMs(bytes: number, nowMs: number): number {
    return Math.max(0, ((bytes - this.level(nowMs)) * 1000) / this.#bytesPerSecond);
  }

  #fill(nowMs: number): void {
    const brought = (Math.max(0, nowMs - this.#atMs) * this.#bytesPerSecond) / 1000;
    // What was granted on top is not taken away again.
    this.#level = Math.max(this.#level, Math.min(this.#bytesPerSecond, this.#level + brought));
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
