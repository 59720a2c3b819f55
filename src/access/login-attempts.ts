import type { Clock } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { networkOf } from './ip-address.ts';

/** So many failed attempts of one address within the window end its attempts until the window is over. */
export const FAILURES_MAX = 10;
export const WINDOW_MS = 10 * 60_000;
/** So many addresses are remembered; the one that failed least lately is forgotten first. */
const ADDRESSES_MAX = 10_000;

interface Failures {
  count: number;
  readonly sinceMs: number;
}

/**
 * Counts failed logins by address, those of IPv6 by their /64, which one customer has to himself. A success forgives
 * nothing: or somebody with a key of his own could try all others.
 */
export class LoginAttempts {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws AcemuxError too_many_logins: this address is to wait */
  check(address: string): void {
    const failures = this.#current(networkOf(address));
    if (!failures || failures.count < FAILURES_MAX) return;
    const leftMs = failures.sinceMs + WINDOW_MS - this.#clock.nowMs();
    throw new AcemuxError('too_many_logins', undefined, {
      retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)),
    });
  }

  failed(address: string): void {
    const network = networkOf(address);
    const failures = this.#current(network) ?? { count: 0, sinceMs: this.#clock.nowMs() };
    failures.count++;
    // To the end of the map: its beginning is forgotten first.
    this.#failures.delete(network);
    this.#failures.set(network, failures);
    if (this.#failures.size <= ADDRESSES_MAX) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      break;
    }
  }

  #current(network: string): Failures | undefined {
    const failures = this.#failures.get(network);
    if (!failures || this.#clock.nowMs() < failures.sinceMs + WINDOW_MS) return failures;
    this.#failures.delete(network);
    return undefined;
  }
}
