import { isPortFree, placeEngine } from './placement.ts';
import type { EngineView, FleetView, PlanMemory, PlanRules, ReplaceWhy } from './plan-types.ts';
import { isIdle, isLeader, isReachable, outdatedBy, standingOf } from './standing.ts';

/** An engine that works and is to be replaced by another one. */
export interface Replacement {
  readonly engine: EngineView;
  readonly why: ReplaceWhy;
  /** Its successor is made behind this VPN and no other; undefined: wherever there is room. */
  readonly vpn: string | undefined;
}

/** The operator's wish and a port that is gone come before what can wait. */
const ORDER: readonly ReplaceWhy[] = [
  'replace_restart',
  'replace_port',
  'replace_memory',
  'replace_spec',
  'replace_age',
  'replace_balance',
];

/** The replacement that comes first; of several that are due for the same reason the engine with the fewest streams. */
export function nextReplacement(
  view: FleetView,
  rules: PlanRules,
  ready: readonly EngineView[],
): Replacement | undefined {
  const emptierVpn = balanceOf(view, rules, ready);
  const due = ready
    .filter((engine) => isReachable(engine, view))
    .flatMap((engine): Replacement[] => {
      const why = outdatedBy(engine, view, rules) ?? missesPort(engine, view, ready);
      if (why !== undefined) return [{ engine, why, vpn: isOpen(engine.vpn, view) ? engine.vpn : undefined }];
      const vpn = emptierVpn(engine);
      return vpn === undefined ? [] : [{ engine, why: 'replace_balance', vpn }];
    });
  return due.toSorted(
    (one, other) =>
      ORDER.indexOf(one.why) - ORDER.indexOf(other.why) || one.engine.streams - other.engine.streams,
  )[0];
}

/**
 * Whether the fleet can do without the engine. As many as wanted is not enough: what stands in for the only engine of a VPN
 * has to be behind that VPN, and has to have its forwarded port where it is for the port's sake, or the VPN is left empty.
 */
export function isStoodIn(
  { engine, why }: Replacement,
  view: FleetView,
  rules: PlanRules,
  ready: readonly EngineView[],
  wanted: number,
): boolean {
  const others = ready.filter((each) => each !== engine);
  if (others.length < wanted) return false;
  const { vpn } = engine;
  if (why === 'replace_balance' || vpn === undefined || !isOpen(vpn, view)) return true;
  // Fewer are wanted than there are VPNs: one of these has to be without.
  if (rules.removesSurplus && ready.every((each) => crowdOf(each, ready) <= 1)) return true;
  return others.some((each) => each.vpn === vpn && (why !== 'replace_port' || isLeader(each, view)));
}

/** Whether removing it makes room for what is to take its place, and not for the same once more. */
export function makesRoom(
  { engine, why }: Replacement,
  view: FleetView,
  memory: PlanMemory,
  rules: PlanRules,
): boolean {
  if (why !== 'replace_balance') return true;
  const without = { ...view, engines: view.engines.filter((each) => each !== engine) };
  const placement = placeEngine(without, memory, rules, [], { why: 'replace_lost' });
  return placement.kind === 'place' && placement.action.vpn !== engine.vpn;
}

/** How many engines can be used behind the VPN that this one is behind. */
export function crowdOf({ vpn }: EngineView, ready: readonly EngineView[]): number {
  return ready.filter((each) => each.vpn === vpn).length;
}

/** A VPN forwards a port and no engine has it: one engine that nobody uses makes room for one that will. */
function missesPort(
  engine: EngineView,
  view: FleetView,
  ready: readonly EngineView[],
): ReplaceWhy | undefined {
  const vpn = view.vpns.find(({ name }) => name === engine.vpn);
  if (!vpn || engine.isManual || engine.streams > 0 || !isPortFree(vpn.name, vpn.forwardedPort, view))
    return undefined;
  const idle = ready.filter((each) => each.vpn === vpn.name && each.streams === 0 && !each.isManual);
  return idle[0] === engine ? 'replace_port' : undefined;
}

/**
 * Tells the VPN that has so few engines that one, which nobody uses, is better behind it. Only one that has been up for a
 * while: engines do not run after a VPN that comes and goes. Where nothing is ever removed, nothing is moved.
 */
function balanceOf(
  view: FleetView,
  rules: PlanRules,
  ready: readonly EngineView[],
): (engine: EngineView) => string | undefined {
  const lasting = view.vpns.filter(
    ({ state, sinceMs }) => state === 'ok' && view.nowMs - sinceMs >= rules.unwellGraceMs,
  );
  if (!rules.removesSurplus || view.vpns.length < 2 || lasting.length === 0) return () => undefined;
  const staying = view.engines.filter((each) => standingOf(each, view, rules).kind !== 'leaving');
  const present = Map.groupBy([...staying, ...view.creating], ({ vpn }) => vpn);
  const usable = Map.groupBy(ready, ({ vpn }) => vpn);
  const countOf = (name: string): number => present.get(name)?.length ?? 0;
  const inOrder = lasting.toSorted((one, other) => countOf(one.name) - countOf(other.name));
  return (engine) => {
    const { vpn, isManual } = engine;
    if (vpn === undefined || isManual || !isIdle(engine, view, rules) || isLeader(engine, view))
      return undefined;
    const pool = view.pools.find(({ name }) => name === engine.pool);
    const emptiest = inOrder.find(({ name }) => pool?.vpns?.includes(name));
    const crowd = usable.get(vpn)?.length ?? 0;
    return emptiest && crowd - countOf(emptiest.name) >= 2 ? emptiest.name : undefined;
  };
}

/** Whether engines can be made behind it now. */
function isOpen(vpn: string | undefined, view: FleetView): boolean {
  const isUp = view.vpns.some(({ name, state }) => name === vpn && state === 'ok');
  return isUp && view.pools.some(({ vpns, unreachable }) => !unreachable && vpns?.includes(vpn ?? ''));
}
