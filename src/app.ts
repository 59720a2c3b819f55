import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { loadOrCreateAdminKey } from './access/admin-key.ts';
import { inspectorOf, makeDocker, makeProviders } from './app-providers.ts';
import { type Clock, sleep, systemClock } from './base/clock.ts';
import type { Config } from './config/config.ts';
import { configuredVpns } from './config/configured-vpns.ts';
import { defaultBufferMemory, machineMemory } from './config/machine-memory.ts';
import { EngineClient } from './engine/engine-client.ts';
import type { EngineRecord } from './fleet/engine-record.ts';
import { Fleet, type FleetVpns } from './fleet/fleet.ts';
import { FleetControl } from './fleet/fleet-control.ts';
import { fleetEvents } from './fleet/fleet-events.ts';
import type { ContainerInspector } from './fleet/providers/container-inspector.ts';
import type { EngineProvider } from './fleet/providers/provider.ts';
import { poolsOf } from './fleet/reconciler/pools.ts';
import { Reconciler, type WatchedVpn } from './fleet/reconciler/reconciler.ts';
import type { EngineRegistry } from './fleet/registry.ts';
import { CutOffWatch, type EngineContainer } from './fleet/vpn/cut-off-watch.ts';
import { GluetunClient } from './fleet/vpn/gluetun-client.ts';
import type { EngineNetwork, EnginesBehind } from './fleet/vpn/vpn.ts';
import { vpnEvents } from './fleet/vpn/vpn-events.ts';
import { Vpns, type VpnsDeps } from './fleet/vpn/vpns.ts';
import { connectionLimitsFor, readOpenFilesMax } from './http/connection-limits.ts';
import { buildServer } from './http/server.ts';
import { HlsOutput } from './output/hls/hls-output.ts';
import { readTcpTable } from './output/ts/tcp-table.ts';
import { TsOutput } from './output/ts/ts-output.ts';
import { SessionDirectory } from './session/directory.ts';
import { LeaseBook } from './session/lease-book.ts';
import { Observers } from './session/observers.ts';
import { FileLeaseBook } from './session/recorded/file-lease.ts';
import { Recordings } from './session/recorded/recordings.ts';
import { StreamBook } from './session/stream-book.ts';
import { EventBus } from './telemetry/events/event-bus.ts';
import { RefusalEvents } from './telemetry/events/refusal-events.ts';
import { SessionEvents } from './telemetry/events/session-events.ts';
import type { Log } from './telemetry/log.ts';
import { Metrics } from './telemetry/metrics.ts';
import { Timeshift } from './timeshift/timeshift.ts';
import { VERSION } from './version.ts';

/** Viewers are ended this long before SHUTDOWN_TIMEOUT is over: stopping the engines takes the rest. */
const END_VIEWERS_BEFORE_MS = 3_000;
/** The engines get so long to answer that they have stopped; a start that one never answers takes up to 35 s. */
const STOP_ENGINES_MS = 3_000;
/** The events that are held: a day of a home, some minutes of a fleet in trouble. */
const EVENTS_KEPT = { countMax: 10_000, bytesMax: 8 * 1024 * 1024 };
/** How often a drain looks whether the last viewer has left. */
const DRAIN_POLL_MS = 100;

export interface App {
  /** Where it listens, for people on this machine. */
  readonly url: string;
  readonly port: number;
  readonly sessions: SessionDirectory;
  readonly fleet: Fleet;
  /** What the operator may do with the fleet. */
  readonly fleetControl: FleetControl;
  readonly vpns: Vpns;
  readonly events: EventBus;
  /** Lets nobody new in, lets those who watch go on for a while, then stops. Safe to call twice. */
  drain(): Promise<void>;
  /** Ends everything at once and resolves when nothing is left. Safe to call twice. */
  stop(): Promise<void>;
}

/** Parts that a test may replace. */
export interface AppParts {
  readonly log: Log;
  readonly clock?: Clock;
  readonly providers?: readonly EngineProvider[];
  /** The VPNs that engines are behind; those of the configuration if left out. */
  readonly vpns?: FleetVpns & { list(): readonly WatchedVpn[] };
  /** Tells of the containers of VPNs, and restarts what it is told to; there is no access to Docker if left out. */
  readonly containers?: ContainerInspector;
}

/**
 * The composition root: builds every part in the order of the data path, starts it, and undoes it in reverse.
 * @throws AcemuxError config_invalid, port_taken; what had been started by then has been stopped again
 */
export async function startApp(config: Config, parts: AppParts): Promise<App> {
  const { log } = parts;
  const clock = parts.clock ?? systemClock;
  const lifecycle: { phase: 'starting' | 'ready' | 'draining' } = { phase: 'starting' };
  await using undo = new AsyncDisposableStack();

  const adminKey = await loadOrCreateAdminKey({
    configured: config.access.apiKey,
    dataDir: config.storage.dataDir,
  });
  if (adminKey.isNew) log.info({ file: adminKey.file }, 'generated an admin key');

  const events = new EventBus({ bounds: EVENTS_KEPT, clock, log: log.child({ part: 'events' }) });
  const metrics: Metrics = new Metrics({
    sessionsActive: () => sessions.list().length + recordings.list().length,
    clientsActive: () => sessions.clientCount - sessions.pausedCount + recordings.clientCount,
    clientsPaused: () => sessions.pausedCount,
    bufferBytes: () => sessions.bufferBytes,
    timeshiftBytes: () => timeshift.sizeBytes,
    fleetStatus: () => fleetControl.status(),
    engineStates: () => fleet.snapshot().map(({ state }) => state),
  });
  const sessionEvents = new SessionEvents(events);
  const observer = new Observers([metrics, sessionEvents]);
  const refusalEvents = new RefusalEvents(events, clock);
  const makesDocker = parts.providers === undefined && config.engines.providers.includes('docker');
  const docker = makesDocker ? await makeDocker(config, clock, log) : [];
  const providers = parts.providers ?? makeProviders(config, docker, clock);
  const { vpns, cutOff } = makeVpns(config, () => fleet.registry, {
    containers: parts.containers ?? inspectorOf(docker),
    observer: vpnEvents(events),
    clock,
    log: log.child({ part: 'vpn' }),
  });
  const tellFleet = fleetEvents(events);
  const fleet: Fleet = new Fleet({
    providers,
    limits: {
      maxStreamsPerEngine: config.engines.maxStreamsPerEngine,
      forwardedPreferredStreams: config.engines.forwardedPreferredStreams,
      selectionTimeoutMs: config.engines.selectionTimeoutMs,
      checkIntervalMs: config.health.checkIntervalMs,
      failureThreshold: config.health.failureThreshold,
      listIntervalMs: config.engines.cacheTtlMs,
      startupTimeoutMs: config.fleet.startupTimeoutMs,
    },
    growth: {
      coming: () => reconciler.coming,
      isThinking: () => reconciler.isThinking,
      block: () => reconciler.block,
      changed: () => reconciler.wake(),
    },
    vpns: parts.vpns ?? vpns,
    witness: (happening) => {
      metrics.fleetHappened(happening);
      tellFleet(happening);
      reconciler.notice(happening);
    },
    createClient: (address) =>
      new EngineClient({ address, clock, log: log.child({ part: 'fleet' }), ingest: config.streams.ingest }),
    giveWay: (infohash) => sessions.giveWay(infohash) || recordings.giveWay(infohash),
    clock,
    log: log.child({ part: 'fleet' }),
  });
  const { pools, min, max } = poolsOf(providers, config.fleet);
  const reconciler: Reconciler = new Reconciler({
    registry: fleet.registry,
    care: fleet.care,
    pools,
    vpns: () => (parts.vpns ?? vpns).list(),
    demand: () => fleet.demand,
    onPlan: () => fleet.reconsider(),
    witness: (happening) => {
      metrics.fleetHappened(happening);
      tellFleet(happening);
    },
    rules: {
      min,
      max,
      maxBehindVpn: config.fleet.maxBehindVpn ?? max,
      minFree: config.fleet.minFree,
      streamsPerEngine: config.engines.maxStreamsPerEngine,
      removesSurplus: config.fleet.removesSurplus,
      idleGraceMs: config.fleet.idleGraceMs,
      unwellGraceMs: config.health.unwellGraceMs,
      replacementCooldownMs: config.health.replacementCooldownMs,
      concurrentCreates: config.fleet.concurrentCreates,
      createIntervalMs: config.fleet.createIntervalMs,
      actionsPerMinute: config.fleet.actionsPerMinute,
      memoryReserveBytes: config.fleet.memoryReserveBytes,
      maxAgeMs: config.fleet.maxAgeMs === 0 ? undefined : config.fleet.maxAgeMs,
      recycleMemoryBytes: config.fleet.recycleMemoryBytes,
      breakerThreshold: config.fleet.breakerThreshold,
      breakerPauseMaxMs: config.fleet.breakerPauseMaxMs,
    },
    intervalMs: config.fleet.intervalMs,
    clock,
    log: log.child({ part: 'reconciler' }),
  });
  const fleetControl = new FleetControl({ fleet, reconciler });
  const timeshift = new Timeshift({
    folder: join(config.storage.dataDir, 'timeshift'),
    windowMs: config.timeshift.windowMs,
    streams: config.timeshift.streams,
    bytesMax: config.timeshift.maxBytes,
    pauseMaxMs: config.timeshift.pauseMaxMs,
    clock,
    log: log.child({ part: 'timeshift' }),
  });
  const streams: StreamBook = new StreamBook({
    list: () => [...sessions.list(), ...recordings.list()],
    clock,
  });
  const sessions: SessionDirectory = new SessionDirectory({
    engines: fleet,
    observer,
    timeshift,
    onEnded: (session) => streams.noteEnded(session),
    limits: {
      firstByteTimeoutMs: config.streams.emptyTimeoutMs,
      startTimeoutMs: config.streams.startTimeoutMs,
      hedgeAfterMs: config.streams.hedgeAfterMs,
      retryBudgetMs: config.streams.retryBudgetMs,
      spliceWaitMs: config.streams.spliceWaitMs,
      standby: config.streams.standby,
      standbyStreams: config.streams.standbyStreams,
      standbyWindowMs: config.streams.standbyWindowMs,
      idleTimeoutMs: config.streams.idleTimeoutMs,
      lingeringMax: config.streams.maxLingering,
      sweepIntervalMs: config.streams.cleanupIntervalMs,
      prebufferMs: config.clients.prebufferMs,
      prebufferStreams: config.clients.prebufferStreams,
      bufferMs: config.streams.bufferMs,
      bufferBytes: config.streams.bufferSizeBytes,
      bufferMemoryBytes: config.streams.bufferMemoryBytes ?? defaultBufferMemory(machineMemory()).bytes,
    },
    clock,
    log: log.child({ part: 'session' }),
  });
  const recordings: Recordings = new Recordings({
    engines: fleet,
    known: (hash) => sessions.known(hash),
    observer,
    limits: {
      firstByteTimeoutMs: config.streams.emptyTimeoutMs,
      startTimeoutMs: config.streams.startTimeoutMs,
      retryBudgetMs: config.streams.retryBudgetMs,
      idleTimeoutMs: config.streams.idleTimeoutMs,
      earlyHeadersAfterMs: config.clients.earlyHeadersAfterMs,
      clientTimeoutMs: config.clients.timeoutMs,
    },
    clock,
    log: log.child({ part: 'recorded' }),
  });
  const fileLeases = new FileLeaseBook({ recordings, clock, log: log.child({ part: 'lease' }) });
  const leases = new LeaseBook({ sessions, clock, log: log.child({ part: 'lease' }) });
  const tsOutput = new TsOutput({
    chunkBytes: config.clients.batchSizeBytes,
    clientTimeoutMs: config.clients.timeoutMs,
    earlyHeadersAfterMs: config.clients.earlyHeadersAfterMs,
    readTcpTable,
    clock,
    log: log.child({ part: 'output' }),
  });
  const hls = new HlsOutput({
    sessions,
    secret: createHmac('sha256', adminKey.key).update('hls').digest('hex'),
    segmentSeconds: config.hls.segmentMs / 1000,
    clientTimeoutMs: config.clients.timeoutMs,
    startTimeoutMs: config.streams.startTimeoutMs,
    clock,
    log: log.child({ part: 'hls' }),
  });
  const server = buildServer(
    {
      sessions: {
        join: (...given) => sessions.join(...given),
        list: () => [...sessions.list(), ...recordings.list()],
        find: (id) => sessions.find(id) ?? recordings.find(id),
      },
      streams: {
        list: () => streams.list(),
        find: (name) => streams.find(name),
        end: (sessionId) =>
          sessions.endSession(sessionId, 'stopped_by_operator') ||
          recordings.endSession(sessionId, 'stopped_by_operator'),
      },
      leases,
      files: recordings,
      fileLeases,
      tsOutput,
      hls,
      fleet,
      lifecycle,
      events,
      metrics: {
        contentType: metrics.contentType,
        render: () => metrics.render(),
        requestRefused: (reason) => {
          metrics.requestRefused(reason);
          refusalEvents.requestRefused(reason);
        },
      },
      access: { key: adminKey.key, play: config.access.play, view: config.access.view },
      config: {
        host: config.server.host,
        port: config.server.port,
        trustedProxies: config.server.trustedProxies,
        publicUrl: config.server.publicUrl,
        version: VERSION,
      },
      clock,
      log,
    },
    connectionLimitsFor(await readOpenFilesMax()),
  );

  events.subscribe(({ type }) => metrics.eventHappened(type));
  events.subscribe((event) => sessionEvents.hear(event));
  undo.defer(() => metrics.stop());
  metrics.start();
  undo.defer(() => timeshift.stop());
  timeshift.start();
  undo.defer(() => streams.stop());
  streams.start();
  // Stopping the fleet has cut what engines still owed: what waited for that ends now.
  undo.defer(() => sessions.stop('shutdown'));
  undo.defer(() => recordings.stop('shutdown'));
  undo.defer(() => vpns.stop());
  vpns.start();
  undo.defer(() => fleet.stop());
  await fleet.start();
  undo.defer(() => cutOff.stop());
  cutOff.start();
  undo.defer(() => reconciler.stop());
  reconciler.start();
  undo.defer(() => server.close());
  // Before the server, whose close waits for replies: a live stream never ends by itself.
  undo.defer(async () => {
    leases.stop('shutdown');
    fileLeases.stop('shutdown');
    await stopSessions([sessions, recordings], clock, log);
    hls.stop();
    await tsOutput.stop();
  });
  undo.defer(() => server.endEventStreams());
  sessions.start();
  const { url, port } = await server.listen();
  lifecycle.phase = 'ready';
  events.emit('system.started', { version: VERSION });

  const owned = undo.move();
  let stopped: Promise<void> | undefined;
  let drainingId: number | undefined;
  const stop = (): Promise<void> => {
    lifecycle.phase = 'draining';
    stopped ??= (async () => {
      events.emit('system.stopping', {}, { causeId: drainingId });
      await owned.disposeAsync();
    })();
    return stopped;
  };
  const clientCount = (): number => sessions.clientCount + recordings.clientCount;
  let drained: Promise<void> | undefined;
  const drain = (): Promise<void> => {
    drained ??= (async () => {
      lifecycle.phase = 'draining';
      drainingId = events.emit('system.draining', { clients: clientCount() });
      sessions.refuse('draining');
      leases.refuse('draining');
      fileLeases.refuse('draining');
      recordings.refuse('draining');
      const endMs = clock.nowMs() + Math.max(0, config.server.shutdownTimeoutMs - END_VIEWERS_BEFORE_MS);
      while (clientCount() > 0 && clock.nowMs() < endMs) await sleep(clock, DRAIN_POLL_MS);
      await stop();
    })();
    return drained;
  };
  return { url, port, sessions, fleet, fleetControl, vpns, events, drain, stop };
}

/** Ends all sessions; resolves when the engines have stopped them, or after STOP_ENGINES_MS. */
async function stopSessions(
  parts: readonly (SessionDirectory | Recordings)[],
  clock: Clock,
  log: Log,
): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  const timer = clock.startTimer(STOP_ENGINES_MS, () => {
    log.warn(
      'an engine does not answer: what it still plays for acemux ends when it finds nobody reading it',
    );
    stopped.resolve();
  });
  await Promise.race([Promise.all(parts.map((part) => part.stop('shutdown'))), stopped.promise]);
  timer.cancel();
}

/** The VPNs of the configuration, and who looks for engines in ENGINES that a restart of theirs has cut off. */
function makeVpns(
  config: Config,
  registry: () => EngineRegistry,
  shared: Pick<VpnsDeps, 'containers' | 'observer' | 'clock' | 'log'>,
): { readonly vpns: Vpns; readonly cutOff: CutOffWatch } {
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
    const engine = config.engines.static.find(
      ({ host, port }) => host === address?.host && port === address.port,
    );
    if (!engine) return undefined;
    const { host, port, container, restart } = engine;
    return { name: container ?? `<container of the engine at ${host}:${port}>`, restart };
  };
  return { vpns, cutOff: new CutOffWatch({ vpns, engines, containerOf, ...shared }) };
}

function networkOf({ id, network, isDelivering }: EngineRecord): EngineNetwork {
  const { isReachable, connected, checkedAtMs } = network ?? {};
  return { id, isReachable, connected, checkedAtMs, isDelivering };
}
