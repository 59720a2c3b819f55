import { fleetBounds, fleetFacts, fleetLimits, type LiveConfig, planRules } from './app-limits.ts';
import { inspectorOf, makeDocker, makeProviders, makeRestarter } from './app-providers.ts';
import type { Clock } from './base/clock.ts';
import { configuredVpns } from './config/configured-vpns.ts';
import type { Headers } from './config/header-list.ts';
import { EngineClient } from './engine/engine-client.ts';
import type { EngineRecord } from './fleet/engine-record.ts';
import { EngineStarts } from './fleet/engine-starts.ts';
import { Fleet, type FleetDeps, type FleetVpns } from './fleet/fleet.ts';
import { FleetControl } from './fleet/fleet-control.ts';
import { fleetEvents } from './fleet/fleet-events.ts';
import type { FleetWitness } from './fleet/fleet-witness.ts';
import { MemoryWatch } from './fleet/memory-watch.ts';
import type { ContainerInspector } from './fleet/providers/container-inspector.ts';
import type { EngineProvider } from './fleet/providers/provider.ts';
import { StaticProvider } from './fleet/providers/static/static-provider.ts';
import { poolsOf } from './fleet/reconciler/pools.ts';
import { Reconciler, type WatchedVpn } from './fleet/reconciler/reconciler.ts';
import type { EngineRegistry } from './fleet/registry.ts';
import { CutOffWatch, type EngineContainer } from './fleet/vpn/cut-off-watch.ts';
import { GluetunClient } from './fleet/vpn/gluetun-client.ts';
import type { EngineNetwork, EnginesBehind } from './fleet/vpn/vpn.ts';
import { vpnEvents } from './fleet/vpn/vpn-events.ts';
import { Vpns, type VpnsDeps } from './fleet/vpn/vpns.ts';
import type { StartRows } from './store/start-rows.ts';
import type { EventBus } from './telemetry/events/event-bus.ts';
import type { Log } from './telemetry/log.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Parts of the fleet that a test may replace. */
export interface FleetParts {
  readonly log: Log;
  readonly providers?: readonly EngineProvider[];
  /** The VPNs that engines are behind; those of the configuration if left out. */
  readonly vpns?: FleetVpns & { list(): readonly WatchedVpn[] };
  /** Tells of the containers of VPNs, and restarts what it is told to; if left out, the Docker hosts on which engines are made, if any. */
  readonly containers?: ContainerInspector;
  /** How many times faster VPNs are judged than they are in the field: tests with real tunnels wait for that. */
  readonly vpnPace?: number;
}

export interface FleetSurroundings {
  readonly metrics: Metrics;
  readonly events: EventBus;
  readonly giveWay: NonNullable<FleetDeps['giveWay']>;
  /** What requests to engines have beside what acemux says, by names of the stream. */
  readonly engineHeaders: (names: readonly string[]) => Headers;
  readonly starts: StartRows;
  readonly clock: Clock;
}

/** The engines and all that looks after them. */
export interface FleetHouse {
  readonly fleet: Fleet;
  readonly fleetControl: FleetControl;
  readonly vpns: Vpns;
  /** To be told of the YAML paths of settings that have another value. */
  settingsChanged(changed: ReadonlySet<string>): void;
  start(): Promise<void>;
  /** Safe to call twice, and when `start` has failed. */
  stop(): Promise<void>;
}

/**
 * The part of the composition root that has to do with engines: where they come from, their VPNs, and who looks after
 * them. Nothing runs before `start`.
 */
export async function buildFleet(
  live: LiveConfig,
  parts: FleetParts,
  { metrics, events, giveWay, engineHeaders, starts: rows, clock }: FleetSurroundings,
): Promise<FleetHouse> {
  const { log } = parts;
  const config = live.current;
  const tellFleet = fleetEvents(events);
  const witness: FleetWitness = (happening) => {
    metrics.fleetHappened(happening);
    tellFleet(happening);
  };
  const makesDocker = parts.providers === undefined && config.engines.providers.includes('docker');
  const docker = makesDocker ? await makeDocker(config, clock, log) : [];
  const providers = parts.providers ?? (await makeProviders(config, docker, clock));
  const containers = parts.containers ?? inspectorOf(docker);
  const restarter = containers === undefined ? makeRestarter(config, clock) : undefined;
  const { vpns, cutOff } = makeVpns(live, () => fleet.registry, containers ?? restarter?.containers, {
    containers,
    observer: vpnEvents(events),
    ...(parts.vpnPace !== undefined && { pace: parts.vpnPace }),
    clock,
    log: log.child({ part: 'vpn' }),
  });
  const starts: EngineStarts = new EngineStarts({
    rows,
    clientAt: ({ host, port }) =>
      fleet.registry.engines.find((engine) => engine.host === host && engine.port === port)?.client,
    events,
    clock,
    log: log.child({ part: 'fleet' }),
  });
  const fleet: Fleet = new Fleet({
    providers,
    limits: fleetLimits(live),
    growth: {
      coming: () => reconciler.coming,
      isThinking: () => reconciler.isThinking,
      block: () => reconciler.block,
      changed: () => reconciler.wake(),
    },
    vpns: parts.vpns ?? vpns,
    witness: (happening) => {
      witness(happening);
      reconciler.notice(happening);
    },
    createClient: (address) =>
      new EngineClient({
        address,
        clock,
        log: log.child({ part: 'fleet' }),
        ingest: config.streams.ingest,
        headersFor: engineHeaders,
        journal: starts,
      }),
    playedAt: (address) => starts.playedAt(address),
    giveWay,
    clock,
    log: log.child({ part: 'fleet' }),
  });
  const plan = poolsOf(providers, fleetBounds(live));
  const reconciler: Reconciler = new Reconciler({
    registry: fleet.registry,
    care: fleet.care,
    pools: plan.pools,
    vpns: () => (parts.vpns ?? vpns).list(),
    demand: () => fleet.demand,
    onPlan: () => fleet.reconsider(),
    witness,
    rules: planRules(live, plan),
    intervalMs: config.fleet.intervalMs,
    clock,
    log: log.child({ part: 'reconciler' }),
  });
  const fleetControl = new FleetControl({
    fleet,
    reconciler,
    facts: fleetFacts(live),
  });
  const memoryWatch = new MemoryWatch({
    registry: fleet.registry,
    onMeasured: () => reconciler.wake(),
    clock,
    log: log.child({ part: 'fleet' }),
  });

  const undo = new AsyncDisposableStack();
  return {
    fleet,
    fleetControl,
    vpns,
    settingsChanged(changed) {
      if (changed.has('engines.static')) {
        for (const provider of providers)
          if (provider instanceof StaticProvider) provider.replace(live.current.engines.static);
      }
      if (changed.has('fleet.min_replicas')) reconciler.setMin(live.current.fleet.min);
      // Those who wait may have a place now, and there may be engines too many, or too few.
      fleet.reconsider();
      reconciler.wake();
    },
    async start() {
      undo.defer(() => vpns.stop());
      vpns.start();
      undo.defer(() => fleet.stop());
      undo.defer(() => starts.stop());
      await starts.load();
      await fleet.start();
      undo.defer(() => restarter?.close());
      undo.defer(() => cutOff.stop());
      cutOff.start();
      undo.defer(() => reconciler.stop());
      reconciler.start();
      undo.defer(() => fleetControl.stop());
      if (config.fleet.recycleMemoryBytes === undefined) return;
      undo.defer(() => memoryWatch.stop());
      memoryWatch.start();
    },
    stop: () => undo.disposeAsync(),
  };
}

function makeVpns(
  live: LiveConfig,
  registry: () => EngineRegistry,
  restarter: ContainerInspector | undefined,
  shared: Pick<VpnsDeps, 'containers' | 'observer' | 'pace' | 'clock' | 'log'>,
): { readonly vpns: Vpns; readonly cutOff: CutOffWatch } {
  const config = live.current;
  const { vpn } = config;
  const engines: EnginesBehind = (name) =>
    registry()
      .engines.filter((engine) => engine.vpn === name)
      .map(networkOf);
  const vpns = new Vpns({
    specs: configuredVpns(config).map(({ control, credentials, ...spec }) => ({
      ...spec,
      control: new GluetunClient({ address: control, auth: credentials, clock: shared.clock }),
    })),
    engines,
    limits: {
      checkIntervalMs: vpn.checkIntervalMs,
      portIntervalMs: vpn.portIntervalMs,
      restartAfterMs: vpn.manage ? vpn.restartAfterMs : undefined,
    },
    ...shared,
  });
  const containerOf = (id: string): EngineContainer | undefined => {
    const address = registry().get(id)?.observed.address;
    const engine = live.current.engines.static.find(
      ({ host, port }) => host === address?.host && port === address.port,
    );
    if (!engine) return undefined;
    const { host, port, container, restart } = engine;
    return { name: container ?? `<container of the engine at ${host}:${port}>`, restart };
  };
  return { vpns, cutOff: new CutOffWatch({ vpns, engines, containerOf, ...shared, containers: restarter }) };
}

function networkOf({ id, network, isDelivering }: EngineRecord): EngineNetwork {
  const { isReachable, connected, checkedAtMs } = network ?? {};
  return { id, isReachable, connected, checkedAtMs, isDelivering };
}
