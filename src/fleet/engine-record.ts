import type { Clock } from '../base/clock.ts';
import type { ReasonCode } from '../base/reasons.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import type { EngineVersion } from '../engine/types.ts';
import type { AttemptOutcome, PlaybackClient, SessionEngine } from '../session/ports.ts';
import {
  type ApiRecord,
  conditionOf,
  type EngineFacts,
  type EngineState,
  type Health,
  isUsable,
  stateOf,
  UNPROBED,
} from './health/engine-state.ts';
import type { Suspicion } from './health/suspicion.ts';
import type { Place } from './place.ts';
import type { EngineExit, ObservedContainer, ObservedEngine } from './providers/provider.ts';
import type { DrainWhy, VpnState } from './reconciler/plan-types.ts';
import type { Candidate } from './selection.ts';

/** Questions to an engine that need no place on it: they open no session. */
export type Consultant = Pick<EngineClient, 'mediaFiles' | 'search'>;

/** What the fleet needs of an engine's client. */
export type FleetClient = PlaybackClient &
  Consultant &
  Pick<EngineClient, 'version' | 'networkConnected' | 'untilAccepting' | 'stopLeft' | 'close'>;

/** How long an engine that has stopped playing a broadcast is still likely to know peers of it, milliseconds. */
const PLAYED_LATELY_MS = 10 * 60_000;
/** Broadcasts that are remembered for that. */
const PLAYED_LATELY_MAX = 100;

/** How long a failure of an engine's own counts against it in the choice, milliseconds. */
const FAILED_LATELY_MS = 5 * 60_000;
/** So many of them count at most. */
const FAILED_LATELY_MAX = 10;
/** What its latest probes found, for people. */
const PROBES_KEPT = 20;

/** One probe as it is shown. */
export interface ProbeMoment {
  /** Wall clock, milliseconds. */
  readonly atMs: number;
  readonly verdict: 'hit' | 'miss';
  readonly reason: ReasonCode | undefined;
  readonly detail: string | undefined;
  readonly tookMs: number;
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
  /** The name of that provider among all. */
  readonly pool: string;
  readonly state: EngineState;
  /** Since when it is in this state. */
  readonly stateSinceMs: number;
  /** The state in the words of the orchestrator: `healthy` is all that can be used. */
  readonly health: Health;
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
  /** Why it is drained; undefined: it is not. */
  readonly drainWhy: DrainWhy | undefined;
  /** How its VPN is; undefined: it is behind none, or nobody watches that. */
  readonly vpnState: VpnState | undefined;
  /** Whether the provider can't be asked about it now, so that all this may be out of date. */
  readonly isUnseen: boolean;
  /** Undefined: acemux did not make it. */
  readonly container: ObservedContainer | undefined;
  /** Oldest first, bounded. */
  readonly probes: readonly ProbeMoment[];
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly lastCheckedAtMs: number | undefined;
  /** When a place on it was last reserved. */
  readonly lastUsedAtMs: number | undefined;
}

export interface EngineRecordDeps {
  /** The kind of the provider it comes from. */
  readonly provider: string;
  /** The name of that provider among all. */
  readonly pool: string;
  /** Whether that provider makes engines: then a new one may still be starting. */
  readonly isCreated: boolean;
  readonly client: FleetClient;
  readonly clock: Clock;
  readonly suspicion: Suspicion;
  /** How its VPN is; undefined: nobody watches that. */
  readonly vpnStateOf: (vpn: string) => VpnState | undefined;
  /** STARTUP_TIMEOUT_S, milliseconds. */
  readonly startupTimeoutMs: number;
}

/** One engine that the fleet knows, with all that it knows of it. The registry owns it. */
export class EngineRecord implements Candidate, SessionEngine {
  readonly client: FleetClient;
  readonly provider: string;
  readonly pool: string;
  readonly firstSeenAtMs: number;
  observed: ObservedEngine;
  lastSeenAtMs: number;
  /** The registry alone changes it, in one place. */
  state: EngineState = 'starting';
  stateSinceMs: number;
  api: ApiRecord = UNPROBED;
  /** Since when it has been unhealthy beneath everything else, monotonic; undefined: it is not. */
  unwellSinceMs: number | undefined;
  /** Whether it has ever answered, or is so old that it must have. */
  wasReady: boolean;
  /** Whether its provider could not be asked about it last time. */
  isUnseen = false;
  healthDetail: string | undefined;
  healthReason: ReasonCode | undefined;
  version: EngineVersion | undefined;
  network:
    | {
        readonly isReachable: boolean;
        readonly connected: boolean | undefined;
        readonly checkedAtMs: number;
      }
    | undefined;
  lastCheckedAtMs: number | undefined;
  lastUsedAtMs: number | undefined;
  lastChosen = 0;
  drainWhy: DrainWhy | undefined;
  /** Its provider is removing it. */
  isRemoving = false;
  isToRestart = false;
  /** As its provider measured it last; undefined: not known. */
  memoryBytes: number | undefined;
  /** How it ended, if it has by itself. */
  exit: EngineExit | undefined;
  isGone = false;
  readonly places = new Set<Place>();
  /** Since when it has had no stream, monotonic. */
  idleSinceMs: number;
  /** When it was made, monotonic; where nobody knows, when it was first seen. */
  readonly createdAtMs: number;
  readonly probes: ProbeMoment[] = [];
  readonly #deps: EngineRecordDeps;
  readonly #clock: Clock;
  readonly #suspicion: Suspicion;
  /** Broadcasts that it has played, with when it last had a place for them. */
  readonly #playedAtMs = new Map<string, number>();
  #successes = 0;
  #failuresByReason = new Map<ReasonCode, number>();
  #lastFailure: AttemptCounters['lastFailure'];
  /** Failures that may be its own fault, monotonic, oldest first. */
  #failedAtMs: number[] = [];

  constructor(observed: ObservedEngine, deps: EngineRecordDeps) {
    const { provider, pool, client, clock, suspicion } = deps;
    this.observed = observed;
    this.provider = provider;
    this.pool = pool;
    this.client = client;
    this.#deps = deps;
    this.#clock = clock;
    this.#suspicion = suspicion;
    const wallMs = clock.wallMs();
    const nowMs = clock.nowMs();
    this.firstSeenAtMs = wallMs;
    this.lastSeenAtMs = wallMs;
    this.stateSinceMs = wallMs;
    this.idleSinceMs = nowMs;
    // The wall clock may jump: an age is taken from it once, and counted on by the other one.
    this.createdAtMs = nowMs - Math.max(0, wallMs - (observed.container?.createdAtMs ?? wallMs));
    this.wasReady = !this.maybeStarting;
  }

  /** Whether it was started so lately that it need not answer yet. */
  get maybeStarting(): boolean {
    return this.#deps.isCreated && this.#clock.nowMs() - this.createdAtMs < this.#deps.startupTimeoutMs;
  }

  get facts(): EngineFacts {
    const { container } = this.observed;
    return {
      api: this.api.kind,
      container: container?.state,
      isDelivering: this.isDelivering,
      isSuspected: this.isSuspected,
      isUnseen: this.isUnseen,
      isDraining: this.isDraining,
      isCutOff: container?.isCutOff === true,
      isGone: this.isGone,
    };
  }

  get health(): Health {
    if (this.isGone) return 'unhealthy';
    const condition = conditionOf(this.facts);
    if (condition === 'starting') return 'unknown';
    return condition === 'unhealthy' || this.api.kind === 'silent' ? 'unhealthy' : 'healthy';
  }

  /** Whether it is, beneath all else, not to be used: what the reconciler replaces if it lasts. */
  get isUnwell(): boolean {
    return !this.isGone && (this.api.kind === 'silent' || conditionOf(this.facts) === 'unhealthy');
  }

  /** Whether new streams may be put on it, full or not. */
  get isUsable(): boolean {
    const { vpnState } = this;
    return !this.isRemoving && vpnState !== 'down' && vpnState !== 'draining' && isUsable(this.facts);
  }

  /** Whether it is taken only where there is no other. */
  get isLastResort(): boolean {
    const { vpnState } = this;
    return stateOf(this.facts) === 'degraded' || (vpnState !== undefined && vpnState !== 'ok');
  }

  /** Whether streams that play on it should go on elsewhere. */
  get mustBeLeft(): boolean {
    const { vpnState, state } = this;
    if (this.isGone || state === 'unhealthy' || vpnState === 'down' || vpnState === 'draining') return true;
    return this.isDraining;
  }

  get isDraining(): boolean {
    return this.drainWhy !== undefined;
  }

  /** Whether media comes from it now, whatever else is said of it. */
  get isDelivering(): boolean {
    const nowMs = this.#clock.nowMs();
    return this.places.values().some((place) => place.delivers(nowMs));
  }

  get vpn(): string | undefined {
    return this.observed.vpn;
  }

  get vpnState(): VpnState | undefined {
    const { vpn } = this.observed;
    return vpn === undefined ? undefined : this.#deps.vpnStateOf(vpn);
  }

  /** Its own failures of the last minutes, as far as they count. */
  get failuresLately(): number {
    const sinceMs = this.#clock.nowMs() - FAILED_LATELY_MS;
    while (this.#failedAtMs.length > 0 && this.#failedAtMs[0]! < sinceMs) this.#failedAtMs.shift();
    return this.#failedAtMs.length;
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

  /** `speaksAgainst`: whether a failure ranks it behind others for a while. */
  count(outcome: AttemptOutcome, atMs: number, speaksAgainst: boolean): void {
    if (outcome.ok) {
      this.#successes++;
      return;
    }
    const { reason } = outcome;
    if (speaksAgainst) {
      this.#failedAtMs.push(this.#clock.nowMs());
      if (this.#failedAtMs.length > FAILED_LATELY_MAX) this.#failedAtMs.shift();
    }
    this.#failuresByReason.set(reason, (this.#failuresByReason.get(reason) ?? 0) + 1);
    this.#lastFailure = { reason, atMs };
  }

  /** To be told what a probe found. */
  noteProbe(moment: ProbeMoment): void {
    this.probes.push(moment);
    if (this.probes.length > PROBES_KEPT) this.probes.shift();
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
      pool: this.pool,
      state: this.state,
      stateSinceMs: this.stateSinceMs,
      health: this.health,
      healthDetail: this.healthDetail,
      version: this.version?.version,
      platform: this.version?.platform,
      streams: this.streams,
      isSuspected: this.isSuspected,
      isDraining: this.isDraining,
      drainWhy: this.drainWhy,
      vpnState: this.vpnState,
      isUnseen: this.isUnseen,
      container: observed.container,
      probes: [...this.probes],
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
