import { type Clock, sleep } from '../base/clock.ts';
import type { EngineRecord } from './engine-record.ts';

/** While a start waits, an engine that failed and accepts connections is asked this often how it is, however many wait. */
const ASK_AGAIN_MS = 500;

export interface ReturnCheckDeps {
  readonly engines: () => readonly EngineRecord[];
  /** How many starts wait for a place. */
  readonly waiting: () => number;
  /** Never rejects. */
  readonly probeNow: (engine: EngineRecord) => Promise<void>;
  readonly clock: Clock;
}

/** Looks for engines that come back, for those who wait: a round of probes is too long where a process was just started again. */
export class ReturnCheck {
  readonly #deps: ReturnCheckDeps;
  readonly #awaited = new Set<EngineRecord>();
  #abort = new AbortController();

  constructor(deps: ReturnCheckDeps) {
    this.#deps = deps;
  }

  /** To be told when somebody begins to wait or ends, and when an engine has changed. */
  look(): void {
    const { engines, waiting } = this.#deps;
    if (waiting() === 0) {
      this.stop();
      return;
    }
    for (const engine of engines()) {
      if (isAway(engine) && !this.#awaited.has(engine)) void this.#await(engine, this.#abort.signal);
    }
  }

  stop(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#awaited.clear();
  }

  /** Never rejects. */
  async #await(engine: EngineRecord, signal: AbortSignal): Promise<void> {
    const { clock, probeNow } = this.#deps;
    this.#awaited.add(engine);
    try {
      while (isAway(engine)) {
        await engine.client.untilAccepting(signal);
        await probeNow(engine);
        if (isAway(engine)) await sleep(clock, ASK_AGAIN_MS, signal);
      }
    } catch {
      // Nobody waits any more, or the engine's client is closed.
    } finally {
      if (!signal.aborted) this.#awaited.delete(engine);
    }
  }
}

function isAway({ state }: EngineRecord): boolean {
  return state === 'unhealthy';
}
