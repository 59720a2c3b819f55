import type { EngineView, FleetView, PlanRules, RemoveWhy, ReplaceWhy, VpnView } from './plan-types.ts';

/**
 * What an engine counts for. `ready`: capacity. `coming`: soon, perhaps. `wavering`: not now, but it may heal, so nobody
 * is made in its stead yet. `lost`: nothing is to be expected of it any more, for the reason given. `leaving`: drained.
 */
export type Standing =
  | { readonly kind: 'ready' | 'coming' | 'wavering' | 'leaving' }
  | { readonly kind: 'lost'; readonly why: RemoveWhy };

export function standingOf(engine: EngineView, view: FleetView, rules: PlanRules): Standing {
  if (engine.isCutOff && !engine.isManual) {
    // It can't play, whoever is to mend that: it is no capacity.
    return rules.replacesCutOff ? { kind: 'lost', why: 'cut_off' } : { kind: 'wavering' };
  }
  if (engine.isRemoving || engine.drainWhy !== undefined) return { kind: 'leaving' };
  const vpn = vpnOf(engine, view);
  if (vpn && vpn.state !== 'ok') {
    // Streams that play have been told to leave one that is down; whether it comes back is seen soon enough.
    const isLost = vpn.state === 'down' && view.nowMs - vpn.sinceMs >= rules.unwellGraceMs;
    return isLost ? { kind: 'lost', why: 'vpn_down' } : { kind: 'wavering' };
  }
  if (engine.condition === 'ready') return { kind: 'ready' };
  if (engine.condition === 'starting') return { kind: 'coming' };
  if (!engine.wasReady) return { kind: 'lost', why: 'never_ready' };
  const unwellForMs = view.nowMs - (engine.unwellSinceMs ?? view.nowMs);
  return unwellForMs >= rules.unwellGraceMs ? { kind: 'lost', why: 'unhealthy' } : { kind: 'wavering' };
}

/** Why an engine that works should be replaced by another one; undefined: it is as it should be. */
export function outdatedBy(engine: EngineView, view: FleetView, rules: PlanRules): ReplaceWhy | undefined {
  if (engine.isManual) return undefined;
  if (engine.isToRestart) return 'replace_restart';
  const vpn = vpnOf(engine, view);
  const isPortGone =
    engine.forwardedPort !== undefined &&
    vpn?.forwardedPort !== undefined &&
    vpn.forwardedPort !== engine.forwardedPort;
  if (isPortGone) return 'replace_port';
  const specHash = view.pools.find(({ name }) => name === engine.pool)?.specHash;
  const isOldSpec = specHash !== undefined && engine.specHash !== undefined && specHash !== engine.specHash;
  if (isOldSpec) return 'replace_spec';
  if (rules.maxAgeMs !== undefined && view.nowMs - engine.createdAtMs >= rules.maxAgeMs) return 'replace_age';
  const { recycleMemoryBytes } = rules;
  if (recycleMemoryBytes !== undefined && (engine.memoryBytes ?? 0) >= recycleMemoryBytes)
    return 'replace_memory';
  return undefined;
}

/** Whether it is the one engine of its VPN that has the forwarded port. */
export function isLeader(engine: EngineView, view: FleetView): boolean {
  const port = engine.forwardedPort;
  return port !== undefined && port === vpnOf(engine, view)?.forwardedPort;
}

/** Whether nobody has used it for so long that nobody will miss it. */
export function isIdle(
  { streams, idleSinceMs }: EngineView,
  { nowMs }: FleetView,
  { idleGraceMs }: PlanRules,
): boolean {
  return streams === 0 && idleSinceMs !== undefined && nowMs - idleSinceMs >= idleGraceMs;
}

/** Whether anything can be done with it: what made it answers. */
export function isReachable({ pool }: EngineView, { pools }: FleetView): boolean {
  return pools.some(({ name, unreachable }) => name === pool && unreachable === undefined);
}

/** Undefined: it is behind none, or behind one that nobody watches, so that nothing speaks against it. */
function vpnOf(engine: EngineView, view: FleetView): VpnView | undefined {
  return engine.vpn === undefined ? undefined : view.vpns.find(({ name }) => name === engine.vpn);
}
