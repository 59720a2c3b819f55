import type { ReasonCode } from '../base/reasons.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import type { EngineVersion } from '../engine/types.ts';
import type { AttemptOutcome, PlaybackClient, SessionEngine } from '../session/ports.ts';
import { type HealthRecord, UNPROBED } from './health/verdict.ts';
import type { ObservedEngine } from './providers/provider.ts';
import type { Candidate } from './selection.ts';

/** Questions to an engine that need no place on it: they open no session. */
export type Consultant = Pick<EngineClient, 'mediaFiles' | 'search'>;

/** What the fleet needs of an engine's client. */
export type FleetClient = PlaybackClient &
  Consultant &
  Pick<EngineClient, 'version' | 'networkConnected' | 'close'>;

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
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly lastCheckedAtMs: number | undefined;
  /** When a place on it was last reserved. */
  readonly lastUsedAtMs: number | undefined;
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
  streams = 0;
  lastChosen = 0;
  #successes = 0;
  #failuresByReason = new Map<ReasonCode, number>();
  #lastFailure: AttemptCounters['lastFailure'];

  constructor(observed: ObservedEngine, provider: string, client: FleetClient, seenAtMs: number) {
    this.observed = observed;
    this.provider = provider;
    this.client = client;
    this.firstSeenAtMs = seenAtMs;
    this.lastSeenAtMs = seenAtMs;
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
