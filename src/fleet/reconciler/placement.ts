import { judgeBreaker } from './breaker.ts';
import type {
  Action,
  Block,
  CreateWhy,
  FleetView,
  PlanMemory,
  PlanRules,
  PoolView,
  VpnView,
} from './plan-types.ts';

type CreateAction = Extract<Action, { kind: 'create' }>;

/** Engines that exist or are being created, by pool and VPN. */
interface Count {
  readonly pool: string;
  readonly vpn: string | undefined;
}

/** Where the next engine goes, or why it goes nowhere. */
export type Placement =
  | { readonly kind: 'place'; readonly action: CreateAction }
  /** As many are being created as may be at once: soon there is room. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'blocked'; readonly block: Block };

/** Where an engine is wanted in particular: to take the place of another one. */
export interface PlacementWish {
  readonly why: CreateWhy;
  /** Behind this VPN or not at all; undefined: wherever there is room. */
  readonly vpn?: string | undefined;
}

/** A VPN that has just been found is waited for so long, so that those which come up first do not get all engines. */
const VPN_PROVES_ITSELF_MS = 30_000;

/**
 * Chooses pool and VPN of one more engine: first pools that have fewer than their minimum, then the one with the fewest;
 * of VPNs that are ok, the one with the fewest engines. Never outside a VPN where the pool has any.
 * @param planned what this decision creates already
 */
export function placeEngine(
  view: FleetView,
  memory: PlanMemory,
  rules: PlanRules,
  planned: readonly CreateAction[],
  wish: PlacementWish,
): Placement {
  const all: Count[] = [...view.engines, ...view.creating, ...planned];
  if (all.length >= rules.max)
    return blocked('max_replicas', `There are ${all.length} engines, as many as may be.`);
  if (view.pools.length === 0) return blocked('provider_fixed', 'No provider creates engines.');
  const creatingNow = view.creating.length + planned.length;
  if (creatingNow >= rules.concurrentCreates) return { kind: 'wait' };

  const inOrder = view.pools.toSorted(
    (one, other) =>
      Number(isShort(other, all)) - Number(isShort(one, all)) || countIn(one, all) - countIn(other, all),
  );
  let obstacle: Placement | undefined;
  for (const pool of inOrder) {
    const placement = placeInPool(pool, view, memory, rules, all, planned, wish);
    if (placement.kind === 'place') return placement;
    if (obstacle?.kind !== 'wait') obstacle = graver(obstacle, placement);
  }
  return obstacle ?? { kind: 'wait' };
}

function placeInPool(
  pool: PoolView,
  view: FleetView,
  memory: PlanMemory,
  rules: PlanRules,
  all: readonly Count[],
  planned: readonly CreateAction[],
  wish: PlacementWish,
): Placement {
  if (countIn(pool, all) >= pool.max)
    return blocked('max_replicas', `Pool ${pool.name} has its ${pool.max} engines.`);
  if (pool.unreachable !== undefined) {
    const detail = pool.unreachableDetail ?? 'what makes engines there does not answer';
    return blocked(pool.unreachable, `${pool.name}: ${detail}`);
  }
  const vpn = chooseVpn(pool, view, rules, all, wish);
  if (vpn.kind !== 'vpn') return vpn;
  const breaker = memory.breakers.get(pool.name);
  const verdict = breaker
    ? judgeBreaker(breaker, view.nowMs, breakerRules(rules))
    : { kind: 'closed' as const };
  switch (verdict.kind) {
    case 'half-open': {
      const tried = [...view.creating, ...planned].some((each) => each.pool === pool.name);
      const starting = view.engines.some(
        (each) => each.pool === pool.name && each.condition === 'starting' && each.drainWhy === undefined,
      );
      if (tried || starting) return { kind: 'wait' };
      break;
    }
    case 'backoff':
    case 'open':
    case 'dependency': {
      const code = verdict.kind === 'dependency' ? verdict.cause : 'engine_creation_paused';
      return blocked(code, `${pool.name}: ${verdict.detail}`, verdict.untilMs - view.nowMs);
    }
    case 'closed':
  }
  const { hostMemoryBytes, engineMemoryBytes } = pool;
  const planning = planned.filter((each) => each.pool === pool.name).length;
  const left =
    hostMemoryBytes === undefined ? undefined : hostMemoryBytes - (planning + 1) * engineMemoryBytes;
  if (left !== undefined && left < rules.memoryReserveBytes)
    return blocked('host_memory', `The host of ${pool.name} would have ${Math.max(0, left)} bytes left.`);
  const { name, forwardedPort } = vpn;
  return {
    kind: 'place',
    action: { kind: 'create', pool: pool.name, vpn: name, forwardedPort, why: wish.why },
  };
}

type VpnChoice =
  | { readonly kind: 'vpn'; readonly name: string | undefined; readonly forwardedPort: number | undefined }
  | Exclude<Placement, { kind: 'place' }>;

function chooseVpn(
  pool: PoolView,
  view: FleetView,
  rules: PlanRules,
  all: readonly Count[],
  wish: PlacementWish,
): VpnChoice {
  if (pool.vpns === undefined) return { kind: 'vpn', name: undefined, forwardedPort: undefined };
  const behindAny = all.filter(({ vpn }) => vpn !== undefined).length;
  if (behindAny >= rules.maxBehindVpn)
    return blocked('max_replicas', `There are ${behindAny} engines behind VPNs, as many as may be.`);
  const ours = view.vpns.filter(({ name }) => pool.vpns?.includes(name));
  const countOf = ({ name }: VpnView): number => all.filter(({ vpn }) => vpn === name).length;
  const [first] = ours
    .filter(({ name, state }) => state === 'ok' && name === (wish.vpn ?? name))
    .toSorted((one, other) => countOf(one) - countOf(other));
  if (!first) return blocked('vpn_down', `No VPN of ${pool.name} is up.`);
  const isAwaited = (vpn: VpnView): boolean =>
    vpn.state === 'unknown' &&
    view.nowMs - vpn.sinceMs < VPN_PROVES_ITSELF_MS &&
    countOf(vpn) < countOf(first);
  if (wish.vpn === undefined && wish.why !== 'demand' && ours.some(isAwaited)) return { kind: 'wait' };
  const { name, forwardedPort } = first;
  return {
    kind: 'vpn',
    name,
    forwardedPort: isPortFree(name, forwardedPort, view, all) ? forwardedPort : undefined,
  };
}

/** Whether no engine has the port that a VPN forwards: one at most may. */
export function isPortFree(
  vpn: string,
  port: number | undefined,
  view: FleetView,
  all: readonly Count[] = [...view.engines, ...view.creating],
): boolean {
  if (port === undefined) return false;
  return !all.some((each) => each.vpn === vpn && 'forwardedPort' in each && each.forwardedPort === port);
}

export function breakerRules(rules: PlanRules): { readonly threshold: number; readonly pauseMaxMs: number } {
  return { threshold: rules.breakerThreshold, pauseMaxMs: rules.breakerPauseMaxMs };
}

function isShort(pool: PoolView, all: readonly Count[]): boolean {
  return countIn(pool, all) < pool.min;
}

function countIn({ name }: PoolView, all: readonly Count[]): number {
  return all.filter(({ pool }) => pool === name).length;
}

/** Of two obstacles the one to tell: where a pool is only full, what keeps the others is more telling. */
function graver(one: Placement | undefined, other: Placement): Placement {
  if (!one || other.kind === 'wait') return other;
  const isFull = one.kind === 'blocked' && one.block.code === 'max_replicas';
  return isFull ? other : one;
}

function blocked(
  code: Block['code'],
  message: string,
  etaMs?: number,
): Extract<Placement, { kind: 'blocked' }> {
  return {
    kind: 'blocked',
    block: { code, message, etaMs: etaMs === undefined ? undefined : Math.ceil(etaMs) },
  };
}
