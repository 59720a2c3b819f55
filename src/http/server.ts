import { randomBytes } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { parseAddressSet } from '../access/ip-address.ts';
import { LoginAttempts } from '../access/login-attempts.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';
import { AccessControl } from './access-control.ts';
import { requireAreas } from './areas.ts';
import { installClientHeaders } from './client-headers.ts';
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from './connection-limits.ts';
import { Connections } from './connections.ts';
import { Consultations } from './consultations.ts';
import type { HttpDeps, Leavable } from './deps.ts';
import { installErrorHandler, REFUSAL_HEADERS, refusalOf } from './errors.ts';
import { EventStreams, OVERVIEW_EVERY_MS } from './event-streams.ts';
import { lateValidators } from './late-validators.ts';
import { installOpenapi, UI_PATH } from './openapi.ts';
import { OverviewFeed } from './overview-words.ts';
import { installPageRules } from './page-rules.ts';
import { PanelFiles } from './panel-files.ts';
import { installPathRules, methodsOf } from './path-rules.ts';
import { plainJson } from './plain-json.ts';
import { installPublicUrl, pathAndQueryOf, withoutPrefix } from './public-url.ts';
import { registerAceStatus } from './routes/ace-status.ts';
import { registerClients } from './routes/clients.ts';
import { registerContainers } from './routes/containers.ts';
import { registerEngineApi } from './routes/engine-api.ts';
import { registerEngines } from './routes/engines.ts';
import { registerEvents } from './routes/events.ts';
import { registerGetstream } from './routes/getstream.ts';
import { registerHealth } from './routes/health.ts';
import { registerHistory } from './routes/history.ts';
import { registerHls } from './routes/hls.ts';
import { registerKeys } from './routes/keys.ts';
import { registerLease } from './routes/lease.ts';
import { registerLogin } from './routes/login.ts';
import { registerMetrics } from './routes/metrics.ts';
import { registerOpenapi } from './routes/openapi.ts';
import { registerOrchestrator } from './routes/orchestrator.ts';
import { registerOverview } from './routes/overview.ts';
import { registerPanel } from './routes/panel.ts';
import { registerProvision } from './routes/provision.ts';
import { registerProxy } from './routes/proxy.ts';
import { registerReportedStreams } from './routes/reported-streams.ts';
import { registerSettings } from './routes/settings.ts';
import { registerSignedUrls } from './routes/signed-urls.ts';
import { registerStreamControl } from './routes/stream-control.ts';
import { registerStreams } from './routes/streams.ts';
import { registerVpn } from './routes/vpn.ts';
import { validationError } from './validation-words.ts';

/** Everything but playing answers here too. */
const API_PREFIX = '/api/v1';
/** Who floods acemux with connections must not flood its log. */
const FULL_SAID_EVERY_MS = 10_000;
const BODY_SIZE_MAX_BYTES = 64 * 1024;
/** Longer path segments are refused as malformed. */
const PATH_SEGMENT_LENGTH_MAX = 512;

export interface Server {
  /**
   * Begins to answer. May be called once.
   * @throws AcemuxError port_taken; config_invalid if the address cannot be listened on for another reason
   */
  listen(): Promise<{ readonly url: string; readonly port: number }>;
  /** Ends the replies of those who read events as they happen, at once; nobody reads them from then on. */
  endEventStreams(): void;
  /**
   * Resolves when no connection and no listening socket is left. Streams are ended by their sessions first: a reply that
   * is still under way after a second is cut. Safe to call twice.
   */
  close(): Promise<void>;
}

/** Builds the server; nothing listens before `listen()`. */
export function buildServer<Attached extends Leavable>(
  deps: HttpDeps<Attached>,
  limits: ConnectionLimits = DEFAULT_CONNECTION_LIMITS,
): Server {
  const log: Log = deps.log.child({ part: 'http' });
  let lastFullMs = Number.NEGATIVE_INFINITY;
  const connections = new Connections({
    clock: deps.clock,
    limits,
    onRefused: (reason, address) => {
      deps.metrics.requestRefused(reason);
      if (reason === 'too_many_connections' && deps.clock.nowMs() >= lastFullMs + FULL_SAID_EVERY_MS) {
        lastFullMs = deps.clock.nowMs();
        const { connectionsMax, connectionsPerAddressMax } = limits;
        log.warn(
          { reason, address, connectionsMax, connectionsPerAddressMax },
          'connections are turned away',
        );
      }
      // Whoever scans ports must not fill the log; a player that pipelines should be seen.
      log[reason === 'client_pipelined' ? 'info' : 'debug']({ reason, address }, 'connection ended');
    },
  });
  const eventStreams = new EventStreams({ ...deps, log });
  const app = buildApp({ ...deps, log }, connections, eventStreams);
  const { keys, logins } = deps.access;
  const unsubscribe = keys.onRemoved(({ id }) => {
    logins.closeOfKey(id);
    eventStreams.endOfKey(id);
  });
  let closed: Promise<void> | undefined;
  return {
    listen: () => listen(app, deps.config),
    endEventStreams: () => eventStreams.stop(),
    close: () => {
      unsubscribe();
      eventStreams.stop();
      closed ??= connections.close(app.close().then(() => undefined));
      return closed;
    },
  };
}

function buildApp<Attached extends Leavable>(
  deps: HttpDeps<Attached>,
  connections: Connections,
  eventStreams: EventStreams,
): FastifyInstance {
  // Its own lines at info say what the app says already.
  const level = deps.log.isLevelEnabled('info') ? 'warn' : deps.log.level;
  const logger: FastifyBaseLogger = deps.log.child({}, { level });
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    // Refusals have their own line, and a line for every request would tell nothing.
    logController: new LogController({ disableRequestLogging: true }),
    // Nor would a number for each request, whose logger costs more than what HLS does for a playlist.
    childLoggerFactory: (parent) => parent,
    serverFactory: (dispatch) => connections.createServer(dispatch),
    clientErrorHandler: (error, socket) => connections.refuse(error, socket),
    genReqId: requestIds(),
    bodyLimit: BODY_SIZE_MAX_BYTES,
    schemaErrorFormatter: validationError,
    routerOptions: { maxParamLength: PATH_SEGMENT_LENGTH_MAX },
    rewriteUrl: ({ method = 'GET', url = '/' }) =>
      withoutPrefix(pathAndQueryOf(url), deps.config.publicUrl, (path) =>
        methodsOf(app, path).includes(method),
      ),
    // Ours have a shape of their own: see LifecycleFace.
    return503OnClosing: false,
    // Raised before there is a route, so none of the hooks has run: the reply is written here.
    frameworkErrors: (error, _request, reply) => {
      const { body, headers, status } = refusalOf(error);
      deps.metrics.requestRefused(body.code);
      reply.hijack();
      const text = JSON.stringify(body);
      const length = { 'Content-Length': Buffer.byteLength(text) };
      reply.raw.writeHead(status, { ...REFUSAL_HEADERS, ...length, ...headers }).end(text);
    },
  });
  app.setValidatorCompiler(lateValidators());
  app.setSerializerCompiler(plainJson);
  const attempts = new LoginAttempts(deps.clock, (address) => {
    deps.events.emit('access.address_blocked', { address });
  });
  const access = new AccessControl({
    ...deps.access,
    attempts,
    trustedProxies: deps.config.trustedProxies,
    clock: deps.clock,
    log: deps.log,
  });

  installPublicUrl(app, {
    publicUrl: deps.config.publicUrl,
    trustedProxies: parseAddressSet(deps.config.trustedProxies),
  });
  requireAreas(app, [
    { below: UI_PATH, area: 'overview' },
    { below: `${API_PREFIX}${UI_PATH}`, area: 'overview' },
  ]);
  installErrorHandler(app, deps, (request) => access.clientOf(request).address);
  installPathRules(app);
  installPageRules(app);
  access.install(app);
  installClientHeaders(app, deps.clientHeaders);
  installOpenapi(app, deps.config);

  // As plugins, for these are loaded after the one that collects the routes for the documentation.
  app.register((scope, _options, done) => {
    registerGetstream(scope, { ...deps, connections, access });
    registerLease(scope, { ...deps, connections, access });
    registerHls(scope, { ...deps, access });
    done();
  });
  const panelFiles = new PanelFiles(deps.config.panelFolder);
  app.register((scope, _options, done) => {
    registerPanel(scope, panelFiles);
    done();
  });
  const consultations = new Consultations(deps);
  app.register((scope, _options, done) => {
    registerEngineApi(scope, { ...deps, consultations, access });
    done();
  });
  const reported = new Map();
  const overview = new OverviewFeed(deps, OVERVIEW_EVERY_MS / 2);
  for (const prefix of ['', API_PREFIX]) {
    app.register(
      (scope, _options, done) => {
        if (prefix !== '') hideFromDocumentation(scope);
        registerProxy(scope, { ...deps, access });
        registerStreams(scope, { ...deps, consultations });
        registerStreamControl(scope, deps);
        registerClients(scope, deps);
        registerSettings(scope, { ...deps, access });
        registerEngines(scope, deps);
        registerContainers(scope, deps);
        registerOrchestrator(scope, deps);
        scope.register((own, _own, ownDone) => {
          registerProvision(own, { ...deps, access });
          ownDone();
        });
        registerVpn(scope, deps);
        registerOverview(scope, deps);
        registerEvents(scope, {
          ...deps,
          access,
          eventStreams,
          logins: deps.access.logins,
          overview: overview.text,
        });
        registerReportedStreams(scope, { ...deps, access, reported });
        registerHistory(scope, deps);
        registerAceStatus(scope, deps);
        registerHealth(scope, deps);
        registerMetrics(scope, deps);
        registerOpenapi(scope);
        registerKeys(scope, { keys: deps.access.keys, access, events: deps.events, limits: deps.limits });
        registerSignedUrls(scope, { ...deps.access, clock: deps.clock });
        registerLogin(scope, { ...deps.access, access, attempts, clock: deps.clock, log: deps.log });
        done();
      },
      { prefix },
    );
  }
  return app;
}

/** Ids of requests for logs and events: no other request has the same, of this process or of those before. */
function requestIds(): () => string {
  const process = randomBytes(4).toString('hex');
  let count = 0;
  return () => `${process}-${(++count).toString(36)}`;
}

/** The documentation shows each route once. */
function hideFromDocumentation(scope: FastifyInstance): void {
  scope.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, hide: true };
  });
}

async function listen(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<{ url: string; port: number }> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw listenError(error, host, port);
  }
  const address = app.server.address();
  const boundPort = typeof address === 'object' && address ? address.port : port;
  return { url: reachableUrl(host, boundPort), port: boundPort };
}

function listenError(error: unknown, host: string, port: number): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error;
  if (error.code === 'EADDRINUSE') {
    return new AcemuxError(
      'port_taken',
      `Port ${port} is taken: set PORT (or --port) to a free one. Gluetun's control server uses 8000 too.`,
      { cause: error },
    );
  }
  return new AcemuxError(
    'config_invalid',
    `HOST ${host}, PORT ${port}: cannot listen there (${String(error.code)}).`,
    {
      cause: error,
    },
  );
}

/** A URL that a person on this machine can put into a browser. */
export function reachableUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
