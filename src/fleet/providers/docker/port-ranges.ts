import type { Clock } from '../../../base/clock.ts';

/** Both ends belong to it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** A port that something else listens on is not tried again for so long. */
const QUARANTINE_MS = 10 * 60_000;

/**
 * Gives ports out of ranges. Which are in use it is told each time, from what exists: there is no record that could be
 * wrong. It only remembers which turned out to be bad, and where it stopped, so that a port that has just become free
 * comes last.
 */
export class PortRanges {
  readonly #clock: Clock;
  readonly #badUntilMs = new Map<number, number>();
  readonly #next = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A port of the range that nothing uses; undefined: there is none. */
  take(range: PortRange, used: ReadonlySet<number>): number | undefined {
    const nowMs = this.#clock.nowMs();
    const key = `${range.first}-${range.last}`;
    const count = range.last - range.first + 1;
    const begin = this.#next.get(key) ?? range.first;
    for (let i = 0; i < count; i++) {
      const port = range.first + ((begin - range.first + i) % count);
      if (used.has(port) || (this.#badUntilMs.get(port) ?? nowMs) > nowMs) continue;
      this.#next.set(key, port + 1);
      return port;
    }
    return undefined;
  }

  /** Something listens there that is not an engine of ours. */
  quarantine(port: number): void {
    this.#badUntilMs.set(port, this.#clock.nowMs() + QUARANTINE_MS);
  }
}
