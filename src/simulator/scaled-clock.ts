import type { Clock, Timer } from '../base/clock.ts';

/** A clock that runs `scale` times as fast as another one, from the moment it was made. */
export class ScaledClock implements Clock {
  readonly #inner: Clock;
  readonly #scale: number;
  readonly #startWallMs: number;
  readonly #startNowMs: number;

  constructor(inner: Clock, scale: number) {
    this.#inner = inner;
    this.#scale = scale;
    this.#startWallMs = inner.wallMs();
    this.#startNowMs = inner.nowMs();
  }

  wallMs(): number {
    return this.#startWallMs + (this.#inner.wallMs() - this.#startWallMs) * this.#scale;
  }

  nowMs(): number {
    return this.#startNowMs + (this.#inner.nowMs() - this.#startNowMs) * this.#scale;
  }

  startTimer(delayMs: number, fire: () => void): Timer {
    return this.#inner.startTimer(delayMs / this.#scale, fire);
  }
}
