import type { Clock } from '../base/clock.ts';
import type { ReasonCode } from '../base/reasons.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import type { EngineVersion } from '../engine/types.ts';
import type { AttemptOutcome, PlaybackClient, SessionEngine } from '../session/ports.ts';
import type { Suspicion } from './health/suspicion.ts';
import { type HealthRecord, UNPROBED } from './health/verdict.ts';
import type { ObservedEngine } from './providers/provider.ts';
import type { Candidate } from './selection.ts';

/** Questions to an engine that need no place on it: they open no session. */
export type Consultant = Pick<EngineClient, 'mediaFiles' | 'search'>;

/** What the fleet needs of an engine's client. */
export type FleetClient = PlaybackClient &
  Consultant &
  Pick<EngineClient, 'version' | 'networkConnected' | 'close'>;

/** How long an engine that has stopped playing a broadcast is still likely to know peers of it, milliseconds. */
const PLAYED_LATELY_MS = 10 * 60_000;
/** Broadcasts that are remembered for that. */
const PLAYED_LATELY_MAX = 100;

/** One reserved place. */
export interface Place {
  /** The broadcast that has it; undefined while nobody knows which it is. */
  infohash: string | undefined;
  /** Whether media of it has come. */
  isDelivering: boolean;
  /** Aborted when the engine is about to leave the fleet. */
  readonly leaving: AbortController;
  /** Asks for a place back that only speeds a start up; tells whether it is free soon. Undefined: any other place. */
  readonly giveWay?: () => boolean;
}

/** How attempts on an engine went. */
export interface AttemptCounters {
  readonly successes: number;
  readonly failures: number;
  readonly failuresByReason: Readonly<Partial<Record<ReasonCode, number>>>;
  readonly lastFailure: { readonly reason: ReasonCode; readonly atMs: number } | undefined;
}

/** An engine as it is shown: a copy, taken at one moment. Times are wall clock, milliseconds. */
export interface EngineSnapshot extends AttemptCounters {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly forwarded: boolean;
  readonly vpn: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** The kind of the provider it comes from. */
  readonly provider: string;
  readonly health: HealthRecord['health'];
  /** Why the last probe was a miss, a sentence; undefined after a hit. */
  readonly healthDetail: string | undefined;
  readonly version: string | undefined;
  readonly platform: string | undefined;
  /** Places taken on it, those included whose start is under way. */
  readonly streams: number;
  /** Whether it is held to be the cause of failures, and therefore taken last. */
  readonly isSuspected: boolean;
  /** It gets no new streams, and those it has move to others. */
  readonly isDraining: boolean;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly lastCheckedAtMs: number | undefined;
  /** When a place on it was last reserved. */
  readonly lastUsedAtMs: number | undefined;
}

export interface EngineRecordDeps {
  /** The kind of the provider it comes from. */
  readonly provider: string;
  readonly client: FleetClient;
  readonly clock: Clock;
  readonly suspicion: Suspicion;
}

/** One engine that the fleet knows, with all that it knows of it. The registry owns it. */
export class EngineRecord implements Candidate, SessionEngine {
  readonly client: FleetClient;
  readonly provider: string;
  readonly firstSeenAtMs: number;
  observed: ObservedEngine;
  lastSeenAtMs: number;
  verdict: HealthRecord = UNPROBED;
  healthDetail: string | undefined;
  version: EngineVersion | undefined;
  lastCheckedAtMs: number | undefined;
  lastUsedAtMs: number | undefined;
  lastChosen = 0;
  /** It gets no new streams. */
  isDraining = false;
  readonly places = new Set<Place>();
  readonly #clock: Clock;
  readonly #suspicion: Suspicion;
  /** Broadcasts that it has played, with when it last had a place for them. */
  readonly #playedAtMs = new Map<string, number>();
  #successes = 0;
  #failuresByReason = new Map<ReasonCode, number>();
  #lastFailure: AttemptCounters['lastFailure'];

  constructor(observed: ObservedEngine, deps: EngineRecordDeps) {
    const { provider, client, clock, suspicion } = deps;
    this.observed = observed;
    this.provider = provider;
    this.client = client;
    this.#clock = clock;
    this.#suspicion = suspicion;
    this.firstSeenAtMs = clock.wallMs();
    this.lastSeenAtMs = this.firstSeenAtMs;
  }

  get id(): string {
    return this.observed.id;
  }

  get host(): string {
    return this.observed.address.host;
  }

  get port(): number {
    return this.observed.address.port;
  }

  get forwarded(): boolean {
    return this.observed.forwarded;
  }

  get health(): HealthRecord['health'] {
    return this.verdict.health;
  }

  get isSuspected(): boolean {
    return this.#suspicion.isSuspected(this.id, this.#clock.nowMs());
  }

  get streams(): number {
    return this.places.size;
  }

  get isStartingUnknown(): boolean {
    for (const { infohash } of this.places) if (infohash === undefined) return true;
    return false;
  }

  plays(infohash: string): boolean {
    for (const place of this.places) if (place.infohash === infohash) return true;
    return false;
  }

  hasPlayedLately(infohash: string): boolean {
    const atMs = this.#playedAtMs.get(infohash);
    return atMs !== undefined && this.#clock.nowMs() - atMs <= PLAYED_LATELY_MS;
  }

  /** To be told when a broadcast that was delivered has left its place. */
  notePlayed(infohash: string): void {
    this.#playedAtMs.delete(infohash);
    this.#playedAtMs.set(infohash, this.#clock.nowMs());
    const oldest = this.#playedAtMs.keys().next();
    if (this.#playedAtMs.size > PLAYED_LATELY_MAX && !oldest.done) this.#playedAtMs.delete(oldest.value);
  }

  count(outcome: AttemptOutcome, atMs: number): void {
    if (outcome.ok) {
      this.#successes++;
      return;
    }
    const { reason } = outcome;
    this.#failuresByReason.set(reason, (this.#failuresByReason.get(reason) ?? 0) + 1);
    this.#lastFailure = { reason, atMs };
  }

  snapshot(): EngineSnapshot {
    const { observed } = this;
    let failures = 0;
    for (const count of this.#failuresByReason.values()) failures += count;
    return {
      id: this.id,
      name: observed.name,
      host: this.host,
      port: this.port,
      forwarded: observed.forwarded,
      vpn: observed.vpn,
      labels: observed.labels,
      provider: this.provider,
      health: this.health,
      healthDetail: this.healthDetail,
      version: this.version?.version,
      platform: this.version?.platform,
      streams: this.streams,
      isSuspected: this.isSuspected,
      isDraining: this.isDraining,
      firstSeenAtMs: this.firstSeenAtMs,
      lastSeenAtMs: this.lastSeenAtMs,
      lastCheckedAtMs: this.lastCheckedAtMs,
      lastUsedAtMs: this.lastUsedAtMs,
      successes: this.#successes,
      failures,
      failuresByReason: Object.fromEntries(this.#failuresByReason),
      lastFailure: this.#lastFailure,
    };
  }
}
