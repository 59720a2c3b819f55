import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { buildAccess } from './app-access.ts';
import { buildLimits, type LimitsHouse } from './app-admission.ts';
import { buildFleet, type FleetHouse, type FleetParts } from './app-fleet.ts';
import { buildHistory, type HistoryHouse } from './app-history.ts';
import { recordingLimits, sessionLimits, timeshiftLimits, viewerLimits, withLimits } from './app-limits.ts';
import { stageSources } from './app-metrics.ts';
import { buildSettings, type SettingsParts } from './app-settings.ts';
import { buildStore } from './app-store.ts';
import { type Clock, sleep, systemClock } from './base/clock.ts';
import type { Config } from './config/config.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { FleetControl } from './fleet/fleet-control.ts';
import type { Vpns } from './fleet/vpn/vpns.ts';
import { History } from './history/history.ts';
import { StoredEvents } from './history/stored-events.ts';
import { connectionLimitsFor, readOpenFilesMax } from './http/connection-limits.ts';
import { eventJsonOf } from './http/event-json.ts';
import { buildServer } from './http/server.ts';
import { HlsOutput } from './output/hls/hls-output.ts';
import { readTcpTable } from './output/ts/tcp-table.ts';
import { TsOutput } from './output/ts/ts-output.ts';
import { AdmittedFiles, AdmittedSessions } from './session/admitted-sessions.ts';
import { SessionDirectory } from './session/directory.ts';
import { LeaseBook } from './session/lease-book.ts';
import type { SegmentArchive } from './session/media-segments.ts';
import { Observers } from './session/observers.ts';
import { FileLeaseBook } from './session/recorded/file-lease.ts';
import { Recordings } from './session/recorded/recordings.ts';
import { SessionControl } from './session/session-control.ts';
import { StreamBook } from './session/stream-book.ts';
import { EventBus } from './telemetry/events/event-bus.ts';
import { RefusalEvents } from './telemetry/events/refusal-events.ts';
import { SessionEvents } from './telemetry/events/session-events.ts';
import type { Log } from './telemetry/log.ts';
import { LoopDelay } from './telemetry/loop-delay.ts';
import { Metrics } from './telemetry/metrics.ts';
import { Webhooks } from './telemetry/webhooks.ts';
import { Timeshift } from './timeshift/timeshift.ts';
import { VERSION } from './version.ts';

/** Viewers are ended this long before SHUTDOWN_TIMEOUT is over: stopping the engines takes the rest. */
const END_VIEWERS_BEFORE_MS = 3_000;
/** The engines get so long to answer that they have stopped; a start that one never answers takes up to 35 s. */
const STOP_ENGINES_MS = 3_000;
/** The events that are held: a day of a home, some minutes of a fleet in trouble. */
const EVENTS_KEPT = { countMax: 10_000, bytesMax: 8 * 1024 * 1024 };
/** What the build of the panel writes; the image and the package hold it. */
const PANEL_FOLDER = join(import.meta.dirname, '../panel/dist');
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
  readonly events: EventBus;
  readonly vpns: Vpns;
  /** Reads the configuration anew, as far as it may change while this runs; says in the log what came of it. */
  reloadConfig(): void;
  /** Lets nobody new in, lets those who watch go on for a while, then stops. Safe to call twice. */
  drain(): Promise<void>;
  /** Ends everything at once and resolves when nothing is left. Safe to call twice. */
  stop(): Promise<void>;
}

/** Parts that a test may replace. */
export interface AppParts extends FleetParts, SettingsParts {
  readonly clock?: Clock;
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

  const events = new EventBus({ bounds: EVENTS_KEPT, clock, log: log.child({ part: 'events' }) });
  const storeHouse = buildStore(config.storage.dataDir, { clock, events, log: log.child({ part: 'store' }) });
  const { store } = storeHouse;
  const accessHouse = await buildAccess(config, { keyStore: storeHouse.keys, clock, log });
  undo.defer(() => accessHouse.stop());
  const { adminKey, parts: access } = accessHouse;
  // The last to stop: what happens until then is stored.
  undo.defer(() => storeHouse.stop());
  await storeHouse.start();
  const storedEvents = new StoredEvents(store);
  // Of a database that can't be read now, nothing is known.
  events.resumeBehind(await storedEvents.lastId().catch(() => 0));
  const settingsHouse = buildSettings(config, parts, { store: storeHouse.settings, events, clock, log });
  const { settings } = settingsHouse;
  undo.defer(() => settings.stop());
  settings.start();
  const loopDelay = new LoopDelay(clock);
  const metrics: Metrics = new Metrics({
    loopDelay: loopDelay.openReader(),
    storeHealth: () => store.health,
    sessionsActive: () => sessions.count + recordings.count,
    clientsActive: () => sessions.clientCount - sessions.pausedCount + recordings.clientCount,
    clientsPaused: () => sessions.pausedCount,
    bufferBytes: () => sessions.bufferBytes,
    timeshiftBytes: () => timeshift.sizeBytes,
    fleetStatus: () => house.fleetControl.status(),
    engineStates: () => house.fleet.snapshot().map(({ state }) => state),
    stages: stageSources(
      { fleet: () => house.fleet, sessions: () => sessionControl, vpns: () => house.vpns },
      settings,
    ),
    orchestrator: {
      stats: () => sessions.sessions.flatMap(({ stat }) => stat ?? []),
      playing: () => sessions.count + recordings.count,
      engines: () => house.fleet.snapshot(),
      minimum: () => settings.current.fleet.min,
      vpns: () => house.vpns.list(),
    },
    overloadCauses: () => limits.overload.causes,
  });
  const infohashOf = (hash: string): string | undefined => sessions.known(hash)?.infohash;
  const openFilesMax = await readOpenFilesMax();
  const limitsOfSessions = sessionLimits(settings);
  const limits: LimitsHouse = buildLimits(settings, {
    events,
    infohashOf,
    bufferBytes: () => sessions.bufferBytes,
    bufferBytesMax: limitsOfSessions.bufferMemoryBytes,
    openFilesMax,
    keyIsAccepted: (id) => access.keys.byId(id) !== undefined,
    loopDelay,
    clock,
  });
  undo.defer(access.keys.onRemoved(({ id }) => limits.audience.expelKey(id)));
  const sessionEvents = new SessionEvents(events, clock);
  const observer = new Observers([
    metrics,
    metrics.stages,
    sessionEvents,
    limits.egress,
    { bytesStreamed: (bytes) => history.bytesStreamed(bytes) },
  ]);
  const refusalEvents = new RefusalEvents(events, clock);
  const house: FleetHouse = await buildFleet(settings, parts, {
    metrics,
    events,
    giveWay: (infohash) => sessions.giveWay(infohash) || recordings.giveWay(infohash),
    engineHeaders: (names) => limits.engineHeaders(names),
    starts: storeHouse.starts,
    clock,
  });
  const { fleet, fleetControl, vpns } = house;
  const timeshift = new Timeshift(
    withLimits(timeshiftLimits(settings), {
      folder: join(config.storage.dataDir, 'timeshift'),
      clock,
      log: log.child({ part: 'timeshift' }),
    }),
  );
  const streams: StreamBook = new StreamBook({
    list: () => [...sessions.list(), ...recordings.list()],
    clock,
  });
  const sessions: SessionDirectory = new SessionDirectory({
    engines: fleet,
    observer,
    timeshift: {
      begin: (session) => {
        const past = timeshift.begin(session);
        if (past) hls.keep(session.watched, past);
        return past;
      },
    },
    onEnded: (session) => {
      streams.noteEnded(session);
      history.noteEnded(session);
    },
    recorded: { count: () => recordings.count, giveWay: () => recordings.giveWay(undefined) },
    limits: limitsOfSessions,
    clock,
    log: log.child({ part: 'session' }),
  });
  const recordings: Recordings = new Recordings({
    engines: fleet,
    known: (hash) => sessions.known(hash),
    observer,
    makeRoom: () => sessions.makeRoom(),
    limits: recordingLimits(settings),
    clock,
    log: log.child({ part: 'recorded' }),
  });
  const history: HistoryHouse = buildHistory(config, {
    store,
    events,
    sessions: () => sessions.sessions,
    recordings: () => recordings.list(),
    engines: () => fleet.snapshot(),
    loopDelay,
    clock,
  });
  const sessionControl: SessionControl = new SessionControl(sessions);
  // Whoever wants to watch gets in through these two; what plays already is looked at directly.
  const admitted = new AdmittedSessions(sessions, limits.audience);
  const admittedFiles = new AdmittedFiles(recordings, limits.audience);
  const fileLeases = new FileLeaseBook({
    recordings: admittedFiles,
    clock,
    log: log.child({ part: 'lease' }),
  });
  const leases = new LeaseBook({ sessions: admitted, clock, log: log.child({ part: 'lease' }) });
  const tsOutput = new TsOutput(
    withLimits(viewerLimits(settings), {
      readTcpTable,
      clock,
      log: log.child({ part: 'output' }),
    }),
  );
  const archive: SegmentArchive = {
    segmentsOf: ({ hash, parameters }) =>
      timeshift.segmentsOf({ hash: sessions.known(hash)?.infohash ?? hash, parameters }),
    findSegment: (...address) => timeshift.findSegment(...address),
  };
  const hls: HlsOutput = new HlsOutput(
    withLimits(viewerLimits(settings), {
      sessions: admitted,
      archive,
      secret: createHmac('sha256', adminKey.key).update('hls').digest('hex'),
      segmentSeconds: config.hls.segmentMs / 1000,
      clock,
      log: log.child({ part: 'hls' }),
    }),
  );
  const server = buildServer(
    {
      sessions: {
        join: (...given) => admitted.join(...given),
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
      sessionControl,
      settings,
      leases,
      files: admittedFiles,
      fileLeases,
      tsOutput,
      hls,
      fleet,
      fleetControl: {
        facts: fleetControl.facts,
        status: () => fleetControl.status(),
        engines: () => fleetControl.engines(),
        explain: (hash) => fleetControl.explain({ infohash: sessions.known(hash)?.infohash }),
        stats: (ids) => fleetControl.stats(ids),
        drain: (id) => void fleetControl.drain(id),
        undrain: (id) => void fleetControl.undrain(id),
        restart: (id) => fleetControl.restart(id),
        remove: (id, isForced) => fleetControl.remove(id, isForced),
        provision: (wish) => fleetControl.provision(wish),
        scale: (count) => fleetControl.scale(count),
        gc: () => fleetControl.gc(),
        resetBreakers: () => fleetControl.resetBreakers(),
      },
      vpns,
      store,
      history: new History(store),
      evidence: history.evidence,
      storedEvents,
      lifecycle,
      limits,
      clientHeaders: (names) => limits.clientHeaders(names),
      events,
      metrics: {
        contentType: metrics.contentType,
        render: () => metrics.render(),
        requestRefused: (reason) => {
          metrics.requestRefused(reason);
          refusalEvents.requestRefused(reason);
        },
      },
      access,
      config: {
        host: config.server.host,
        port: config.server.port,
        trustedProxies: config.server.trustedProxies,
        publicUrl: config.server.publicUrl,
        version: VERSION,
        panelFolder: PANEL_FOLDER,
      },
      clock,
      log,
    },
    connectionLimitsFor(openFilesMax),
  );

  settings.onChange((changed) => {
    house.settingsChanged(changed);
    sessionControl.followSettings();
  });
  events.subscribe(({ type }) => metrics.eventHappened(type));
  events.subscribe((event) => sessionEvents.hear(event));
  const webhooks = new Webhooks({
    choice: () => settings.current.webhooks,
    jsonOf: eventJsonOf,
    onOver: (outcome) => metrics.webhookOver(outcome),
    clock,
    log: log.child({ part: 'webhooks' }),
  });
  undo.defer(() => webhooks.stop());
  events.subscribe((event) => webhooks.hear(event));
  undo.defer(() => loopDelay.stop());
  loopDelay.start();
  undo.defer(() => metrics.stop());
  metrics.start();
  undo.defer(() => history.stop());
  history.start();
  undo.defer(() => timeshift.stop());
  timeshift.start();
  undo.defer(() => streams.stop());
  streams.start();
  // Stopping the fleet has cut what engines still owed: what waited for that ends now.
  undo.defer(() => sessions.stop('shutdown'));
  undo.defer(() => recordings.stop('shutdown'));
  undo.defer(() => house.stop());
  await house.start();
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
  undo.defer(() => limits.stop());
  accessHouse.start();
  limits.start();
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
  return {
    url,
    port,
    sessions,
    fleet,
    fleetControl,
    events,
    vpns,
    reloadConfig: () => settingsHouse.reload(),
    drain,
    stop,
  };
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
