import type { Clock } from '../../base/clock.ts';

/** How much is sent to viewers, from one look to the next. */
export class EgressMeter {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #bytes = 0;
  #sinceMs: number;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
  }

  bytesStreamed(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Bytes per second since this was last asked. */
  take(): number {
    const nowMs = this.#clock.nowMs();
    const rate = (this.#bytes * 1000) / Math.max(1, nowMs - this.#sinceMs);
    this.#bytes = 0;
    this.#sinceMs = nowMs;
    return rate;
  }
}
