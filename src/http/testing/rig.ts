/** A real server on a port of the system's choice, before fakes of everything behind it. For tests. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type AddressLists, NO_LISTS } from '../../access/address-lists.ts';
import type { AccessPolicy } from '../../access/guard.ts';
import { type ConfiguredKey, KeyRing } from '../../access/key-ring.ts';
import { type KeyStore, MemoryKeyStore } from '../../access/key-store.ts';
import { LoginSessions } from '../../access/login-sessions.ts';
import { TokenSigner } from '../../access/signed-token.ts';
import { systemClock } from '../../base/clock.ts';
import { request as httpRequest } from '../../base/node-http.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import type { Settings } from '../../config/settings.ts';
import type { StreamSelector } from '../../engine/types.ts';
import type { Consultant } from '../../fleet/engine-record.ts';
import type { VpnSnapshot } from '../../fleet/vpn/vpn.ts';
import { TS_RESPONSE_HEADERS } from '../../output/ts/response-headers.ts';
import type { ViewerInfo } from '../../session/attachment.ts';
import type { StreamRecord } from '../../session/stream-book.ts';
import type { SessionSnapshot } from '../../session/types.ts';
import { EventBus } from '../../telemetry/events/event-bus.ts';
import { silentLog } from '../../telemetry/log.ts';
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from '../connection-limits.ts';
import type { HttpDeps, LeaseFace, Leavable, PlaylistFace } from '../deps.ts';
import { buildServer, type Server } from '../server.ts';
import { FakeFleetControl } from './fleet.ts';
import { HASH, playingSession } from './playing-session.ts';
import { defaultSettings, NO_STREAMS } from './quiet-parts.ts';
import { NO_HISTORY, WELL_STORED } from './stored.ts';

export { openRaw, type RawConnection } from './raw-connection.ts';
export { HASH, playingSession };
export const ADMIN_KEY = 'the-right-key-of-the-house';
export const SIGNING_SECRETS: readonly string[] = ['the-secret-that-signs', 'the-secret-before-it'];
/** The peer of every test is loopback; with this in TRUSTED_PROXIES it can speak for others. */
export const LOOPBACK_PROXY: readonly string[] = ['127.0.0.1'];

/** One viewer's membership, which remembers how it ended. */
export class FakeAttachment implements Leavable {
  readonly left: Promise<ReasonCode>;
  readonly reasons: ReasonCode[] = [];
  #resolve: (reason: ReasonCode) => void = () => {};

  constructor() {
    this.left = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  leave(reason: ReasonCode): void {
    this.reasons.push(reason);
    this.#resolve(reason);
  }
}

/** A lease under a test's hand. */
export class FakeLease implements LeaseFace<FakeAttachment> {
  readonly token = '5a'.repeat(16);
  readonly infohash = 'f'.repeat(40);
  readonly playbackSessionId = '91'.repeat(20);
  readonly clientSessionId: number;
  readonly ends: ReasonCode[] = [];
  session: SessionSnapshot | undefined = playingSession();
  onRead: (viewer: ViewerInfo, signal: AbortSignal) => Promise<FakeAttachment> = async () =>
    new FakeAttachment();

  constructor(clientSessionId = -1) {
    this.clientSessionId = clientSessionId;
  }

  snapshot(): SessionSnapshot | undefined {
    return this.session;
  }

  read(viewer: ViewerInfo, signal: AbortSignal): Promise<FakeAttachment> {
    return this.onRead(viewer, signal);
  }

  end(reason: ReasonCode): void {
    this.ends.push(reason);
  }
}

export interface Join {
  readonly selector: StreamSelector;
  readonly viewer: ViewerInfo;
  readonly signal: AbortSignal;
  readonly onLive: () => void;
}

export interface Opening extends Omit<Join, 'onLive'> {
  readonly clientSessionId: number;
}

export interface Parts {
  /** What a request for a stream gets. */
  join: (join: Join) => Promise<FakeAttachment>;
  play: (response: ServerResponse, attachment: FakeAttachment) => void;
  /** What a request gets that asks for addresses. */
  openLease: (opening: Opening) => Promise<FakeLease>;
  leases: readonly FakeLease[];
  files: HttpDeps['files'];
  fileLeases: HttpDeps['fileLeases'];
  awaitStart: HttpDeps['tsOutput']['awaitStart'];
  hls: Partial<HttpDeps['hls']>;
  sessions: readonly SessionSnapshot[];
  streams: readonly StreamRecord[];
  sessionControl: HttpDeps['sessionControl'];
  settings: Settings;
  vpns: readonly VpnSnapshot[];
  store: HttpDeps['store'];
  history: Partial<HttpDeps['history']>;
  evidence: HttpDeps['evidence'];
  storedEvents: HttpDeps['storedEvents'];
  fleetControl: HttpDeps['fleetControl'];
  overloadCauses: readonly string[];
  clientHeaders: HttpDeps['clientHeaders'];
  readiness: { configured: boolean; healthy: number; total: number };
  /** The engine that can be asked; undefined: none is healthy. */
  consultant: Consultant | undefined;
  phase: 'starting' | 'ready' | 'draining';
  renderMetrics: () => Promise<string>;
  playAccess: AccessPolicy['play'];
  viewAccess: AccessPolicy['view'];
  /** Keys beside ADMIN_KEY. */
  keys: readonly ConfiguredKey[];
  keyStore: KeyStore;
  lists: AddressLists;
  trustedProxies: readonly string[];
  publicUrl: string | undefined;
  events: EventBus;
  log: HttpDeps['log'];
  clock: HttpDeps['clock'];
  host: string;
  port: number;
  limits: Partial<ConnectionLimits>;
  panelFolder: string;
}

/** A playlist of nothing. */
export const EMPTY_PLAYLIST: PlaylistFace = {
  bytes: Buffer.from('#EXTM3U\n'),
  gzipped: gzipSync('#EXTM3U\n'),
};

export interface Rig {
  readonly server: Server;
  readonly url: string;
  readonly port: number;
  /** May be changed while the server runs, where it is asked each time. */
  readonly parts: Parts;
  readonly joins: Join[];
  readonly openings: Opening[];
  readonly refused: ReasonCode[];
  /** Streams that were ended by request. */
  readonly endedStreams: string[];
  /** Waits until a request for a stream has arrived. */
  joined(): Promise<Join>;
}

/** The server is closed at the end of the test. */
export async function startRig(t: TestContext, overrides: Partial<Parts> = {}): Promise<Rig> {
  const built = buildRig(overrides);
  t.after(() => built.server.close());
  const { url, port } = await built.server.listen();
  return { ...built, url, port };
}

export function buildRig(overrides: Partial<Parts> = {}): Omit<Rig, 'url' | 'port'> {
  const parts: Parts = {
    join: async () => new FakeAttachment(),
    awaitStart: () => ({ areSent: false, streamIsLive() {}, stop() {}, fail() {} }),
    play: (response) => void response.writeHead(200, TS_RESPONSE_HEADERS).end('media'),
    hls: {},
    openLease: async ({ clientSessionId }) => new FakeLease(clientSessionId),
    leases: [],
    files: {
      factsOf: () => undefined,
      open: async () => {
        throw new AcemuxError('vod_not_yet');
      },
    },
    fileLeases: {
      find: () => undefined,
      open: async () => {
        throw new AcemuxError('vod_not_yet');
      },
    },
    sessions: [],
    streams: [],
    sessionControl: NO_STREAMS,
    settings: defaultSettings(),
    vpns: [],
    store: { health: WELL_STORED },
    history: {},
    evidence: { list: () => [] },
    storedEvents: { after: async () => undefined, before: async () => [] },
    fleetControl: new FakeFleetControl(),
    overloadCauses: [],
    clientHeaders: () => ({}),
    readiness: { configured: true, healthy: 1, total: 1 },
    consultant: undefined,
    phase: 'ready',
    renderMetrics: async () => 'a_metric 1\n',
    playAccess: 'private',
    viewAccess: 'private',
    keys: [],
    keyStore: new MemoryKeyStore(),
    lists: NO_LISTS,
    trustedProxies: [],
    publicUrl: undefined,
    events: new EventBus({
      bounds: { countMax: 100, bytesMax: 1_000_000 },
      clock: systemClock,
      log: silentLog(),
    }),
    log: silentLog(),
    clock: systemClock,
    host: '127.0.0.1',
    port: 0,
    limits: {},
    panelFolder: '/nonexistent',
    ...overrides,
  };
  const joins: Join[] = [];
  const openings: Opening[] = [];
  const refused: ReasonCode[] = [];
  const endedStreams: string[] = [];
  const waiting: ((join: Join) => void)[] = [];
  const server = buildServer<FakeAttachment>(
    {
      sessions: {
        join(selector, viewer, signal, onLive = () => {}) {
          const join = { selector, viewer, signal, onLive };
          joins.push(join);
          for (const resolve of waiting.splice(0)) resolve(join);
          return parts.join(join);
        },
        list: () => parts.sessions,
        find: (id) => parts.sessions.find(({ streamId, infohash }) => streamId === id || infohash === id),
      },
      streams: {
        list: () => parts.streams,
        find: (name) =>
          parts.streams.findLast(({ session: { sessionId, streamId, infohash } }) =>
            [sessionId, streamId, infohash].includes(name),
          ),
        end: (sessionId) => endedStreams.push(sessionId) > 0,
      },
      settings: parts.settings,
      sessionControl: {
        detail: (id) => parts.sessionControl.detail(id),
        viewers: () => parts.sessionControl.viewers(),
        kick: (id) => parts.sessionControl.kick(id),
        move: (...given) => parts.sessionControl.move(...given),
        change: (...given) => parts.sessionControl.change(...given),
      },
      leases: {
        open(request, signal) {
          const opening = { ...request, signal };
          openings.push(opening);
          return parts.openLease(opening);
        },
        find: (token) => parts.leases.find((lease) => lease.token === token),
      },
      files: {
        factsOf: (selector) => parts.files.factsOf(selector),
        open: (...given) => parts.files.open(...given),
      },
      fileLeases: {
        open: (...given) => parts.fileLeases.open(...given),
        find: (token) => parts.fileLeases.find(token),
      },
      tsOutput: {
        awaitStart: (...given) => parts.awaitStart(...given),
        play: (response, attachment) => parts.play(response, attachment),
      },
      hls: {
        multivariantPlaylist: async () => EMPTY_PLAYLIST,
        mediaPlaylist: async () => EMPTY_PLAYLIST,
        checkName: () => {},
        isWatching: () => false,
        segmentSize: () => 188,
        streamOf: () => undefined,
        sendSegment: (response) =>
          void response.writeHead(200, { 'Content-Type': 'video/mp2t' }).end('media'),
        ...parts.hls,
      },
      limits: {
        passSegment: async () => {},
        get overloadCauses() {
          return parts.overloadCauses;
        },
        viewersOfKey: () => 0,
      },
      clientHeaders: parts.clientHeaders,
      fleet: { readiness: () => parts.readiness, consult: () => parts.consultant },
      fleetControl: parts.fleetControl,
      vpns: { list: () => parts.vpns },
      store: parts.store,
      history: { ...NO_HISTORY, ...parts.history },
      evidence: parts.evidence,
      storedEvents: parts.storedEvents,
      lifecycle: {
        get phase() {
          return parts.phase;
        },
      },
      metrics: {
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        render: () => parts.renderMetrics(),
        requestRefused: (reason) => void refused.push(reason),
      },
      events: parts.events,
      access: {
        policy: { play: parts.playAccess, view: parts.viewAccess },
        lists: parts.lists,
        keys: new KeyRing({
          adminKey: ADMIN_KEY,
          configured: parts.keys,
          store: parts.keyStore,
          clock: parts.clock,
        }),
        signer: new TokenSigner(SIGNING_SECRETS),
        logins: new LoginSessions(parts.clock),
      },
      log: parts.log,
      clock: parts.clock,
      config: {
        host: parts.host,
        port: parts.port,
        trustedProxies: parts.trustedProxies,
        publicUrl: parts.publicUrl,
        version: '1.2.3',
        panelFolder: parts.panelFolder,
      },
    },
    { ...DEFAULT_CONNECTION_LIMITS, ...parts.limits },
  );
  return {
    server,
    parts,
    joins,
    openings,
    refused,
    endedStreams,
    joined: () => new Promise((resolve) => waiting.push(resolve)),
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; throws if it is none. */
  json(): unknown;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request on a connection of its own. */
export function call({ port }: Pick<Rig, 'port'>, path: string, options: Call = {}): Promise<Reply> {
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, path, method, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('error', reject);
        response.once('end', () => {
          const json = (): unknown => JSON.parse(text);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}

export const GET_STREAM = `GET /ace/getstream?id=${HASH} HTTP/1.1\r\nHost: test\r\n\r\n`;
export const GET_HEALTH = 'GET /health HTTP/1.1\r\nHost: test\r\n\r\n';
