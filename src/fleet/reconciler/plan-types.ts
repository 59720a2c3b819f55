import type { ReasonCode } from '../../base/reasons.ts';
import type { Breaker } from './breaker.ts';

/** How a VPN is (src/fleet/vpn/). New engines are made behind `ok` ones only. */
export type VpnState = 'unknown' | 'ok' | 'suspect' | 'down' | 'recovering' | 'draining';

/** Why an engine is made, or taken out of use. The word is in the log, the event and the metric. */
export type CreateWhy = 'demand' | 'minimum' | 'free' | 'requested' | 'replace_lost' | ReplaceWhy;
/** Why an engine that works is replaced by another one. */
export type ReplaceWhy =
  | 'replace_restart'
  | 'replace_port'
  | 'replace_spec'
  | 'replace_age'
  | 'replace_memory'
  | 'replace_balance';
/** `operator`: drained by hand, and kept. `removal`: by hand, to be removed once it is empty. */
export type DrainWhy = 'surplus' | 'operator' | 'removal' | ReplaceWhy;
/** Why an engine is removed: what it was drained for, or that nothing can be had of it any more. */
export type RemoveWhy = Exclude<DrainWhy, 'operator'> | 'unhealthy' | 'never_ready' | 'cut_off' | 'vpn_down';

/** One engine of a pool, as the decision sees it. All times are those of the monotonic clock, milliseconds. */
export interface EngineView {
  readonly id: string;
  readonly pool: string;
  /** `ready`: it answers, whatever else is the matter. `unwell`: it was, or should be by now, and is not. */
  readonly condition: 'starting' | 'ready' | 'unwell';
  /** Since when it is `unwell`; undefined: it is not. */
  readonly unwellSinceMs: number | undefined;
  /** Whether it has ever been ready, as far as anybody remembers. */
  readonly wasReady: boolean;
  readonly streams: number;
  /** Since when it has no stream; undefined: it has some. */
  readonly idleSinceMs: number | undefined;
  readonly createdAtMs: number;
  readonly drainWhy: DrainWhy | undefined;
  /** It is being removed right now. */
  readonly isRemoving: boolean;
  /** Only the operator may touch it. */
  readonly isManual: boolean;
  /** It lost its network for ever, because its VPN's container was restarted. */
  readonly isCutOff: boolean;
  readonly specHash: string | undefined;
  readonly vpn: string | undefined;
  /** The port for peers that it was started with, forwarded by its VPN. */
  readonly forwardedPort: number | undefined;
  readonly memoryBytes: number | undefined;
  /** The operator asked for it to be restarted: it is replaced by a new one. */
  readonly isToRestart: boolean;
}

/** A provider that creates engines, with its own bounds. */
export interface PoolView {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Why nothing can be created or removed there now; undefined: it answers. */
  readonly unreachable: ReasonCode | undefined;
  /** That in a sentence, where there is one. */
  readonly unreachableDetail?: string | undefined;
  /** Of the specification that it creates by now; undefined: engines of it are never out of date. */
  readonly specHash: string | undefined;
  /** The VPNs that its engines must be behind; undefined: they are behind none. */
  readonly vpns: readonly string[] | undefined;
  /** What the host has left; undefined: not known, and not looked at. */
  readonly hostMemoryBytes: number | undefined;
  /** What one more engine may take of it. */
  readonly engineMemoryBytes: number;
}

/** An engine that is being created, and is not listed yet. */
export interface CreatingView {
  readonly pool: string;
  readonly vpn: string | undefined;
  readonly forwardedPort: number | undefined;
}

export interface VpnView {
  readonly name: string;
  readonly state: VpnState;
  /** Since when it is in this state. */
  readonly sinceMs: number;
  /** The port that it forwards, once that has been stable. */
  readonly forwardedPort: number | undefined;
}

/** The fleet at one moment. */
export interface FleetView {
  readonly nowMs: number;
  readonly engines: readonly EngineView[];
  readonly creating: readonly CreatingView[];
  readonly pools: readonly PoolView[];
  readonly vpns: readonly VpnView[];
  /** Starts that wait for a place which no engine has. */
  readonly waiting: number;
  /** Engines that the operator asked for, beyond what is needed. */
  readonly requested: number;
}

export interface PlanRules {
  /** MIN_REPLICAS, or what the operator has set since. */
  readonly min: number;
  /** MAX_REPLICAS */
  readonly max: number;
  /** VPN_RESTART_ENGINES_ON_RECONNECT: whether engines that lost their network for ever are replaced. */
  readonly replacesCutOff: boolean;
  /** MAX_ACTIVE_REPLICAS: of engines behind VPNs. */
  readonly maxBehindVpn: number;
  /** MIN_FREE_REPLICAS */
  readonly minFree: number;
  /** MAX_STREAMS_PER_ENGINE */
  readonly streamsPerEngine: number;
  /** AUTO_DELETE: whether engines that are not needed any more are removed. */
  readonly removesSurplus: boolean;
  /** ENGINE_GRACE_PERIOD_S: so long nothing is removed that may be needed again. */
  readonly idleGraceMs: number;
  /** HEALTH_UNHEALTHY_GRACE_PERIOD_S: so long an engine that is unwell may heal. */
  readonly unwellGraceMs: number;
  /** HEALTH_REPLACEMENT_COOLDOWN_S: from one replacement to the next. */
  readonly replacementCooldownMs: number;
  /** MAX_CONCURRENT_PROVISIONS */
  readonly concurrentCreates: number;
  /** MIN_PROVISION_INTERVAL_S */
  readonly createIntervalMs: number;
  /** Creations, drains and removals in any 60 s. */
  readonly actionsPerMinute: number;
  /** HOST_MEMORY_RESERVE */
  readonly memoryReserveBytes: number;
  /** ENGINE_MAX_AGE; undefined: none. */
  readonly maxAgeMs: number | undefined;
  /** ENGINE_RECYCLE_MEMORY; undefined: none. */
  readonly recycleMemoryBytes: number | undefined;
  /** CIRCUIT_BREAKER_FAILURE_THRESHOLD */
  readonly breakerThreshold: number;
  /** CIRCUIT_BREAKER_RECOVERY_TIMEOUT_S: the longest pause. */
  readonly breakerPauseMaxMs: number;
}

/** What the decision remembers from one time to the next. */
export interface PlanMemory {
  /** By pool. */
  readonly breakers: ReadonlyMap<string, Breaker>;
  /** When actions were decided, of the last minute, oldest first. */
  readonly actionsAtMs: readonly number[];
  readonly lastCreateAtMs: number | undefined;
  /** When the last engine was removed or drained in order to be replaced. */
  readonly lastReplacementAtMs: number | undefined;
  /** When the last engine was created in order to stand in for one that works. */
  readonly lastStandInAtMs: number | undefined;
  /** Since when there have been more engines than needed, without a pause. */
  readonly surplusSinceMs: number | undefined;
}

export const EMPTY_MEMORY: PlanMemory = {
  breakers: new Map(),
  actionsAtMs: [],
  lastCreateAtMs: undefined,
  lastReplacementAtMs: undefined,
  lastStandInAtMs: undefined,
  surplusSinceMs: undefined,
};

export type Action =
  | {
      readonly kind: 'create';
      readonly pool: string;
      readonly vpn: string | undefined;
      readonly forwardedPort: number | undefined;
      readonly why: CreateWhy;
    }
  | { readonly kind: 'drain'; readonly id: string; readonly why: Exclude<DrainWhy, 'operator' | 'removal'> }
  | { readonly kind: 'undrain'; readonly id: string }
  | { readonly kind: 'remove'; readonly id: string; readonly why: RemoveWhy };

/** Why no engine can be created now. */
export interface Block {
  readonly code: ReasonCode;
  /** A sentence for people. */
  readonly message: string;
  /** When it may be different; undefined: nobody knows. */
  readonly etaMs: number | undefined;
}

export interface Plan {
  readonly actions: readonly Action[];
  /** Engines that are wanted in all. */
  readonly wanted: number;
  /** Engines that may become ready soon: those that start, are being created, or will be as soon as the pace allows. */
  readonly coming: number;
  /** Undefined: one more could be created. */
  readonly block: Block | undefined;
  /** When to look again though nothing happens; undefined: only in the usual interval. */
  readonly lookAgainMs: number | undefined;
  readonly memory: PlanMemory;
}
