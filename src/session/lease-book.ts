import type { Clock } from '../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';
import { Lease, type LeasedSessions, type LeaseOwner, type LeaseRequest } from './lease.ts';

/** So many leases at once, opened, read and unread together. */
const LEASES_MAX = 1_000;

export interface LeaseBookDeps {
  readonly sessions: LeasedSessions;
  /** 1,000 if left out. */
  readonly leasesMax?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** All leases, by their tokens. A lease that is over is forgotten at once. */
export class LeaseBook implements LeaseOwner {
  readonly #deps: LeaseBookDeps;
  readonly #leases = new Map<string, Lease>();
  #refusal: ReasonCode | undefined;

  constructor(deps: LeaseBookDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#leases.size;
  }

  find(token: string): Lease | undefined {
    return this.#leases.get(token);
  }

  /**
   * Opens a lease; resolves as soon as the broadcast's infohash is known.
   * @throws AcemuxError too_many_leases; why the stream can't be played; the signal's reason
   */
  async open(request: LeaseRequest, signal: AbortSignal): Promise<Lease> {
    if (this.#refusal) throw new AcemuxError(this.#refusal);
    this.#makeRoom();
    const { clock, log, sessions } = this.#deps;
    const lease = new Lease({ request, sessions, owner: this, clock, log });
    this.#leases.set(lease.token, lease);
    await lease.open(signal);
    return lease;
  }

  /** Opens no more, and ends those that nobody reads: what is left are viewers. */
  refuse(reason: ReasonCode): void {
    this.#refusal ??= reason;
    for (const lease of [...this.#leases.values()]) {
      if (lease.unreadSinceMs !== undefined) lease.end(reason);
    }
  }

  /** Ends all. */
  stop(reason: ReasonCode): void {
    this.#refusal ??= reason;
    for (const lease of [...this.#leases.values()]) lease.end(reason);
  }

  onLeaseEnded(lease: Lease): void {
    this.#leases.delete(lease.token);
  }

  /** The one that has been unread longest gives way; those that are read stay. */
  #makeRoom(): void {
    if (this.#leases.size < (this.#deps.leasesMax ?? LEASES_MAX)) return;
    let longest: Lease | undefined;
    let sinceMs = Number.POSITIVE_INFINITY;
    for (const lease of this.#leases.values()) {
      if (lease.unreadSinceMs === undefined || lease.unreadSinceMs >= sinceMs) continue;
      longest = lease;
      sinceMs = lease.unreadSinceMs;
    }
    if (!longest) throw new AcemuxError('too_many_leases');
    longest.end('too_many_leases');
  }
}
