import type { TestContext } from 'node:test';
import { sleep } from '../../src/base/clock.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { AcemuxError } from '../../src/base/reasons.ts';
import { Fleet, type FleetLimits } from '../../src/fleet/fleet.ts';
import { FleetControl } from '../../src/fleet/fleet-control.ts';
import type { FleetHappening } from '../../src/fleet/fleet-witness.ts';
import type {
  EngineProvider,
  EngineSpec,
  ObservedContainer,
  ObservedEngine,
  ProviderListener,
} from '../../src/fleet/providers/provider.ts';
import type { PlanRules } from '../../src/fleet/reconciler/plan-types.ts';
import { poolsOf } from '../../src/fleet/reconciler/pools.ts';
import { Reconciler, type WatchedVpn } from '../../src/fleet/reconciler/reconciler.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { FakeEngineClient, observedEngine } from './fake-fleet.ts';
import { limits as fleetLimits, unreachable } from './fleet-rig.ts';
import { RULES } from './fleet-world.ts';

/** A provider that makes engines in memory, which answer `startMs` after they were made. */
export class FakePool implements EngineProvider {
  readonly kind = 'fake';
  readonly name: string;
  readonly creates = true;
  readonly bounds?: { readonly min: number; readonly max: number };
  readonly vpns?: readonly string[];
  specHash = 'spec-1';
  createMs = 100;
  startMs = 1_000;
  /** What creating ends with; undefined: an engine. */
  createFailure: AcemuxError | undefined;
  listFailure: Error | undefined;
  removeFailure: AcemuxError | undefined;
  engines: ObservedEngine[] = [];
  readonly specs: EngineSpec[] = [];
  readonly removed: string[] = [];
  /** Creations that were given up. */
  undone = 0;
  readonly #clock: ManualClock;
  readonly #readyAtMs = new Map<number, number>();
  #listener: ProviderListener | undefined;
  #made = 0;

  constructor(
    clock: ManualClock,
    change: { name?: string; vpns?: readonly string[]; bounds?: { min: number; max: number } } = {},
  ) {
    this.#clock = clock;
    this.name = change.name ?? 'pool';
    if (change.vpns) this.vpns = change.vpns;
    if (change.bounds) this.bounds = change.bounds;
  }

  watch(listener: ProviderListener): void {
    this.#listener = listener;
  }

  async start(): Promise<void> {}

  async list(): Promise<readonly ObservedEngine[]> {
    if (this.listFailure) throw this.listFailure;
    return this.engines;
  }

  async create(spec: EngineSpec, signal: AbortSignal): Promise<string> {
    try {
      await sleep(this.#clock, this.createMs, signal);
    } catch (error) {
      this.undone++;
      throw error;
    }
    if (this.createFailure) throw this.createFailure;
    this.specs.push(spec);
    return this.add(spec).id;
  }

  /** An engine that is there, made by whomever. */
  add(spec: EngineSpec = {}, change: Partial<ObservedContainer> = {}): ObservedEngine {
    const number = ++this.#made;
    const container: ObservedContainer = {
      id: `engine-${number}`,
      name: `engine ${number}`,
      image: 'engine:1',
      imageId: 'sha256:1',
      state: 'running',
      createdAtMs: this.#clock.wallMs(),
      startedAtMs: this.#clock.wallMs(),
      specHash: this.specHash,
      isManual: false,
      isCutOff: false,
      forwardedPort: spec.forwardedPort,
      memoryLimitBytes: undefined,
      ...change,
    };
    const observed = observedEngine(number, { vpn: spec.vpn, forwarded: spec.forwarded ?? false, container });
    this.#readyAtMs.set(observed.address.port, this.#clock.nowMs() + this.startMs);
    this.engines = [...this.engines, observed];
    return observed;
  }

  async remove(id: string): Promise<void> {
    if (this.removeFailure) throw this.removeFailure;
    this.removed.push(id);
    this.engines = this.engines.filter((engine) => engine.id !== id);
  }

  async stop(): Promise<void> {}

  /** An engine ends by itself. */
  exit(id: string, change: { wasOutOfMemory?: boolean; ranForMs?: number } = {}): void {
    const engine = this.engines.find((each) => each.id === id);
    this.engines = this.engines.filter((each) => each !== engine);
    this.#listener?.exited({
      id,
      name: engine?.name ?? id,
      exitCode: 137,
      wasOutOfMemory: change.wasOutOfMemory ?? false,
      logTail: ['so it goes'],
      ranForMs: change.ranForMs ?? 3_600_000,
    });
  }

  tellChange(): void {
    this.#listener?.changed();
  }

  /** The client of an engine that answers once it has started. */
  client(address: { readonly host: string; readonly port: number }): FakeEngineClient {
    const client = new FakeEngineClient(address);
    client.answer = () => {
      const readyAtMs = this.#readyAtMs.get(address.port) ?? 0;
      if (this.#clock.nowMs() < readyAtMs) return unreachable();
      return Promise.resolve({ version: '3.2.3', platform: 'linux' });
    };
    return client;
  }
}

export interface PoolFleetOptions {
  readonly rules?: Partial<PlanRules>;
  readonly limits?: Partial<FleetLimits>;
  readonly pools?: readonly {
    name?: string;
    vpns?: readonly string[];
    bounds?: { min: number; max: number };
  }[];
  readonly prepare?: (pools: readonly FakePool[]) => void;
  /** One that others go by, too. */
  readonly clock?: ManualClock;
}

/** The real fleet with the real reconciler, over pools in memory, under a clock of the test's own. */
export async function fleetOfPool(t: TestContext, options: PoolFleetOptions = {}) {
  const clock = options.clock ?? new ManualClock();
  const pools = (options.pools ?? [{}]).map((change) => new FakePool(clock, change));
  options.prepare?.(pools);
  const clients = new Map<number, FakeEngineClient>();
  const happenings: FleetHappening[] = [];
  const rules = { ...RULES, ...options.rules };
  const vpns = new Map<string, WatchedVpn>();
  const vpnListeners = new Set<() => void>();
  const fleet: Fleet = new Fleet({
    providers: pools,
    createClient: (address) => {
      const client = pools[0]!.client(address);
      clients.set(address.port, client);
      return client;
    },
    growth: {
      coming: () => reconciler.coming,
      isThinking: () => reconciler.isThinking,
      block: () => reconciler.block,
      changed: () => reconciler.wake(),
    },
    vpns: {
      stateOf: (name) => vpns.get(name)?.state,
      onChange: (listener) => {
        vpnListeners.add(listener);
        return () => void vpnListeners.delete(listener);
      },
    },
    witness: (happening) => {
      happenings.push(happening);
      reconciler.notice(happening);
    },
    random: () => 0.5,
    limits: {
      ...fleetLimits,
      maxStreamsPerEngine: rules.streamsPerEngine,
      failureThreshold: 3,
      checkIntervalMs: 5_000,
      ...options.limits,
    },
    clock,
    log: silentLog(),
  });
  const planned = poolsOf(pools, rules);
  const reconciler: Reconciler = new Reconciler({
    registry: fleet.registry,
    care: fleet.care,
    pools: planned.pools,
    vpns: () => [...vpns.values()],
    demand: () => fleet.demand,
    onPlan: () => fleet.reconsider(),
    witness: (happening) => happenings.push(happening),
    rules: { ...rules, max: planned.max },
    intervalMs: 30_000,
    clock,
    log: silentLog(),
  });
  const control = new FleetControl({ fleet, reconciler });
  t.after(async () => {
    await reconciler.stop();
    await fleet.stop();
  });
  await fleet.start();
  reconciler.start();
  await clock.advance(0);
  return {
    clock,
    fleet,
    reconciler,
    control,
    pools,
    pool: pools[0]!,
    happenings,
    kinds: () => happenings.map(({ kind }) => kind),
    clientOf: (id: string) => clients.get(fleet.snapshot().find((engine) => engine.id === id)?.port ?? 0),
    setVpn: (name: string, state: WatchedVpn['state'], forwardedPort?: number) => {
      vpns.set(name, { name, state, sinceMs: clock.wallMs(), forwardedPort });
      for (const listener of vpnListeners) listener();
    },
  };
}

export function broken(message = 'the image is missing'): AcemuxError {
  return new AcemuxError('engine_broken', message);
}
