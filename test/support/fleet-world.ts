import assert from 'node:assert/strict';
import type { ReasonCode } from '../../src/base/reasons.ts';
import { CLOSED_BREAKER, dependencyDown, failed, succeeded } from '../../src/fleet/reconciler/breaker.ts';
import { breakerRules } from '../../src/fleet/reconciler/placement.ts';
import { plan } from '../../src/fleet/reconciler/plan.ts';
import {
  type Action,
  EMPTY_MEMORY,
  type EngineView,
  type FleetView,
  type Plan,
  type PlanMemory,
  type PlanRules,
  type PoolView,
  type VpnState,
  type VpnView,
} from '../../src/fleet/reconciler/plan-types.ts';

export const RULES: PlanRules = {
  min: 1,
  max: 6,
  maxBehindVpn: 20,
  minFree: 1,
  streamsPerEngine: 2,
  replacesCutOff: true,
  removesSurplus: true,
  idleGraceMs: 30_000,
  unwellGraceMs: 60_000,
  replacementCooldownMs: 60_000,
  concurrentCreates: 5,
  createIntervalMs: 500,
  actionsPerMinute: 30,
  memoryReserveBytes: 0,
  maxAgeMs: undefined,
  recycleMemoryBytes: undefined,
  breakerThreshold: 5,
  breakerPauseMaxMs: 300_000,
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type WorldEngine = Mutable<EngineView> & {
  readyAtMs: number;
  isIll: boolean;
  /** Its streams go on although it is ill: only its API hangs. */
  isDelivering: boolean;
};
export type WorldPool = Mutable<PoolView> & {
  /** What creating ends with; undefined: with an engine. */
  failure: ReasonCode | undefined;
  createMs: number;
  startMs: number;
};
interface Creation {
  readonly action: Extract<Action, { kind: 'create' }>;
  readonly doneAtMs: number;
}

export interface WorldOptions {
  readonly rules?: Partial<PlanRules>;
  readonly pools?: readonly Partial<WorldPool>[];
  readonly vpns?: readonly string[];
}

const DEPENDENCIES: readonly ReasonCode[] = ['provider_unreachable'];
/** From its creation on, an engine that has not become ready by then never does. */
const STARTUP_TIMEOUT_MS = 25_000;

export function pool(change: Partial<WorldPool> = {}): WorldPool {
  return {
    name: 'docker',
    min: 0,
    max: 100,
    unreachable: undefined,
    specHash: 'spec-1',
    vpns: undefined,
    hostMemoryBytes: undefined,
    engineMemoryBytes: 0,
    failure: undefined,
    createMs: 1_000,
    startMs: 8_000,
    ...change,
  };
}

/**
 * A fleet that exists in numbers only: providers that fail or are slow, engines that start, fall ill and die, VPNs that go
 * and come, and streams that want places. It does what the plan says, and checks what must hold at every step.
 */
export class FleetWorld {
  nowMs = 0;
  rules: PlanRules;
  readonly pools: WorldPool[];
  readonly vpns: Mutable<VpnView>[];
  engines: WorldEngine[] = [];
  readonly creations: Creation[] = [];
  /** How many streams are wanted in all. */
  demand = 0;
  requested = 0;
  memory: PlanMemory = EMPTY_MEMORY;
  last: Plan | undefined;
  readonly log: { readonly atMs: number; readonly action: Action }[] = [];
  #created = 0;

  constructor(options: WorldOptions = {}) {
    this.rules = { ...RULES, ...options.rules };
    const vpns = options.vpns;
    this.pools = (options.pools ?? [{}]).map((change) => pool({ vpns, ...change }));
    this.vpns = (vpns ?? []).map((name) => ({ name, state: 'ok', sinceMs: 0, forwardedPort: undefined }));
  }

  get placed(): number {
    return this.engines.reduce((sum, { streams }) => sum + streams, 0);
  }

  get waiting(): number {
    return Math.max(0, this.demand - this.placed);
  }

  get #room(): number {
    const takers = this.engines.filter((engine) => this.#takes(engine));
    return takers.reduce((sum, { streams }) => sum + this.rules.streamsPerEngine - streams, 0);
  }

  get readyCount(): number {
    return this.engines.filter((engine) => this.#takes(engine)).length;
  }

  /** Those that can be used behind a VPN. */
  readyBehind(vpn: string | undefined): WorldEngine[] {
    return this.engines.filter((engine) => engine.vpn === vpn && this.#takes(engine));
  }

  /** Lets time pass, a step at a time, with a plan at each. */
  run(ms: number, stepMs = 1_000): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += Math.min(stepMs, endMs - this.nowMs);
      this.#live();
      this.step();
    }
  }

  /** One plan, carried out. */
  step(): Plan {
    const readyBefore = this.readyCount;
    const made = plan(this.view(), this.memory, this.rules);
    this.memory = made.memory;
    this.last = made;
    for (const action of made.actions) this.#do(action, readyBefore);
    const total = this.engines.length + this.creations.length;
    const ours = made.actions.some(({ kind }) => kind === 'create');
    assert.ok(!ours || total <= this.rules.max, `${total} engines are more than the maximum`);
    const lately = this.log.filter(({ atMs }) => this.nowMs - atMs < 60_000).length;
    assert.ok(lately <= this.rules.actionsPerMinute, `${lately} actions within a minute`);
    return made;
  }

  view(): FleetView {
    return {
      nowMs: this.nowMs,
      engines: this.engines,
      creating: this.creations.map(({ action }) => action),
      pools: this.pools,
      vpns: this.vpns,
      waiting: this.waiting,
      requested: this.requested,
    };
  }

  /** What was done since, in short: `create demand`. */
  actionsSince(atMs: number, kind?: Action['kind']): string[] {
    return this.log
      .filter((each) => each.atMs > atMs && (kind === undefined || each.action.kind === kind))
      .map(({ action }) => (action.kind === 'undrain' ? action.kind : `${action.kind} ${action.why}`));
  }

  setVpn(name: string, state: VpnState): void {
    const vpn = this.vpns.find((each) => each.name === name);
    assert.ok(vpn);
    if (vpn.state === state) return;
    vpn.state = state;
    vpn.sinceMs = this.nowMs;
  }

  /** An engine ends by itself. */
  kill(engine: WorldEngine): void {
    this.engines = this.engines.filter((each) => each !== engine);
    if (this.nowMs - engine.createdAtMs < 60_000) this.#fail(engine.pool, 'engine_exited');
  }

  #takes(engine: WorldEngine): boolean {
    const vpn = this.vpns.find(({ name }) => name === engine.vpn);
    const isOk = !vpn || vpn.state === 'ok';
    return engine.condition === 'ready' && engine.drainWhy === undefined && isOk && !engine.isCutOff;
  }

  #live(): void {
    for (const creation of this.creations.filter(({ doneAtMs }) => doneAtMs <= this.nowMs))
      this.#finish(creation);
    for (const engine of this.engines) {
      if (engine.condition === 'starting') {
        if (this.nowMs >= engine.readyAtMs) {
          engine.condition = 'ready';
          engine.wasReady = true;
          this.#change(engine.pool, (breaker) => succeeded(breaker));
        } else if (this.nowMs - engine.createdAtMs > STARTUP_TIMEOUT_MS) {
          engine.condition = 'unwell';
          engine.unwellSinceMs = this.nowMs;
          this.#fail(engine.pool, 'engine_not_ready');
        }
      } else if (engine.isIll && engine.condition === 'ready') {
        engine.condition = 'unwell';
        engine.unwellSinceMs = this.nowMs;
      } else if (!engine.isIll && engine.condition === 'unwell' && engine.wasReady) {
        engine.condition = 'ready';
        engine.unwellSinceMs = undefined;
      }
      if (this.#takes(engine) || engine.streams === 0) continue;
      // What is ill or cut off delivers nothing; all else is left one by one, for where there is room.
      const isDead = engine.isCutOff || (engine.isIll && !engine.isDelivering);
      const leaving = isDead ? engine.streams : Math.min(1, this.#room);
      if (leaving > 0) this.#setStreams(engine, engine.streams - leaving);
    }
    let surplus = this.placed - this.demand;
    for (const engine of this.engines) {
      const leaving = Math.min(engine.streams, Math.max(0, surplus));
      if (leaving > 0) this.#setStreams(engine, engine.streams - leaving);
      surplus -= leaving;
    }
    for (const engine of this.engines) {
      if (!this.#takes(engine)) continue;
      const coming = Math.min(this.rules.streamsPerEngine - engine.streams, this.waiting);
      if (coming > 0) this.#setStreams(engine, engine.streams + coming);
    }
  }

  #setStreams(engine: WorldEngine, streams: number): void {
    engine.streams = streams;
    engine.idleSinceMs = streams > 0 ? undefined : this.nowMs;
  }

  #finish(creation: Creation): void {
    this.creations.splice(this.creations.indexOf(creation), 1);
    const { pool: name, vpn, forwardedPort, why } = creation.action;
    const where = this.#pool(name);
    if (where.failure !== undefined) {
      this.#fail(name, where.failure);
      return;
    }
    if (why === 'requested') this.requested = Math.max(0, this.requested - 1);
    this.engines.push({
      id: `engine-${++this.#created}`,
      pool: name,
      condition: 'starting',
      unwellSinceMs: undefined,
      wasReady: false,
      streams: 0,
      idleSinceMs: this.nowMs,
      createdAtMs: this.nowMs,
      drainWhy: undefined,
      isRemoving: false,
      isManual: false,
      isCutOff: false,
      specHash: where.specHash,
      vpn,
      forwardedPort,
      memoryBytes: undefined,
      isToRestart: false,
      readyAtMs: this.nowMs + where.startMs,
      isIll: false,
      isDelivering: false,
    });
  }

  #do(action: Action, readyBefore: number): void {
    this.log.push({ atMs: this.nowMs, action });
    if (action.kind === 'create') {
      const where = this.#pool(action.pool);
      assert.equal(where.unreachable, undefined, 'nothing is created where nobody answers');
      if (where.vpns) {
        const vpn = this.vpns.find(({ name }) => name === action.vpn);
        assert.equal(vpn?.state, 'ok', 'an engine is created behind a VPN that is up, or not at all');
        const holders = [...this.engines, ...this.creations.map((each) => each.action)].filter(
          (each) => each.vpn === action.vpn && each.forwardedPort === action.forwardedPort,
        );
        assert.ok(
          action.forwardedPort === undefined || holders.length === 0,
          'one engine has the forwarded port',
        );
      }
      this.creations.push({ action, doneAtMs: this.nowMs + where.createMs });
      return;
    }
    const engine = this.engines.find(({ id }) => id === action.id);
    assert.ok(engine, `${action.kind} of an engine that does not exist`);
    assert.ok(!engine.isManual, 'what only the operator may touch is not touched');
    if (action.kind === 'undrain') {
      // That is acemux's own affair: nobody is asked.
      engine.drainWhy = undefined;
      return;
    }
    assert.equal(this.#pool(engine.pool).unreachable, undefined, 'nothing is done where nobody answers');
    if (action.kind === 'remove') {
      assert.equal(engine.streams, 0, 'a busy engine is removed');
      this.engines = this.engines.filter((each) => each !== engine);
      return;
    }
    if (action.why === 'surplus') assert.equal(engine.streams, 0, 'a busy engine is taken for too much');
    const full = this.#isFullFor(engine);
    const free = this.engines.filter(
      (each) => each !== engine && this.#takes(each) && each.streams === 0,
    ).length;
    if (action.why !== 'surplus') {
      const isStoodIn = readyBefore - 1 >= Math.min(this.last?.wanted ?? 0, this.rules.max);
      const isUnnoticed = full && engine.streams === 0 && (free > 0 || this.placed === 0);
      assert.ok(isStoodIn || isUnnoticed, 'another engine stands in, or nobody notices');
      // Where fewer are wanted than there are VPNs, one of these has to be without.
      const areFew =
        this.rules.removesSurplus && this.vpns.every(({ name }) => this.readyBehind(name).length <= 1);
      const isVpnKept =
        engine.vpn === undefined || areFew || this.readyBehind(engine.vpn).length > 1 || !this.#takes(engine);
      assert.ok(isVpnKept || (full && isUnnoticed), `${action.why}: ${engine.vpn} is left without engines`);
      const port = this.vpns.find(({ name }) => name === engine.vpn)?.forwardedPort;
      const isLed = this.readyBehind(engine.vpn).some((each) => each.forwardedPort === port);
      assert.ok(
        action.why !== 'replace_port' || isLed || areFew || (full && isUnnoticed),
        'who has the port is drained, or room is made for one, before there is another one with it',
      );
      if (action.why === 'replace_balance') {
        assert.equal(engine.streams, 0, 'an engine in use is moved');
        const fewest = Math.min(...this.vpns.map(({ name }) => this.readyBehind(name).length));
        assert.ok(this.readyBehind(engine.vpn).length - fewest >= 2, 'an engine is moved for nothing');
      }
    }
    engine.drainWhy = action.why;
  }

  /** Whether one more could not be made beside it. */
  #isFullFor({ pool: name, vpn }: WorldEngine): boolean {
    const { max, maxBehindVpn } = this.rules;
    const all = [...this.engines, ...this.creations.map(({ action }) => action)];
    const inPool = all.filter((each) => each.pool === name).length;
    const behind = vpn === undefined ? 0 : all.filter((each) => each.vpn !== undefined).length;
    return all.length >= max || inPool >= this.#pool(name).max || behind >= maxBehindVpn;
  }

  #pool(name: string): WorldPool {
    const found = this.pools.find((each) => each.name === name);
    assert.ok(found);
    return found;
  }

  #fail(poolName: string, cause: ReasonCode): void {
    this.#change(poolName, (breaker) =>
      DEPENDENCIES.includes(cause)
        ? dependencyDown(breaker, cause, 'no answer', this.nowMs)
        : failed(breaker, cause, 'it failed', this.nowMs, breakerRules(this.rules)),
    );
  }

  #change(poolName: string, change: (before: typeof CLOSED_BREAKER) => typeof CLOSED_BREAKER): void {
    const breakers = new Map(this.memory.breakers);
    breakers.set(poolName, change(breakers.get(poolName) ?? CLOSED_BREAKER));
    this.memory = { ...this.memory, breakers };
  }
}

/** A fleet that has come to rest. */
export function settled(...options: ConstructorParameters<typeof FleetWorld>): FleetWorld {
  const world = new FleetWorld(...options);
  world.run(5 * 60_000);
  return world;
}
