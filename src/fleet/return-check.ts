import type { Clock, Timer } from '../base/clock.ts';
import type { EngineRecord } from './engine-record.ts';

/** While a start waits, engines that failed are asked this often whether they are back, however many wait. Milliseconds. */
const RETURN_CHECK_MS = 500;

export interface ReturnCheckDeps {
  readonly engines: () => readonly EngineRecord[];
  /** How many starts wait for a place. */
  readonly waiting: () => number;
  readonly probeNow: (engine: EngineRecord) => Promise<void>;
  readonly clock: Clock;
}

/** Looks for engines that come back, for those who wait: a round of probes is too long where a process was just started again. */
export class ReturnCheck {
  readonly #deps: ReturnCheckDeps;
  #timer: Timer | undefined;

  constructor(deps: ReturnCheckDeps) {
    this.#deps = deps;
  }

  /** To be told when somebody begins to wait or ends, and when an engine has changed. */
  look(): void {
    const { clock, engines, probeNow, waiting } = this.#deps;
    if (waiting() === 0) {
      this.stop();
      return;
    }
    const away = engines().filter(({ state }) => state === 'unhealthy');
    if (this.#timer || away.length === 0) return;
    this.#timer = clock.startTimer(RETURN_CHECK_MS, () => {
      this.#timer = undefined;
      for (const engine of away) void probeNow(engine);
      this.look();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
