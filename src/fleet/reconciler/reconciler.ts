import assert from 'node:assert/strict';
import type { Clock, Timer } from '../../base/clock.ts';
import { AcemuxError, REASONS, type ReasonCode, reasonOf } from '../../base/reasons.ts';
import type { Log } from '../../telemetry/log.ts';
import type { EngineCare } from '../engine-care.ts';
import type { FleetHappening, FleetWitness } from '../fleet-witness.ts';
import type { EngineProvider, EngineSpec } from '../providers/provider.ts';
import type { EngineRegistry } from '../registry.ts';
import {
  type Breaker,
  type BreakerVerdict,
  CLOSED_BREAKER,
  dependencyDown,
  failed,
  judgeBreaker,
  succeeded,
} from './breaker.ts';
import { isDependency } from './failure-causes.ts';
import { breakerRules } from './placement.ts';
import { plan } from './plan.ts';
import {
  type Action,
  type Block,
  type CreatingView,
  EMPTY_MEMORY,
  type FleetView,
  type Plan,
  type PlanMemory,
  type PlanRules,
  type PoolView,
  type VpnView,
} from './plan-types.ts';

/** A provider that makes engines, and how many. */
export interface EnginePool {
  readonly provider: EngineProvider;
  readonly min: number;
  readonly max: number;
  /** The VPNs that its engines must be behind; undefined: none. */
  readonly vpns?: readonly string[];
  /** What one more engine may take of its host's memory, bytes; 0 if left out. */
  readonly engineMemoryBytes?: number;
  /** What its host has left, bytes; undefined: not known. */
  readonly hostMemoryBytes?: () => number | undefined;
}

/** A VPN as it is now. */
export interface WatchedVpn {
  readonly name: string;
  readonly state: VpnView['state'];
  readonly forwardedPort: number | undefined;
}

export interface ReconcilerDeps {
  readonly registry: EngineRegistry;
  readonly care: EngineCare;
  readonly pools: readonly EnginePool[];
  readonly vpns: () => readonly WatchedVpn[];
  /** Starts that wait for a place which no engine has. */
  readonly demand: () => number;
  /** There is a new plan: those who wait may have more to hope for, or less. */
  readonly onPlan: () => void;
  readonly witness: FleetWitness;
  readonly rules: PlanRules;
  /** AUTOSCALE_INTERVAL_S: it thinks at least so often, milliseconds. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** An engine that is being created, or has been and is not listed yet. */
interface Creation extends CreatingView {
  readonly why: Extract<Action, { kind: 'create' }>['why'];
  /** Undefined: the provider has not made it yet. */
  id?: string;
}

/** What somebody may want in an engine that he asks for. */
export type EngineWish = Pick<EngineSpec, 'labels' | 'hostPort'>;

/** Somebody asked for an engine, which is not begun yet. */
interface Request {
  readonly wish: EngineWish;
  readonly resolve: (id: string) => void;
  readonly reject: (error: unknown) => void;
}

/** What comes together is thought through once, milliseconds. */
const DEBOUNCE_MS = 20;
/** An engine that ended so soon after its start is counted as one that failed to start, milliseconds. */
const SHORT_LIFE_MS = 60_000;

/**
 * Makes the fleet what it should be. One loop and one writer: whatever changes wakes it, it takes the fleet as it is,
 * decides (`plan`, pure), begins what was decided, and learns how that went.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #abort = new AbortController();
  readonly #creations = new Set<Creation>();
  readonly #tasks = new Set<Promise<void>>();
  /** Engines that were seen ready, so that each tells its pool's breaker once. */
  readonly #proved = new Set<string>();
  readonly #blamed = new Set<string>();
  readonly #vpns = new Map<string, VpnView>();
  #memory: PlanMemory = EMPTY_MEMORY;
  #min: number;
  /** In the order in which they came. */
  readonly #requests: Request[] = [];
  #plan: Plan | undefined;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #isStarted = false;
  #isDirty = false;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#min = deps.rules.min;
  }

  /** After the fleet has been started. */
  start(): void {
    assert(!this.#isStarted, 'Reconciler.start() is called once');
    this.#isStarted = true;
    if (this.#deps.pools.length > 0) this.wake();
  }

  /** What is being created is undone; what runs is left running, to be adopted by the next life. Safe to call twice. */
  async stop(): Promise<void> {
    this.#abort.abort(new AcemuxError('shutdown'));
    this.#timer?.cancel();
    this.#refuseRequests(new AcemuxError('shutdown'));
    await Promise.all(this.#tasks);
  }

  /** Something has changed. */
  wake(): void {
    if (!this.#isStarted || this.#deps.pools.length === 0) return;
    this.#isDirty = true;
    this.#thinkAt(this.#deps.clock.nowMs() + DEBOUNCE_MS);
  }

  get isThinking(): boolean {
    return this.#isDirty;
  }

  get coming(): number {
    return this.#plan?.coming ?? 0;
  }

  get block(): Block | undefined {
    return this.#plan?.block;
  }

  get wanted(): number {
    return this.#plan?.wanted ?? 0;
  }

  /** How many engines are being created now. */
  get creatingCount(): number {
    return this.#unlistedCreations().length;
  }

  get min(): number {
    return this.#min;
  }

  get max(): number {
    return this.#deps.rules.max;
  }

  /** From now on there are at least so many engines, as far as the maximum allows; tells how many that are. */
  setMin(min: number): number {
    this.#min = Math.max(0, Math.min(min, this.#deps.rules.max));
    this.#deps.log.info({ min: this.#min }, 'minimum of engines set');
    this.wake();
    return this.#min;
  }

  /**
   * Asks for one engine more than are needed, and resolves to its id when it exists: it need not be ready yet. It lives
   * like any other, and may be too much soon.
   * @throws AcemuxError why there can't be any; why it could not be created
   */
  async request(wish: EngineWish = {}): Promise<string> {
    if (this.#deps.pools.length === 0) throw new AcemuxError('provider_fixed');
    if (this.#abort.signal.aborted) throw new AcemuxError('shutdown');
    if (this.block) throw blockError(this.block);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#requests.push({ wish, resolve, reject });
    this.wake();
    return promise;
  }

  /** Forgets all failures, so that engines are created again at once. */
  resetBreakers(): void {
    this.#memory = { ...this.#memory, breakers: new Map() };
    this.#deps.log.info('circuit breakers reset');
    this.wake();
  }

  /** By pool. */
  breakers(): ReadonlyMap<string, BreakerVerdict> {
    const nowMs = this.#deps.clock.nowMs();
    const rules = breakerRules(this.#deps.rules);
    return new Map(
      this.#poolNames().map((name) => {
        return [name, judgeBreaker(this.#memory.breakers.get(name) ?? CLOSED_BREAKER, nowMs, rules)];
      }),
    );
  }

  /** To be told what happens in the fleet: it learns from that. */
  notice(happening: FleetHappening): void {
    if (happening.kind !== 'gone' || !happening.exit) return;
    const { engine, exit, reason } = happening;
    const { ranForMs } = exit;
    if (ranForMs !== undefined && ranForMs >= SHORT_LIFE_MS && this.#proved.has(engine.id)) return;
    const tail = exit.logTail.at(-1);
    const detail = `exit code ${exit.exitCode ?? 'unknown'}${tail === undefined ? '' : `: ${tail}`}`;
    const pool = engine.pool === '' ? this.#poolNames()[0] : engine.pool;
    if (pool !== undefined) this.#blame(pool, reason ?? 'engine_exited', detail);
  }

  #thinkAt(dueMs: number): void {
    if (this.#abort.signal.aborted || dueMs >= this.#timerDueMs) return;
    const { clock } = this.#deps;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = clock.startTimer(dueMs - clock.nowMs(), () => this.#think());
  }

  #think(): void {
    const { clock, registry, witness, intervalMs, onPlan, rules } = this.#deps;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    // Before the providers have been asked, it would take the fleet for empty.
    if (!registry.isListed) {
      this.#thinkAt(clock.nowMs() + DEBOUNCE_MS * 5);
      return;
    }
    this.#isDirty = false;
    const view = this.#view();
    this.#learn(view);
    const made = plan(view, this.#memory, { ...rules, min: this.#min });
    this.#memory = made.memory;
    const before = this.#plan?.block?.code;
    this.#plan = made;
    if (made.block?.code !== before) {
      if (made.block) this.#logBlock(made.block);
      witness({ kind: 'block', block: made.block });
    }
    for (const action of made.actions) this.#do(action);
    // Whoever asked before this was known waits for nothing.
    if (made.block) this.#refuseRequests(blockError(made.block));
    const latestMs = clock.nowMs() + intervalMs;
    this.#thinkAt(Math.min(latestMs, Math.max(made.lookAgainMs ?? latestMs, clock.nowMs() + DEBOUNCE_MS)));
    onPlan();
  }

  /** As many as there may be is what was configured; all else is something to look at. */
  #logBlock({ code, message }: Block): void {
    const { log } = this.#deps;
    if (code === 'max_replicas') log.info({ detail: message }, 'the fleet is full');
    else log.warn({ reason: code, detail: message, todo: REASONS[code].todo }, 'no engine can be created');
  }

  #refuseRequests(error: AcemuxError): void {
    for (const { reject } of this.#requests.splice(0)) reject(error);
  }

  #view(): FleetView {
    const { clock, care, demand, vpns } = this.#deps;
    const nowMs = clock.nowMs();
    return {
      nowMs,
      engines: care.views(),
      creating: this.#unlistedCreations(),
      pools: this.#poolViews(),
      vpns: vpns().map((vpn) => this.#sinceOf(vpn, nowMs)),
      waiting: demand(),
      requested: this.#requests.length,
    };
  }

  /** One that is listed already is an engine like any other, and must not be counted twice. */
  #unlistedCreations(): Creation[] {
    return [...this.#creations].filter(({ id }) => id === undefined || !this.#deps.registry.get(id));
  }

  /** Since when a VPN has been as it is, by the clock that does not jump: as long as it has been looked at here. */
  #sinceOf({ name, state, forwardedPort }: WatchedVpn, nowMs: number): VpnView {
    const before = this.#vpns.get(name);
    const view = { name, state, forwardedPort, sinceMs: before?.state === state ? before.sinceMs : nowMs };
    this.#vpns.set(name, view);
    return view;
  }

  #poolViews(): PoolView[] {
    const { registry, pools } = this.#deps;
    return pools.flatMap(({ provider, min, max, vpns, engineMemoryBytes, hostMemoryBytes }) => {
      const feed = registry.feeds.find((each) => each.provider === provider);
      if (!feed) return [];
      const { code: away, detail } = feed.away ?? {};
      return [
        {
          name: feed.name,
          min,
          max,
          unreachable: away === 'internal' ? 'provider_unreachable' : away,
          unreachableDetail: detail,
          specHash: provider.specHash,
          vpns,
          hostMemoryBytes: hostMemoryBytes?.(),
          engineMemoryBytes: engineMemoryBytes ?? 0,
        },
      ];
    });
  }

  #poolNames(): string[] {
    return this.#poolViews().map(({ name }) => name);
  }

  /** What the engines themselves show of whether creating works. */
  #learn({ engines }: FleetView): void {
    const ids = new Set(engines.map(({ id }) => id));
    for (const known of [this.#proved, this.#blamed])
      for (const id of known) if (!ids.has(id)) known.delete(id);
    for (const { id, pool, condition, wasReady } of engines) {
      if (condition === 'ready' && !this.#proved.has(id)) {
        this.#proved.add(id);
        this.#changeBreaker(pool, succeeded);
      } else if (condition === 'unwell' && !wasReady && !this.#blamed.has(id)) {
        this.#blamed.add(id);
        this.#blame(pool, 'engine_not_ready', 'the new engine did not answer in time');
      }
    }
  }

  #do(action: Action): void {
    const { care } = this.#deps;
    switch (action.kind) {
      case 'create':
        this.#run(this.#create(action));
        return;
      case 'remove':
        this.#run(care.remove(action.id, action.why, this.#abort.signal).then(() => this.wake()));
        return;
      case 'drain':
        care.drain(action.id, action.why, action.why === 'surplus');
        return;
      case 'undrain':
        care.undrain(action.id);
        return;
    }
  }

  #run(task: Promise<void>): void {
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  async #create({ pool: name, vpn, forwardedPort, why }: Extract<Action, { kind: 'create' }>): Promise<void> {
    const { registry, clock, log, witness } = this.#deps;
    const { signal } = this.#abort;
    const feed = registry.feeds.find((each) => each.name === name);
    assert(feed);
    const request = why === 'requested' ? this.#requests.shift() : undefined;
    const creation: Creation = { pool: name, vpn, forwardedPort, why };
    this.#creations.add(creation);
    const spec: EngineSpec = {
      ...request?.wish,
      ...(vpn !== undefined && { vpn }),
      ...(forwardedPort !== undefined && { forwarded: true, forwardedPort }),
    };
    const beganMs = clock.nowMs();
    log.info({ pool: name, vpn, why }, 'creating an engine');
    witness({ kind: 'creating', pool: name, vpn, why });
    try {
      const id = await feed.provider.create(spec, signal);
      creation.id = id;
      const tookMs = Math.round(clock.nowMs() - beganMs);
      log.info({ pool: name, engine: id, why, tookMs }, 'engine created');
      witness({ kind: 'created', pool: name, id, why, tookMs });
      // Until it is listed it still counts as being created.
      await feed.refresh();
      request?.resolve(id);
    } catch (error) {
      request?.reject(error);
      if (signal.aborted) return;
      const reason = reasonOf(error);
      const detail = error instanceof Error ? error.message : String(error);
      const { todo } = REASONS[reason];
      log.warn({ err: error, pool: name, vpn, why, reason, todo }, 'engine could not be created');
      witness({ kind: 'create_failed', pool: name, why, reason, detail });
      this.#blame(name, reason, detail);
    } finally {
      this.#creations.delete(creation);
      this.wake();
    }
  }

  #blame(pool: string, cause: ReasonCode, detail: string): void {
    const { clock, rules } = this.#deps;
    const nowMs = clock.nowMs();
    this.#changeBreaker(pool, (before) =>
      isDependency(cause)
        ? dependencyDown(before, cause, detail, nowMs)
        : failed(before, cause, detail, nowMs, breakerRules(rules)),
    );
    this.wake();
  }

  #changeBreaker(pool: string, change: (before: Breaker) => Breaker): void {
    const breakers = new Map(this.#memory.breakers);
    breakers.set(pool, change(breakers.get(pool) ?? CLOSED_BREAKER));
    this.#memory = { ...this.#memory, breakers };
  }
}

function blockError({ code, etaMs, message }: Block): AcemuxError {
  return new AcemuxError(code, message, {
    ...(etaMs !== undefined && { retryAfterSeconds: Math.max(1, Math.ceil(etaMs / 1_000)) }),
  });
}
