import type { LimitRules } from './access/limits/shares.ts';
import type { OverloadBounds } from './access/overload/judge-overload.ts';
import type { Config } from './config/config.ts';
import { defaultBufferMemory, machineMemory } from './config/machine-memory.ts';
import { followStreamSettings } from './config/stream-settings.ts';
import type { FleetLimits } from './fleet/fleet.ts';
import type { FleetFacts } from './fleet/fleet-control.ts';
import type { PlanRules } from './fleet/reconciler/plan-types.ts';
import type { PoolDefaults } from './fleet/reconciler/pools.ts';
import type { HlsOutputDeps } from './output/hls/hls-output.ts';
import type { TsOutputDeps } from './output/ts/ts-output.ts';
import type { DirectoryDeps } from './session/directory.ts';
import type { RecordingsDeps } from './session/recorded/recordings.ts';
import type { TimeshiftDeps } from './timeshift/timeshift.ts';

/** The configuration in force, which may be another one later. */
export interface LiveConfig {
  readonly current: Config;
}

/** What sessions may take; each is asked for when it is needed, so that a change reaches whoever asks next. */
export function sessionLimits(live: LiveConfig): DirectoryDeps['limits'] {
  const bufferMemoryBytes =
    live.current.streams.bufferMemoryBytes ?? defaultBufferMemory(machineMemory()).bytes;
  const streamSettings = followStreamSettings(live);
  return {
    bufferMemoryBytes,
    sweepIntervalMs: live.current.streams.cleanupIntervalMs,
    get sessionsMax() {
      return live.current.limits.sessionsMax;
    },
    get firstByteTimeoutMs() {
      return live.current.streams.emptyTimeoutMs;
    },
    get startTimeoutMs() {
      return live.current.streams.startTimeoutMs;
    },
    get hedgeAfterMs() {
      return live.current.streams.hedgeAfterMs;
    },
    get retryBudgetMs() {
      return live.current.streams.retryBudgetMs;
    },
    get spliceWaitMs() {
      return live.current.streams.spliceWaitMs;
    },
    get standby() {
      return live.current.streams.standby;
    },
    get standbyStreams() {
      return streamSettings().standby;
    },
    get standbyWindowMs() {
      return live.current.streams.standbyWindowMs;
    },
    get idleTimeoutMs() {
      return live.current.streams.idleTimeoutMs;
    },
    get lingeringMax() {
      return live.current.streams.maxLingering;
    },
    get prebufferMs() {
      return live.current.clients.prebufferMs;
    },
    get prebufferStreams() {
      return streamSettings().prebuffer;
    },
    get bufferMs() {
      return live.current.streams.bufferMs;
    },
    get bufferBytes() {
      return live.current.streams.bufferSizeBytes;
    },
  };
}

/** The same for recorded video. */
export function recordingLimits(live: LiveConfig): RecordingsDeps['limits'] {
  return {
    get firstByteTimeoutMs() {
      return live.current.streams.emptyTimeoutMs;
    },
    get startTimeoutMs() {
      return live.current.streams.startTimeoutMs;
    },
    get retryBudgetMs() {
      return live.current.streams.retryBudgetMs;
    },
    get idleTimeoutMs() {
      return live.current.streams.idleTimeoutMs;
    },
    get earlyHeadersAfterMs() {
      return live.current.clients.earlyHeadersAfterMs;
    },
    get clientTimeoutMs() {
      return live.current.clients.timeoutMs;
    },
  };
}

/** What engines may carry, and how they are watched. */
export function fleetLimits(live: LiveConfig): FleetLimits {
  const { engines, fleet, health } = live.current;
  return {
    checkIntervalMs: health.checkIntervalMs,
    failureThreshold: health.failureThreshold,
    listIntervalMs: engines.cacheTtlMs,
    startupTimeoutMs: fleet.startupTimeoutMs,
    get maxStreamsPerEngine() {
      return live.current.engines.maxStreamsPerEngine;
    },
    get forwardedPreferredStreams() {
      return live.current.engines.forwardedPreferredStreams;
    },
    get selectionTimeoutMs() {
      return live.current.engines.selectionTimeoutMs;
    },
  };
}

/** How many engines there are to be at least and at most. */
export function fleetBounds(live: LiveConfig): PoolDefaults {
  return {
    get min() {
      return live.current.fleet.min;
    },
    get max() {
      return live.current.fleet.max;
    },
  };
}

/** How the fleet is planned; `bounds`: of all who make engines together. */
export function planRules(live: LiveConfig, bounds: PoolDefaults = fleetBounds(live)): PlanRules {
  const { fleet, health, vpn } = live.current;
  return {
    get min() {
      return bounds.min;
    },
    get max() {
      return bounds.max;
    },
    get maxBehindVpn() {
      return fleet.maxBehindVpn ?? bounds.max;
    },
    get minFree() {
      return live.current.fleet.minFree;
    },
    get streamsPerEngine() {
      return live.current.engines.maxStreamsPerEngine;
    },
    get removesSurplus() {
      return live.current.fleet.removesSurplus;
    },
    get idleGraceMs() {
      return live.current.fleet.idleGraceMs;
    },
    replacesCutOff: vpn.restartEngines,
    unwellGraceMs: health.unwellGraceMs,
    replacementCooldownMs: health.replacementCooldownMs,
    concurrentCreates: fleet.concurrentCreates,
    createIntervalMs: fleet.createIntervalMs,
    actionsPerMinute: fleet.actionsPerMinute,
    memoryReserveBytes: fleet.memoryReserveBytes,
    maxAgeMs: fleet.maxAgeMs === 0 ? undefined : fleet.maxAgeMs,
    recycleMemoryBytes: fleet.recycleMemoryBytes,
    breakerThreshold: fleet.breakerThreshold,
    breakerPauseMaxMs: fleet.breakerPauseMaxMs,
  };
}

/** What is told of the fleet's configuration. */
export function fleetFacts(live: LiveConfig): FleetFacts {
  const { docker, fleet, health } = live.current;
  return {
    checkIntervalMs: health.checkIntervalMs,
    breakerThreshold: fleet.breakerThreshold,
    breakerPauseMaxMs: fleet.breakerPauseMaxMs,
    image: docker.image,
    variant: docker.variant,
    get minFree() {
      return live.current.fleet.minFree;
    },
    get streamsPerEngine() {
      return live.current.engines.maxStreamsPerEngine;
    },
    get removesSurplus() {
      return live.current.fleet.removesSurplus;
    },
    get idleGraceMs() {
      return live.current.fleet.idleGraceMs;
    },
  };
}

type ViewerLimits = Pick<TsOutputDeps, 'chunkBytes' | 'clientTimeoutMs' | 'earlyHeadersAfterMs'> &
  Pick<HlsOutputDeps, 'startTimeoutMs'>;
type TimeshiftLimits = Pick<TimeshiftDeps, 'windowMs' | 'streams' | 'bytesMax' | 'pauseMaxMs'>;

/** Both in one object, without any limit being asked for now. */
export function withLimits<Limits extends object, Parts extends object>(
  limits: Limits,
  parts: Parts,
): Limits & Parts {
  return Object.defineProperties(limits, Object.getOwnPropertyDescriptors(parts)) as Limits & Parts;
}

/** What viewers may take, and what they are given. */
export function viewerLimits(live: LiveConfig): ViewerLimits {
  return {
    get chunkBytes() {
      return live.current.clients.batchSizeBytes;
    },
    get clientTimeoutMs() {
      return live.current.clients.timeoutMs;
    },
    get earlyHeadersAfterMs() {
      return live.current.clients.earlyHeadersAfterMs;
    },
    get startTimeoutMs() {
      return live.current.streams.startTimeoutMs;
    },
  };
}

/** What is kept on disk. */
export function timeshiftLimits(live: LiveConfig): TimeshiftLimits {
  const streamSettings = followStreamSettings(live);
  return {
    get windowMs() {
      return live.current.timeshift.windowMs;
    },
    get streams() {
      return streamSettings().timeshift;
    },
    get bytesMax() {
      return live.current.timeshift.maxBytes;
    },
    get pauseMaxMs() {
      return live.current.timeshift.pauseMaxMs;
    },
  };
}

/** Who is let in, and how much each may take. */
export function limitRules(live: LiveConfig): LimitRules {
  return {
    get all() {
      const { limits } = live.current;
      return {
        streamsMax: limits.streamsMax,
        viewersMax: limits.viewersMax,
        startsPerMinute: limits.startsPerMinute,
        bytesPerSecond: limits.egressBytesPerSecond,
      };
    },
    get address() {
      const { limits } = live.current;
      return {
        streamsMax: limits.addressStreamsMax,
        viewersMax: limits.addressViewersMax,
        startsPerMinute: limits.addressStartsPerMinute,
        bytesPerSecond: limits.addressBytesPerSecond,
      };
    },
    get key() {
      const { limits } = live.current;
      return {
        streamsMax: limits.keyStreamsMax,
        viewersMax: limits.keyViewersMax,
        startsPerMinute: limits.keyStartsPerMinute,
        bytesPerSecond: limits.keyBytesPerSecond,
        onLimit: limits.keyOnLimit,
      };
    },
    get viewerBytesPerSecond() {
      return live.current.limits.viewerBytesPerSecond;
    },
  };
}

/** What is too much, as far as it is configured. */
export function overloadBounds(
  live: LiveConfig,
): Pick<OverloadBounds, 'loopDelayMs' | 'egressBytesPerSecond'> {
  return {
    get loopDelayMs() {
      const { loopDelayMs } = live.current.limits;
      return loopDelayMs > 0 ? loopDelayMs : undefined;
    },
    get egressBytesPerSecond() {
      return live.current.limits.egressBytesPerSecond;
    },
  };
}
