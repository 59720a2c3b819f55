import type { LiveConfig } from './app-limits.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Vpns } from './fleet/vpn/vpns.ts';
import type { ListedViewer, SessionControl } from './session/session-control.ts';
import type { StageSources } from './telemetry/stage-metrics.ts';

/** The parts that metrics are asked of at each scrape; they need not be built before that. */
export interface MeasuredParts {
  readonly fleet: () => Fleet;
  readonly sessions: () => SessionControl;
  readonly vpns: () => Vpns;
}

/** What streams go through, for the metrics. */
export function stageSources({ fleet, sessions, vpns }: MeasuredParts, live: LiveConfig): StageSources {
  const usable = () => fleet().registry.engines.filter(({ isUsable }) => isUsable);
  return {
    streams: () => sessions().pulses(),
    clients: () => sessions().viewers().flatMap(viewerWords),
    places: () => {
      const used = usable().reduce((sum, { streams }) => sum + streams, 0);
      const all = usable().length * live.current.engines.maxStreamsPerEngine;
      return { used, free: Math.max(0, all - used) };
    },
    scores: () =>
      fleet()
        .explain({
          exclude: new Set(),
          infohash: undefined,
          preferredEngine: undefined,
          lastEngine: undefined,
        })
        .filter(({ obstacle }) => obstacle === undefined)
        .map(({ score }) => score),
    probes: () => fleet().registry.probeCounts,
    vpns: () =>
      vpns()
        .list()
        .map(({ state }) => state),
  };
}

function viewerWords({ isPaused, progress }: ListedViewer): ReturnType<StageSources['clients']> {
  if (!progress) return [];
  const state = isPaused ? 'paused' : progress.isBlocked ? 'lagging' : 'playing';
  return [{ output: progress.output, state }];
}
