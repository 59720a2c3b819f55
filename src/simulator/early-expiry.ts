import type { Clock, Timer } from '../base/clock.ts';
import type { Faults } from './faults.ts';
import type { SessionTable } from './session-table.ts';

export interface EarlyExpiryDeps {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly sessions: SessionTable;
}

/** Ends sessions when the fault `expireEarly` says so, although they are read (item 48). */
export class EarlyExpiry {
  readonly #deps: EarlyExpiryDeps;
  #timer: Timer | undefined;

  constructor(deps: EarlyExpiryDeps) {
    this.#deps = deps;
  }

  /** Ends what is due now and waits for the next; to be called whenever faults or sessions have changed. */
  look(): void {
    const { clock, faults, sessions } = this.#deps;
    this.stop();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const session of sessions.open()) {
      const whom = { infohash: session.infohash, session: session.token };
      const fault = faults.find('expireEarly', whom)?.fault;
      if (fault === undefined) continue;
      const inMs = session.openedMs + fault.lifetimeMs - clock.nowMs();
      if (inMs <= 0) sessions.end(session, 'expired');
      else nextMs = Math.min(nextMs, inMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#timer = clock.startTimer(nextMs, () => this.look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
