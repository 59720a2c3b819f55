import type { PlanMemory } from './plan-types.ts';

const MINUTE_MS = 60_000;

/** Counts actions, so that no more than so many are decided within any minute. */
export class Pace {
  readonly #nowMs: number;
  readonly #max: number;
  readonly #timesMs: number[];
  #isShort = false;

  constructor({ actionsAtMs }: PlanMemory, nowMs: number, max: number) {
    this.#nowMs = nowMs;
    this.#max = max;
    this.#timesMs = actionsAtMs.filter((atMs) => nowMs - atMs < MINUTE_MS);
  }

  take<A>(actions: readonly A[]): A[] {
    const taken = actions.slice(0, Math.max(0, this.#max - this.#timesMs.length));
    if (taken.length < actions.length) this.#isShort = true;
    this.#timesMs.push(...taken.map(() => this.#nowMs));
    return taken;
  }

  get timesMs(): readonly number[] {
    return this.#timesMs;
  }

  /** When there is room for another action; undefined: none had to wait. */
  get roomAgainMs(): number | undefined {
    const [oldest] = this.#timesMs;
    return this.#isShort && oldest !== undefined ? oldest + MINUTE_MS : undefined;
  }
}
