import { untilAborted } from '../base/abort.ts';
import { type Clock, sleep } from '../base/clock.ts';

/** An engine that refuses connections is looked at so often, however many wait for it. A refused connect costs it nothing. */
export const LOOK_AGAIN_MS = 50;

export interface ConnectWatchDeps {
  /** Connects and closes again; tells whether the connection stood. */
  readonly accepts: (signal: AbortSignal) => Promise<boolean>;
  readonly clock: Clock;
}

interface Watch {
  readonly accepted: Promise<void>;
  readonly abort: AbortController;
  waiting: number;
}

/** Tells when an engine accepts connections again: one connect at a time for all who wait, none while nobody does. */
export class ConnectWatch {
  readonly #deps: ConnectWatchDeps;
  #watch: Watch | undefined;

  constructor(deps: ConnectWatchDeps) {
    this.#deps = deps;
  }

  /** @throws the signal's reason; what a connect that can't be tried at all throws */
  async until(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const watch = this.#watch ?? this.#begin();
    this.#watch = watch;
    watch.waiting++;
    try {
      await untilAborted(watch.accepted, signal);
    } finally {
      if (--watch.waiting === 0) {
        watch.abort.abort();
        if (this.#watch === watch) this.#watch = undefined;
      }
    }
  }

  #begin(): Watch {
    const abort = new AbortController();
    const accepted = this.#look(abort.signal);
    accepted.catch(() => {}); // Those who wait hear it; there may be nobody left.
    return { accepted, abort, waiting: 0 };
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { accepts, clock } = this.#deps;
    do await sleep(clock, LOOK_AGAIN_MS, signal);
    while (!(await accepts(signal)));
    this.#watch = undefined;
  }
}
