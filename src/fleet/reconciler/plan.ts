import { judgeBreaker } from './breaker.ts';
import { breakerRules, isPortFree, placeEngine } from './placement.ts';
import type {
  Action,
  CreateWhy,
  EngineView,
  FleetView,
  Plan,
  PlanMemory,
  PlanRules,
  PoolView,
  RemoveWhy,
  ReplaceWhy,
} from './plan-types.ts';
import { isLeader, outdatedBy, type Standing, standingOf } from './standing.ts';

type CreateAction = Extract<Action, { kind: 'create' }>;

const MINUTE_MS = 60_000;

/** The engines by what they count for, and how many there should be. */
interface Situation {
  readonly view: FleetView;
  readonly rules: PlanRules;
  readonly ready: readonly EngineView[];
  readonly lost: readonly { readonly engine: EngineView; readonly why: RemoveWhy }[];
  readonly leaving: readonly EngineView[];
  /** Those that start and those being created. */
  readonly coming: number;
  readonly wavering: number;
  /** All that exist or are being created. */
  readonly total: number;
  /** How many ready engines there should be. */
  readonly wanted: number;
  /** Engines that those who wait would fill. */
  readonly urgent: number;
  readonly outdated: { readonly engine: EngineView; readonly why: ReplaceWhy } | undefined;
}

/**
 * What is to be done now so that the fleet becomes what it should be (docs/fleet-scaling.md). Pure: the same fleet, memory and
 * rules always give the same plan. It is asked again whenever something has changed, so it never plans further than the
 * next step.
 *
 * What always holds: never more engines than the maximum; no engine with streams is removed, and none that only the
 * operator may touch; none is made outside a VPN where its pool has any; at most `actionsPerMinute` actions; engines that
 * work are replaced only when another one stands in, or when nobody uses them and the maximum leaves no room.
 */
export function plan(view: FleetView, before: PlanMemory, rules: PlanRules): Plan {
  const situation = assess(view, rules);
  const pace = new Pace(before, view.nowMs, rules.actionsPerMinute);
  const memory: PlanMemory = { ...before, surplusSinceMs: surplusSince(situation, before) };

  const undrains = pace.take(planUndrains(situation));
  const removals = pace.take(planRemovals(situation, memory));
  const growth = planGrowth(situation, memory, undrains.length);
  const creates = pace.take(growth.creates);
  const drains = removals.length + creates.length === 0 ? pace.take(planDrain(situation, memory)) : [];

  const actions = [...undrains, ...removals, ...creates, ...drains];
  const isReplacing = actions.some(
    (action) => (action.kind === 'remove' && action.why === 'unhealthy') || isReplacingDrain(action),
  );
  return {
    actions,
    wanted: situation.wanted,
    coming: situation.coming + growth.stillToCome,
    block: growth.block,
    lookAgainMs: soonest([pace.roomAgainMs, growth.lookAgainMs, nextDeadline(situation, memory)], view.nowMs),
    memory: {
      ...memory,
      actionsAtMs: pace.timesMs,
      lastCreateAtMs: creates.length > 0 ? view.nowMs : memory.lastCreateAtMs,
      lastReplacementAtMs: isReplacing ? view.nowMs : memory.lastReplacementAtMs,
    },
  };
}

function assess(view: FleetView, rules: PlanRules): Situation {
  const standings = view.engines.map((engine) => ({ engine, standing: standingOf(engine, view, rules) }));
  const of = (kind: Standing['kind']): EngineView[] =>
    standings.flatMap(({ engine, standing }) => (standing.kind === kind ? [engine] : []));
  const ready = of('ready');
  const busy = ready.filter(({ streams }) => streams > 0).length;
  const urgent = Math.ceil(view.waiting / rules.streamsPerEngine);
  const poolsMin = view.pools.reduce((sum, { min }) => sum + min, 0);
  const wanted = Math.min(rules.max, Math.max(rules.min, poolsMin, busy + urgent + rules.minFree));
  const outdated = ready
    .flatMap((engine) => {
      const why = outdatedBy(engine, view, rules) ?? missesPort(engine, view, ready);
      return why === undefined ? [] : [{ engine, why }];
    })
    .filter(({ engine }) => isReachable(engine, view))
    // What nobody uses is quickest done; the operator's wish and a port that is gone come before what can wait.
    .toSorted(
      (one, other) =>
        ORDER.indexOf(one.why) - ORDER.indexOf(other.why) || one.engine.streams - other.engine.streams,
    );
  return {
    view,
    rules,
    ready,
    lost: standings.flatMap(({ engine, standing }) =>
      standing.kind === 'lost' ? [{ engine, why: standing.why }] : [],
    ),
    leaving: of('leaving'),
    coming: of('coming').length + view.creating.length,
    wavering: of('wavering').length,
    total: view.engines.length + view.creating.length,
    wanted,
    urgent,
    outdated: outdated[0],
  };
}

const ORDER: readonly ReplaceWhy[] = [
  'replace_restart',
  'replace_port',
  'replace_memory',
  'replace_spec',
  'replace_age',
];

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

/** Engines that were not needed, and are again, go on at once: nothing is quicker. */
function planUndrains({ view, rules, ready, coming, leaving, wanted, total, urgent }: Situation): Action[] {
  const missing = Math.max(wanted - ready.length - coming, urgent - coming);
  if (missing <= 0 || total > rules.max) return [];
  return leaving
    .filter((engine) => engine.drainWhy === 'surplus' && !engine.isRemoving && engine.condition === 'ready')
    .filter((engine) => standingOf({ ...engine, drainWhy: undefined }, view, rules).kind === 'ready')
    .slice(0, missing)
    .map(({ id }) => ({ kind: 'undrain', id }));
}

function planRemovals(situation: Situation, memory: PlanMemory): Action[] {
  const { view, ready, lost, leaving, wanted, coming } = situation;
  const isFree = (engine: EngineView): boolean =>
    engine.streams === 0 && !engine.isRemoving && !engine.isManual && isReachable(engine, view);
  const actions: Action[] = [];
  for (const engine of leaving) {
    const { id, drainWhy } = engine;
    if (!isFree(engine) || drainWhy === undefined || drainWhy === 'operator') continue;
    // One that was only too much stays if it is needed again: `planUndrains` has it.
    const isNeeded = ready.length + coming < wanted && engine.condition === 'ready';
    if (drainWhy !== 'surplus' || !isNeeded) actions.push({ kind: 'remove', id, why: drainWhy });
  }
  const isReplaced = ready.length >= wanted;
  const needsRoom = ready.length + coming < wanted && isFull(situation, memory);
  let mayReplace = hasCooled(memory, situation) || ready.length === 0;
  for (const { engine, why } of lost) {
    if (!isFree(engine)) continue;
    const { id } = engine;
    // Nothing will ever come of these again.
    if (why === 'cut_off' || why === 'never_ready') actions.push({ kind: 'remove', id, why });
    else if (why === 'vpn_down') {
      if (needsRoom && canPlaceElsewhere(situation, memory) && mayReplace) {
        actions.push({ kind: 'remove', id, why });
        mayReplace = false;
      }
    } else if ((isReplaced || needsRoom) && mayReplace) {
      actions.push({ kind: 'remove', id, why });
      mayReplace = ready.length === 0;
    }
  }
  return actions;
}

/** Whether nothing but a maximum keeps another engine from being made. */
function isFull({ view, rules }: Situation, memory: PlanMemory): boolean {
  const placement = placeEngine(view, memory, rules, [], { why: 'replace_lost' });
  return placement.kind === 'blocked' && placement.block.code === 'max_replicas';
}

/** Whether an engine could be made if there were room for it. */
function canPlaceElsewhere({ view, rules }: Situation, memory: PlanMemory): boolean {
  const roomier = { ...rules, max: rules.max + 1, maxBehindVpn: rules.maxBehindVpn + 1 };
  const pools = view.pools.map((pool) => ({ ...pool, max: pool.max + 1 }));
  return placeEngine({ ...view, pools }, memory, roomier, [], { why: 'replace_lost' }).kind === 'place';
}

interface Growth {
  readonly creates: readonly CreateAction[];
  /** Engines that are planned and have to wait for the pace. */
  readonly stillToCome: number;
  readonly block: Plan['block'];
  readonly lookAgainMs: number | undefined;
}

function planGrowth(situation: Situation, memory: PlanMemory, undrained: number): Growth {
  const { view, rules, ready, coming, wavering, wanted, urgent, outdated } = situation;
  const present = ready.length + coming + undrained;
  const poolsShort = view.pools.reduce((sum, pool) => sum + shortfall(pool, situation), 0);
  const missing = Math.max(
    wanted - present - wavering,
    urgent - coming - undrained,
    poolsShort,
    view.requested,
  );
  // One more than wanted, while an engine that works is to be replaced.
  const surge =
    missing <= 0 && outdated && hasCooled(memory, situation) && present <= wanted && wavering === 0 ? 1 : 0;
  const count = Math.max(missing, surge, 0);

  const creates: CreateAction[] = [];
  let block: Growth['block'];
  const { lastCreateAtMs } = memory;
  const paceMs =
    lastCreateAtMs === undefined || rules.createIntervalMs === 0
      ? view.nowMs
      : lastCreateAtMs + rules.createIntervalMs;
  const perTurn = rules.createIntervalMs === 0 ? count : Math.min(count, 1);
  const isPaced = view.nowMs < paceMs;
  let isWaiting = false;
  while (!isPaced && creates.length < perTurn) {
    const why = whyCreate(situation, creates.length, surge > 0);
    const wish = surge > 0 && outdated?.why === 'replace_port' ? { why, vpn: outdated.engine.vpn } : { why };
    const placement = placeEngine(view, memory, rules, creates, wish);
    if (placement.kind === 'place') {
      creates.push(placement.action);
      continue;
    }
    if (placement.kind === 'blocked') block = placement.block;
    else isWaiting = true;
    break;
  }
  const probe = block ? undefined : placeEngine(view, memory, rules, creates, { why: 'demand' });
  if (probe?.kind === 'blocked') block = probe.block;
  const room = Math.max(0, rules.max - situation.total - creates.length);
  const isBlocked = block !== undefined && !isWaiting;
  const later = isBlocked ? 0 : Math.min(Math.max(0, missing) - creates.length, room);
  return {
    creates,
    stillToCome: creates.length + Math.max(0, later),
    block,
    lookAgainMs:
      creates.length < count && !isBlocked
        ? Math.max(paceMs, view.nowMs + rules.createIntervalMs)
        : undefined,
  };
}

function whyCreate(situation: Situation, already: number, isSurge: boolean): CreateWhy {
  const { view, rules, ready, coming, lost, outdated, urgent } = situation;
  if (isSurge && outdated) return outdated.why;
  const present = ready.length + coming + already;
  if (urgent > coming + already) return 'demand';
  if (present < rules.min + view.requested && present >= rules.min && view.requested > already)
    return 'requested';
  if (lost.length > 0) return 'replace_lost';
  return present <
    Math.max(
      rules.min,
      view.pools.reduce((sum, { min }) => sum + min, 0),
    )
    ? 'minimum'
    : 'free';
}

/** One engine at most is taken out of use at a time. */
function planDrain(situation: Situation, memory: PlanMemory): Action[] {
  const { view, rules, ready, coming, wavering, wanted, leaving, outdated, total } = situation;
  if (leaving.some(({ drainWhy }) => drainWhy !== 'operator') || view.waiting > 0) return [];
  if (outdated && hasCooled(memory, situation)) {
    const { engine, why } = outdated;
    const othersFree = ready.filter((each) => each !== engine && each.streams === 0).length;
    const others = ready.filter((each) => each !== engine);
    const isStoodIn = others.length >= wanted;
    // No room for one more: then one that nobody uses goes first, and only where that is not noticed.
    const canBreak =
      total >= roomFor(engine, situation) &&
      coming === 0 &&
      isIdle(engine, view, rules) &&
      (othersFree > 0 || others.every(({ streams }) => streams === 0));
    if (isStoodIn || canBreak) return [{ kind: 'drain', id: engine.id, why }];
  }
  const isLasting =
    memory.surplusSinceMs !== undefined && view.nowMs - memory.surplusSinceMs >= rules.idleGraceMs;
  if (!isLasting || coming > 0 || wavering > 0) return [];
  const victim = chooseVictim(situation);
  return victim ? [{ kind: 'drain', id: victim.id, why: 'surplus' }] : [];
}

/** How many engines there may be where this one is. */
function roomFor(engine: EngineView, { view, rules }: Situation): number {
  const pool = view.pools.find(({ name }) => name === engine.pool);
  const inPool = view.engines.filter((each) => each.pool === engine.pool).length;
  const isPoolFull = pool !== undefined && inPool >= pool.max;
  const behind = view.engines.filter(({ vpn }) => vpn !== undefined).length;
  const isVpnFull = engine.vpn !== undefined && behind >= rules.maxBehindVpn;
  return isPoolFull || isVpnFull ? 0 : rules.max;
}

/** The one that is missed least: empty for long, out of date, behind the VPN with the most, no leader. */
function chooseVictim(situation: Situation): EngineView | undefined {
  const { view, rules, ready } = situation;
  const crowd = (engine: EngineView): number => ready.filter(({ vpn }) => vpn === engine.vpn).length;
  const rank = (engine: EngineView): readonly number[] => [
    isLeader(engine, view) ? 1 : 0,
    outdatedBy(engine, view, rules) === undefined ? 1 : 0,
    -crowd(engine),
    // The newest: what is old has proved itself.
    -engine.createdAtMs,
  ];
  return ready
    .filter((engine) => isIdle(engine, view, rules) && !engine.isManual && isReachable(engine, view))
    .filter((engine) => {
      const pool = view.pools.find(({ name }) => name === engine.pool);
      return pool !== undefined && ready.filter((each) => each.pool === pool.name).length > pool.min;
    })
    .toSorted((one, other) => compare(rank(one), rank(other)))[0];
}

function surplusSince(situation: Situation, { surplusSinceMs }: PlanMemory): number | undefined {
  const { view, rules, ready, coming, wanted, total, outdated } = situation;
  // The one that stands in for an engine to be replaced is not too much.
  const standIns = outdated && total <= rules.max ? 1 : 0;
  const isSurplus = (rules.removesSurplus || total > rules.max) && ready.length + coming > wanted + standIns;
  return isSurplus ? (surplusSinceMs ?? view.nowMs) : undefined;
}

function hasCooled({ lastReplacementAtMs }: PlanMemory, { view, rules }: Situation): boolean {
  return lastReplacementAtMs === undefined || view.nowMs - lastReplacementAtMs >= rules.replacementCooldownMs;
}

function shortfall(pool: PoolView, { view, rules }: Situation): number {
  const present = view.engines.filter((engine) => {
    const { kind } = standingOf(engine, view, rules);
    return engine.pool === pool.name && kind !== 'lost' && kind !== 'leaving';
  });
  const creating = view.creating.filter((each) => each.pool === pool.name);
  return Math.max(0, pool.min - present.length - creating.length);
}

function isIdle(
  { streams, idleSinceMs }: EngineView,
  { nowMs }: FleetView,
  { idleGraceMs }: PlanRules,
): boolean {
  return streams === 0 && idleSinceMs !== undefined && nowMs - idleSinceMs >= idleGraceMs;
}

function isReachable({ pool }: EngineView, { pools }: FleetView): boolean {
  return pools.some(({ name, unreachable }) => name === pool && unreachable === undefined);
}

function isReplacingDrain(action: Action): boolean {
  return action.kind === 'drain' && action.why !== 'surplus';
}

/** When a rule that waits for time to pass may say something else. */
function nextDeadline(situation: Situation, memory: PlanMemory): number | undefined {
  const { view, rules, outdated, ready } = situation;
  const after = (sinceMs: number | undefined, ms: number): number | undefined =>
    sinceMs === undefined ? undefined : sinceMs + ms;
  const times = [
    after(memory.surplusSinceMs, rules.idleGraceMs),
    outdated || situation.lost.length > 0
      ? after(memory.lastReplacementAtMs, rules.replacementCooldownMs)
      : undefined,
    ...(memory.surplusSinceMs === undefined
      ? []
      : ready.map(({ idleSinceMs }) => after(idleSinceMs, rules.idleGraceMs))),
    ...view.engines.map(({ unwellSinceMs }) => after(unwellSinceMs, rules.unwellGraceMs)),
    ...view.vpns.map(({ state, sinceMs }) =>
      state === 'down' ? after(sinceMs, rules.unwellGraceMs) : undefined,
    ),
    ...[...memory.breakers.values()].map((breaker) => {
      const verdict = judgeBreaker(breaker, view.nowMs, breakerRules(rules));
      return 'untilMs' in verdict ? verdict.untilMs : undefined;
    }),
  ];
  return soonest(times, view.nowMs);
}

/** The soonest that is still to come. */
function soonest(times: readonly (number | undefined)[], nowMs: number): number | undefined {
  const coming = times.filter((time) => time !== undefined).filter((time) => time > nowMs);
  return coming.length === 0 ? undefined : Math.min(...coming);
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Counts actions, so that no more than so many are decided within any minute. */
class Pace {
  readonly #nowMs: number;
  readonly #max: number;
  readonly #timesMs: number[];
  #isShort = false;

  constructor({ actionsAtMs }: PlanMemory, nowMs: number, max: number) {
    this.#nowMs = nowMs;
    this.#max = max;
    this.#timesMs = actionsAtMs.filter((atMs) => nowMs - atMs < MINUTE_MS);
  }

  take<A>(actions: readonly A[]): A[] {
    const taken = actions.slice(0, Math.max(0, this.#max - this.#timesMs.length));
    if (taken.length < actions.length) this.#isShort = true;
    this.#timesMs.push(...taken.map(() => this.#nowMs));
    return taken;
  }

  get timesMs(): readonly number[] {
    return this.#timesMs;
  }

  /** When there is room for another action; undefined: none had to wait. */
  get roomAgainMs(): number | undefined {
    const [oldest] = this.#timesMs;
    return this.#isShort && oldest !== undefined ? oldest + MINUTE_MS : undefined;
  }
}
