import { judgeBreaker } from './breaker.ts';
import { Pace } from './pace.ts';
import { breakerRules, placeEngine } from './placement.ts';
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
} from './plan-types.ts';
import { crowdOf, isStoodIn, makesRoom, nextReplacement, type Replacement } from './replacement.ts';
import { isIdle, isLeader, isReachable, outdatedBy, type Standing, standingOf } from './standing.ts';

type CreateAction = Extract<Action, { kind: 'create' }>;

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
  /** Engines that the streams of drained ones need. */
  readonly moving: number;
  readonly replacement: Replacement | undefined;
  readonly isStoodIn: boolean;
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
  const isStandIn = growth.creates.some(({ why }) => why.startsWith('replace_') && why !== 'replace_lost');
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
      lastStandInAtMs: isStandIn && creates.length > 0 ? view.nowMs : memory.lastStandInAtMs,
    },
  };
}

function assess(view: FleetView, rules: PlanRules): Situation {
  const standings = view.engines.map((engine) => ({ engine, standing: standingOf(engine, view, rules) }));
  const of = (kind: Standing['kind']): EngineView[] =>
    standings.flatMap(({ engine, standing }) => (standing.kind === kind ? [engine] : []));
  const ready = of('ready');
  const leaving = of('leaving');
  const busy = ready.filter(({ streams }) => streams > 0).length;
  const urgent = Math.ceil(view.waiting / rules.streamsPerEngine);
  const moving = enginesForMoving(ready, leaving, rules);
  const poolsMin = view.pools.reduce((sum, { min }) => sum + min, 0);
  const wanted = Math.min(rules.max, Math.max(rules.min, poolsMin, busy + moving + urgent + rules.minFree));
  const replacement = nextReplacement(view, rules, ready);
  return {
    view,
    rules,
    ready,
    lost: standings.flatMap(({ engine, standing }) =>
      standing.kind === 'lost' ? [{ engine, why: standing.why }] : [],
    ),
    leaving,
    coming: of('coming').length + view.creating.length,
    wavering: of('wavering').length,
    total: view.engines.length + view.creating.length,
    wanted,
    urgent,
    moving,
    replacement,
    isStoodIn: replacement !== undefined && isStoodIn(replacement, view, rules, ready, wanted),
  };
}

/** How many engines the streams of those that are drained need, beside what room is left on engines that are busy anyway. */
function enginesForMoving(
  ready: readonly EngineView[],
  leaving: readonly EngineView[],
  { streamsPerEngine }: PlanRules,
): number {
  const moving = leaving.reduce((sum, { streams }) => sum + streams, 0);
  const busy = ready.filter(({ streams }) => streams > 0);
  const room = busy.reduce((sum, { streams }) => sum + Math.max(0, streamsPerEngine - streams), 0);
  return Math.ceil(Math.max(0, moving - room) / streamsPerEngine);
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
  const { view, rules, ready, coming, wavering, wanted, urgent, replacement } = situation;
  const present = ready.length + coming + undrained;
  const poolsShort = view.pools.reduce((sum, pool) => sum + shortfall(pool, situation), 0);
  const missing = Math.max(
    wanted - present - wavering,
    urgent - coming - undrained,
    poolsShort,
    view.requested,
  );
  // One more than wanted, while an engine that works is to be replaced.
  const isQuiet = missing <= 0 && coming === 0 && undrained === 0 && wavering === 0;
  const standsInFor =
    isQuiet && !situation.isStoodIn && mayMakeStandIn(memory, situation) ? replacement : undefined;
  const count = standsInFor ? 1 : Math.max(missing, 0);

  const creates: CreateAction[] = [];
  let block: Growth['block'];
  const { lastCreateAtMs } = memory;
  const paceMs =
    lastCreateAtMs === undefined || rules.createIntervalMs === 0
      ? view.nowMs
      : lastCreateAtMs + rules.createIntervalMs;
  const perTurn = rules.createIntervalMs === 0 ? count : Math.min(count, 1);
  const isPaced = view.nowMs < paceMs;
  let isHeld = false;
  while (!isPaced && creates.length < perTurn) {
    const why = standsInFor?.why ?? whyCreate(situation, creates.length);
    const placement = placeEngine(view, memory, rules, creates, { why, vpn: standsInFor?.vpn });
    if (placement.kind === 'place') {
      creates.push(placement.action);
      continue;
    }
    // That there is no room for one to stand in for another keeps nothing else from being made.
    if (placement.kind === 'blocked' && !standsInFor) block = placement.block;
    isHeld = placement.kind === 'blocked';
    break;
  }
  const probe = block ? undefined : placeEngine(view, memory, rules, creates, { why: 'demand' });
  if (probe?.kind === 'blocked') block = probe.block;
  const room = Math.max(0, rules.max - situation.total - creates.length);
  const later = isHeld ? 0 : Math.min(Math.max(0, missing) - creates.length, room);
  return {
    creates,
    stillToCome: creates.length + Math.max(0, later),
    block,
    lookAgainMs:
      creates.length < count && !isHeld ? Math.max(paceMs, view.nowMs + rules.createIntervalMs) : undefined,
  };
}

function whyCreate(situation: Situation, already: number): CreateWhy {
  const { view, rules, ready, coming, lost, urgent, moving } = situation;
  const present = ready.length + coming + already;
  if (urgent + moving > coming + already) return 'demand';
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
  const { view, rules, ready, coming, wavering, wanted, leaving, replacement, total } = situation;
  if (leaving.some(({ drainWhy }) => drainWhy !== 'operator') || view.waiting > 0) return [];
  if (replacement && hasCooled(memory, situation)) {
    const { engine, why } = replacement;
    const others = ready.filter((each) => each !== engine);
    const isFree =
      others.some(({ streams }) => streams === 0) || others.every(({ streams }) => streams === 0);
    // No room for one more: then one that nobody uses goes first, and only where that is not noticed.
    const canBreak =
      total >= roomFor(engine, situation) &&
      coming === 0 &&
      isIdle(engine, view, rules) &&
      isFree &&
      (ready.length <= wanted || !rules.removesSurplus || chooseVictim(situation) === undefined) &&
      makesRoom(replacement, view, memory, rules);
    if (situation.isStoodIn || canBreak) return [{ kind: 'drain', id: engine.id, why }];
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

/** The one that is missed least: empty for long, no leader, not the only one of its VPN, out of date, where most are. */
function chooseVictim(situation: Situation): EngineView | undefined {
  const { view, rules, ready } = situation;
  const rank = (engine: EngineView): readonly number[] => [
    isLeader(engine, view) ? 1 : 0,
    crowdOf(engine, ready) === 1 ? 1 : 0,
    outdatedBy(engine, view, rules) === undefined ? 1 : 0,
    -crowdOf(engine, ready),
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
  const { view, rules, ready, coming, wanted, total, replacement } = situation;
  // The one that stands in for an engine to be replaced is not too much.
  const hasStandIn = replacement !== undefined && (situation.isStoodIn || coming > 0);
  const standIns = hasStandIn && total <= rules.max ? 1 : 0;
  const isSurplus = (rules.removesSurplus || total > rules.max) && ready.length + coming > wanted + standIns;
  return isSurplus ? (surplusSinceMs ?? view.nowMs) : undefined;
}

function hasCooled({ lastReplacementAtMs }: PlanMemory, { view, rules }: Situation): boolean {
  return lastReplacementAtMs === undefined || view.nowMs - lastReplacementAtMs >= rules.replacementCooldownMs;
}

/** A successor that comes to nothing is not made again and again. */
function mayMakeStandIn(memory: PlanMemory, situation: Situation): boolean {
  const { lastStandInAtMs } = memory;
  const { view, rules } = situation;
  const isLongAgo =
    lastStandInAtMs === undefined || view.nowMs - lastStandInAtMs >= rules.replacementCooldownMs;
  return isLongAgo && hasCooled(memory, situation);
}

function shortfall(pool: PoolView, { view, rules }: Situation): number {
  const present = view.engines.filter((engine) => {
    const { kind } = standingOf(engine, view, rules);
    return engine.pool === pool.name && kind !== 'lost' && kind !== 'leaving';
  });
  const creating = view.creating.filter((each) => each.pool === pool.name);
  return Math.max(0, pool.min - present.length - creating.length);
}

function isReplacingDrain(action: Action): boolean {
  return action.kind === 'drain' && action.why !== 'surplus';
}

/** When a rule that waits for time to pass may say something else. */
function nextDeadline(situation: Situation, memory: PlanMemory): number | undefined {
  const { view, rules, replacement, ready } = situation;
  const after = (sinceMs: number | undefined, ms: number): number | undefined =>
    sinceMs === undefined ? undefined : sinceMs + ms;
  const times = [
    after(memory.surplusSinceMs, rules.idleGraceMs),
    replacement || situation.lost.length > 0
      ? after(memory.lastReplacementAtMs, rules.replacementCooldownMs)
      : undefined,
    replacement ? after(memory.lastStandInAtMs, rules.replacementCooldownMs) : undefined,
    ...(memory.surplusSinceMs === undefined
      ? []
      : ready.map(({ idleSinceMs }) => after(idleSinceMs, rules.idleGraceMs))),
    ...view.engines.map(({ unwellSinceMs }) => after(unwellSinceMs, rules.unwellGraceMs)),
    ...view.vpns.map(({ state, sinceMs }) =>
      state === 'down' || (state === 'ok' && view.vpns.length > 1)
        ? after(sinceMs, rules.unwellGraceMs)
        : undefined,
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
