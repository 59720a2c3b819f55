import type { Clock } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { digestOf } from './digest.ts';
import { networkOf } from './ip-address.ts';

/** So many failed attempts of one address within the window end its attempts until the window is over. */
export const FAILURES_MAX = 10;
export const WINDOW_MS = 10 * 60_000;
/** So many addresses are remembered; the one that was heard of least lately is forgotten first. */
const ADDRESSES_MAX = 10_000;
/** So many keys are remembered of an address as right ones: a house, or a proxy that is not trusted. */
const PROVEN_MAX = 50;

interface Failures {
  count: number;
  readonly sinceMs: number;
  /** Of wrong keys that were counted. */
  readonly digests: Set<string>;
}

/**
 * Counts what could be guessing, by address; those of IPv6 by their /64, which one customer has to himself: failed logins,
 * and different wrong keys, for a player that repeats an old one guesses nothing. A success forgives nothing: or somebody with a
 * key of his own could try all others.
 */
export class LoginAttempts {
  readonly #clock: Clock;
  readonly #onBlocked: (address: string) => void;
  readonly #failures = new Map<string, Failures>();
  /** The ids of keys that were right from an address. */
  readonly #proven = new Map<string, Set<string>>();

  /** @param onBlocked called when an address has failed once too often */
  constructor(clock: Clock, onBlocked: (address: string) => void = () => {}) {
    this.#clock = clock;
    this.#onBlocked = onBlocked;
  }

  /** @throws AcemuxError too_many_logins: this address is to wait */
  check(address: string): void {
    const retryAfterSeconds = this.waitSeconds(address);
    if (retryAfterSeconds > 0) throw new AcemuxError('too_many_logins', undefined, { retryAfterSeconds });
  }

  /** How long this address is to wait; 0: it may try. */
  waitSeconds(address: string): number {
    const failures = this.#current(networkOf(address));
    if (!failures || failures.count < FAILURES_MAX) return 0;
    const leftMs = failures.sinceMs + WINDOW_MS - this.#clock.nowMs();
    return Math.max(1, Math.ceil(leftMs / 1000));
  }

  failed(address: string): void {
    this.#count(address, this.#failuresOf(address));
  }

  /** A key that is not right came from there: each is counted once. */
  keyWasWrong(address: string, key: string): void {
    const failures = this.#failuresOf(address);
    const digest = digestOf(key).toString('base64');
    if (failures.digests.has(digest) || failures.count >= FAILURES_MAX) return;
    failures.digests.add(digest);
    this.#count(address, failures);
  }

  /** A key was right from there: it goes on to be, whatever others try. */
  keyWasRight(address: string, keyId: string): void {
    const network = networkOf(address);
    const proven = this.#proven.get(network) ?? new Set();
    if (proven.size < PROVEN_MAX) proven.add(keyId);
    remember(this.#proven, network, proven);
  }

  /** Whether what comes from there is worth a look: it may try, or this key was right from there before. */
  mayUse(address: string, keyId: string | undefined): boolean {
    if (this.waitSeconds(address) === 0) return true;
    return keyId !== undefined && this.#proven.get(networkOf(address))?.has(keyId) === true;
  }

  #count(address: string, failures: Failures): void {
    failures.count++;
    if (failures.count === FAILURES_MAX) this.#onBlocked(address);
  }

  #failuresOf(address: string): Failures {
    const network = networkOf(address);
    const failures = this.#current(network) ?? {
      count: 0,
      sinceMs: this.#clock.nowMs(),
      digests: new Set<string>(),
    };
    remember(this.#failures, network, failures);
    return failures;
  }

  #current(network: string): Failures | undefined {
    const failures = this.#failures.get(network);
    if (!failures || this.#clock.nowMs() < failures.sinceMs + WINDOW_MS) return failures;
    this.#failures.delete(network);
    return undefined;
  }
}

/** Puts it to the end of the map: its beginning is forgotten first. */
function remember<Value>(map: Map<string, Value>, network: string, value: Value): void {
  map.delete(network);
  map.set(network, value);
  if (map.size <= ADDRESSES_MAX) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    break;
  }
}
