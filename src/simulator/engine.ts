/** One simulated AceStream engine: its ports, its life, and which route answers what. */
import type { Socket } from 'node:net';
import { type Clock, systemClock, type Timer } from '../base/clock.ts';
import { DEFAULT_EPOCH_MS } from './broadcast.ts';
import { openCatalogue } from './catalogue.ts';
import { EarlyExpiry } from './early-expiry.ts';
import { type EngineCore, type EngineDelays, EngineMedia, routeOf } from './engine-core.ts';
import type { SessionSnapshot, SimulatedEngineOptions } from './engine-options.ts';
import { Faults, type Route, strikes } from './faults.ts';
import { servePlaylist, serveSegment } from './hls-routes.ts';
import { type Counters, Journal } from './journal.ts';
import { Listener } from './listener.ts';
import { MediaLibrary } from './media-library.ts';
import type { PlaybackSession } from './playback-session.ts';
import { type EngineProfile, PROFILE_3_2_3, PROFILES } from './profile.ts';
import { withRecording } from './recorded-engine.ts';
import { replyText } from './replies.ts';
import { ScaledClock } from './scaled-clock.ts';
import { serveSearch, serveServerApi, serveWebService } from './service-routes.ts';
import {
  ContentAddresses,
  progressNow,
  serveCommand,
  serveContent,
  serveEvent,
  serveRedirect,
  serveStat,
} from './session-routes.ts';
import { SessionTable } from './session-table.ts';
import { servePlM3u, serveStart } from './start-route.ts';
import { serveTelnet } from './telnet.ts';
import { type Exchange, serveConnection } from './wire.ts';

export type { SessionSnapshot, SimulatedEngineOptions };

/** How long things take where nothing else is asked for. */
const DEFAULT_DELAYS: EngineDelays = {
  replyMs: 500,
  idleMs: 500,
  prebufMs: 3_000,
  unknownIdMs: 4_600,
  unknownInfohashMs: 28_000,
  redirectCloseMs: 0,
};

/** What flows on when the engine is too busy to answer anything else. */
const MEDIA_ROUTES: ReadonlySet<Route> = new Set<Route>(['redirect', 'content', 'playlist', 'segment']);

export class SimulatedEngine {
  readonly #options: SimulatedEngineOptions;
  readonly #clock: Clock;
  readonly #profile: EngineProfile;
  readonly #sessions: SessionTable;
  readonly #earlyExpiry: EarlyExpiry;
  readonly #addresses = new ContentAddresses();
  readonly #sockets = new Set<Socket>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #http: Listener;
  readonly #telnet: Listener;
  #core: EngineCore | undefined;
  #downTimer: Timer | undefined;
  #forgetFaults: (() => void) | undefined;

  readonly faults: Faults;
  readonly journal = new Journal();

  constructor(given: SimulatedEngineOptions = {}) {
    const options = given.recording === undefined ? given : withRecording(given, given.recording);
    this.#options = options;
    const clock = options.clock ?? systemClock;
    this.#clock = options.timeScale === undefined ? clock : new ScaledClock(clock, options.timeScale);
    const { profile = {} } = options;
    this.#profile = typeof profile === 'string' ? PROFILES[profile] : { ...PROFILE_3_2_3, ...profile };
    this.#http = new Listener(this.host, options.port ?? 0, (socket) => this.#acceptHttp(socket));
    this.#telnet = new Listener(this.host, options.telnetPort ?? 0, (socket) => this.#acceptTelnet(socket));
    this.faults = new Faults(this.#clock);
    this.#sessions = new SessionTable({
      clock: this.#clock,
      profile: this.#profile,
      journal: this.journal,
      idleExpiryMs: options.idleExpiryMs ?? 60_000,
      onOpened: () => this.#earlyExpiry.look(),
    });
    this.#earlyExpiry = new EarlyExpiry({
      clock: this.#clock,
      faults: this.faults,
      sessions: this.#sessions,
    });
  }

  /**
   * Listens, and plays from then on.
   * @throws the listening socket's error, e.g. EADDRINUSE; RangeError for a bitrate below the test pattern's own
   */
  async start(): Promise<{ host: string; port: number }> {
    const options = this.#options;
    const { media = 'test-pattern', bitsPerSecond = 4_000_000 } = options;
    const library = options.library ?? new MediaLibrary({ bitsPerSecond, testPattern: options.clip });
    library.layout(media); // a bitrate that is too low fails here
    this.#core = {
      clock: this.#clock,
      profile: this.#profile,
      delays: { ...DEFAULT_DELAYS, ...options.delays },
      catalogue: options.catalogue ?? openCatalogue,
      faults: this.faults,
      journal: this.journal,
      sessions: this.#sessions,
      loadedInfohashes: new Set(),
      streamsAtFullSpeed: options.streamsAtFullSpeed ?? Number.POSITIVE_INFINITY,
      restart: (downMs) => this.restart(downMs),
      media: new EngineMedia({
        library,
        media,
        filler: options.filler ?? 'markers',
        remux: options.remux ?? false,
        lagMs: options.lagMs ?? 0,
        burst: { seconds: options.burst?.seconds ?? 20, bytes: options.burst?.bytes ?? 22_000_000 },
        delivery: options.delivery,
        epochMs: options.epochMs ?? DEFAULT_EPOCH_MS,
        clock: this.#clock,
        wallOffsetMs: this.#clock.wallMs() - this.#clock.nowMs(),
      }),
    };
    this.#forgetFaults = this.faults.onChange(() => this.#obeyFaults());
    this.#listenAsFaultsSay();
    try {
      await this.settled();
    } catch (error) {
      await this.stop(); // one of its ports may be open
      throw error;
    }
    return { host: this.host, port: this.port };
  }

  /** Ends every session and connection. Once it resolves, nothing that the engine began is left. */
  async stop(): Promise<void> {
    this.#core = undefined;
    this.#forgetFaults?.();
    this.faults.clear();
    this.#earlyExpiry.stop();
    this.#downTimer?.cancel();
    this.#downTimer = undefined;
    this.#sessions.endAll('restarted');
    const closed = Promise.all([this.#http.stop(), this.#telnet.stop()]);
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await Promise.all(this.#tasks);
  }

  get host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  /** The port it listens on; known once `start` has resolved. */
  get port(): number {
    return this.#http.port;
  }

  /** The port of the older text API; 0 where the version has none. */
  get telnetPort(): number {
    return this.#telnet.port;
  }

  get counters(): Counters {
    return this.journal.counters;
  }

  sessions(): SessionSnapshot[] {
    const core = this.#core;
    if (core === undefined) return [];
    return this.#sessions.open().map((session) => ({
      token: session.token,
      playbackSessionId: session.playbackSessionId,
      infohash: session.infohash,
      pid: session.request.pid,
      status: progressNow(core, session).status,
      readers: session.readers.size,
      bytesSent: session.bytesSent,
      openedMs: session.openedMs,
    }));
  }

  /** Resolves when the engine listens, or refuses, as faults and restarts so far demand. */
  async settled(): Promise<void> {
    await Promise.all([this.#http.settled(), this.#telnet.settled()]);
  }

  /** Ends a session as if nobody had read it for long. False when there is none with this token. */
  expire(token: string): boolean {
    const session = this.#sessions.get(token);
    if (session === undefined) return false;
    this.#sessions.end(session, 'expired');
    return true;
  }

  /** Another program opens this session's content with a pid of its own. False when there is no such session. */
  supersede(token: string): boolean {
    const session = this.#sessions.get(token);
    if (session === undefined) return false;
    this.#sessions.start({ ...session.request, pid: `foreign-${session.token}` });
    return true;
  }

  /** The process dies and comes back after `downMs`: sessions forgotten, connections reset (item 22). */
  restart(downMs: number): void {
    this.#sessions.endAll('restarted');
    this.#downTimer?.cancel();
    this.#downTimer = this.#clock.startTimer(downMs, () => {
      this.#downTimer = undefined;
      this.#listenAsFaultsSay();
    });
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#listenAsFaultsSay();
  }

  #obeyFaults(): void {
    for (const { id, fault } of this.faults.all('restart')) {
      this.faults.clear(id);
      this.restart(fault.downMs);
    }
    for (const { id, target } of this.faults.all('supersede')) {
      this.faults.clear(id);
      for (const session of this.#sessions.open()) {
        const whom = { infohash: session.infohash, session: session.token };
        if (strikes(target, whom)) this.supersede(session.token);
      }
    }
    this.#earlyExpiry.look();
    this.#listenAsFaultsSay();
  }

  #listenAsFaultsSay(): void {
    const wanted = (): boolean =>
      this.#core !== undefined && this.#downTimer === undefined && this.faults.find('refuse') === undefined;
    this.#http.obey(wanted);
    this.#telnet.obey(() => this.#profile.telnetPort !== 'closed' && wanted());
  }

  /** Whether anybody answers on this connection; it is known from now on, so that the engine's end is its own. */
  #admits(socket: Socket): boolean {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    if (this.#core === undefined) {
      socket.destroy(); // it came while the engine was stopping
      return false;
    }
    if (this.faults.find('reset') !== undefined) {
      socket.resetAndDestroy();
      return false;
    }
    if (this.faults.find('hangConnect') !== undefined) {
      socket.on('error', () => {}); // nobody reads it; `close` ends it
      return false;
    }
    return true;
  }

  #acceptTelnet(socket: Socket): void {
    this.journal.counters.telnetConnections++;
    const core = this.#core;
    if (!this.#admits(socket) || core === undefined) return;
    if (this.#profile.telnetPort === 'open') {
      socket.on('error', () => {});
      socket.resume();
      return;
    }
    this.#follow(serveTelnet({ core, addresses: this.#addresses, httpPort: this.port }, socket));
  }

  #acceptHttp(socket: Socket): void {
    if (!this.#admits(socket)) return;
    serveConnection(socket, {
      serverHeader: this.#profile.serverHeader,
      wallMs: () => this.#clock.wallMs(),
      poisons: () => this.faults.find('keepAlivePoison') !== undefined,
      onRequest: (exchange) => {
        const task = this.#serve(exchange).catch((error: unknown) => {
          // A mistake of the simulator, not of its client: it must be seen.
          exchange
            .raw()
            .end(`HTTP/1.1 500 Simulator Error\r\n\r\n${error instanceof Error ? error.stack : error}\n`);
        });
        this.#follow(task);
      },
    });
  }

  /** The engine's end waits for it. */
  #follow(task: Promise<void>): void {
    this.#tasks.add(task);
    void task.then(() => this.#tasks.delete(task));
  }

  async #serve(exchange: Exchange): Promise<void> {
    const core = this.#core;
    const { method, target, path, query, headers, remotePort } = exchange.request;
    const route = routeOf(path, query);
    const atMs = this.#clock.nowMs();
    const wallTime = new Date(this.#clock.wallMs()).toISOString();
    const answer = exchange.times;
    this.journal.record({ atMs, wallTime, method, target, path, route, headers, remotePort, answer });
    if (core === undefined) return;

    const session = this.#sessionOf(path, route);
    const whom = session === undefined ? {} : { infohash: session.infohash, session: session.token };
    if (core.faults.find('http503', whom) !== undefined) {
      replyText(exchange, 503, 'Service Unavailable');
      return;
    }
    if (core.faults.find('apiHang') !== undefined && !MEDIA_ROUTES.has(route)) return;
    if (core.faults.find('strictHost') !== undefined && headers['host'] !== exchange.localAddress) {
      replyText(exchange, 500, 'Internal Server Error');
      return;
    }
    if (method !== 'GET') {
      replyText(exchange, 501, `Unsupported method ('${method}')`);
      return;
    }
    const hang = core.faults.find('hangBeforeHeaders', whom);
    // A start opens its session even if it then never answers: it looks for this fault itself.
    if (
      hang !== undefined &&
      route !== 'start' &&
      route !== 'manifest' &&
      (hang.fault.routes?.includes(route) ?? true)
    )
      return;
    await this.#answer(core, exchange, route, session);
  }

  async #answer(
    core: EngineCore,
    exchange: Exchange,
    route: Route,
    session: PlaybackSession | undefined,
  ): Promise<void> {
    switch (route) {
      case 'start':
        return await serveStart(core, exchange, 'ts');
      case 'manifest':
        return await serveStart(core, exchange, 'hls');
      case 'playlist':
        return await servePlaylist(
          core,
          exchange,
          session,
          this.#sessions.endReasonOf(tokenIn(exchange.request.path)),
        );
      case 'segment':
        return serveSegment(core, exchange, session);
      case 'redirect':
        return await serveRedirect(core, exchange, session, this.#addresses);
      case 'content':
        return await serveContent(core, exchange, session);
      case 'stat':
        return serveStat(core, exchange, session);
      case 'stop':
      case 'command':
        return serveCommand(core, exchange, session);
      case 'event':
        return await serveEvent(core, exchange, session);
      case 'service':
        if (exchange.request.path === '/webui/api/service') return serveWebService(core, exchange);
        return await serveServerApi(core, exchange);
      case 'other':
        if (exchange.request.path === '/search') return serveSearch(core, exchange);
        if (exchange.request.path === '/pl.m3u') return servePlM3u(core, exchange);
        return replyText(exchange, 404, 'Not Found');
    }
  }

  #sessionOf(path: string, route: Route): PlaybackSession | undefined {
    if (route === 'content') return this.#addresses.find(path);
    const infohash = path.split('/')[3] ?? '';
    if (route === 'segment') return this.#sessions.hlsOf(infohash);
    const session = this.#sessions.get(tokenIn(path));
    return session?.infohash === infohash ? session : undefined;
  }
}

/** The session's token in one of its paths. */
function tokenIn(path: string): string {
  return path.split('/')[4]?.replace(/\.m3u8$/, '') ?? '';
}
