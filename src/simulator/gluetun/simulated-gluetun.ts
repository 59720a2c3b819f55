import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from '../../base/node-http.ts';

/** The control server changed between these (reference 2.3). `latest` is what follows v3.41.1. */
export type GluetunVersion = 'v3.40' | 'v3.41' | 'latest';

/** `default`: nothing is configured: the usual routes are public up to v3.41, all are private later. */
export type SimulatedAuth =
  | { readonly kind: 'default' | 'none' }
  | { readonly kind: 'apikey'; readonly key: string }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string };

/** What is wrong with its answers, whatever its tunnel does. */
export type GluetunFault =
  | 'unauthorized'
  | 'not_found'
  | 'error'
  | 'invalid_json'
  | 'hang'
  | 'reset'
  | 'huge'
  | 'redirect_away'
  | 'redirect_circle';

/** What a test may change while it runs. */
export interface GluetunSwitches {
  version: GluetunVersion;
  auth: SimulatedAuth;
  tunnel: 'starting' | 'running' | 'stopping' | 'stopped' | 'crashed' | 'completed';
  /** Forwarded ports; empty: none yet, or a provider without. */
  ports: readonly number[];
  publicIp: string;
  country: string;
  fault: GluetunFault | undefined;
  /** Only this route has the fault; undefined: all. */
  faultyPath: string | undefined;
  /** Where `redirect_away` leads. */
  elsewhere: string;
  /** What Docker's health check would find; undefined: as the tunnel is. */
  healthy: boolean | undefined;
}

export interface GluetunRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const USUAL: Switches = {
  version: 'v3.41',
  auth: { kind: 'default' },
  tunnel: 'running',
  ports: [],
  publicIp: '203.0.113.7',
  country: 'Norway',
  fault: undefined,
  faultyPath: undefined,
  elsewhere: 'http://127.0.0.1:1',
  healthy: undefined,
};
type Switches = Readonly<GluetunSwitches>;

/** For whom drives it from outside its process: GET tells its switches, PUT changes those that its JSON names. */
const SWITCHES_PATH = '/simulated/switches';
/** 200 or 503, for a container's health check. */
const HEALTH_PATH = '/simulated/health';
const HUGE_BYTES = 1024 * 1024;

/** Gluetun's control server, with its versions, its authentication and its faults, and no tunnel behind it. */
export class SimulatedGluetun {
  readonly switches: GluetunSwitches;
  /** What it was asked, as it came. */
  readonly requests: GluetunRequest[] = [];
  readonly #server: Server;

  constructor(switches: Partial<GluetunSwitches> = {}) {
    this.switches = { ...USUAL, ...switches };
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Resolves with the port that it listens on; 0 takes a free one. */
  async start(port = 0, host = '127.0.0.1'): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('it listens on no port');
    return bound.port;
  }

  /** Ends all connections, those that hang as well. Safe to call twice. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {}); // Its client may leave at any time.
    const body = await textOf(request);
    if (body === undefined) return;
    const { method = 'GET', url = '/' } = request;
    const path = new URL(url, 'http://gluetun.test').pathname;
    if (path === SWITCHES_PATH || path === HEALTH_PATH) {
      this.#answerDriver(path, method, body, response);
      return;
    }
    this.requests.push({ method, path, headers: request.headers, body });
    const { fault, faultyPath, elsewhere } = this.switches;
    if (fault !== undefined && (faultyPath === undefined || faultyPath === path))
      fail(fault, path, elsewhere, response);
    else if (!isKnownRoute(method, path, this.switches.version)) this.#answerUnknown(response);
    else if (!isAllowed(request, this.switches)) plain(response, 401, 'Unauthorized');
    else this.#answerRoute(method, path, body, response);
  }

  /** Up to v3.41.1 the check of who may comes before the check of what there is (reference 2.3). */
  #answerUnknown(response: ServerResponse): void {
    if (this.switches.version === 'latest') plain(response, 404, 'not found');
    else plain(response, 401, 'Unauthorized');
  }

  #answerRoute(method: string, path: string, body: string, response: ServerResponse): void {
    const { version, tunnel, ports, publicIp, country } = this.switches;
    switch (path) {
      case '/v1/vpn/status':
        if (method === 'PUT') this.#changeTunnel(body, response);
        else json(response, { status: tunnel });
        return;
      case '/v1/openvpn/status':
        // As of a tunnel by WireGuard.
        json(response, { status: 'stopped' });
        return;
      case '/v1/openvpn/portforwarded':
        if (version === 'v3.40') json(response, { port: ports[0] ?? 0 });
        else response.writeHead(301, { Location: '/v1/portforward' }).end();
        return;
      case '/v1/portforward':
        json(response, portsReply(version, ports));
        return;
      case '/v1/publicip/ip':
        json(response, tunnel === 'running' ? { public_ip: publicIp, country } : { public_ip: '' });
        return;
      case '/v1/version':
        json(response, { version: version === 'latest' ? 'latest' : `${version}.0`, commit: 'simulated' });
        return;
    }
  }

  #changeTunnel(body: string, response: ServerResponse): void {
    const wanted = /"status"\s*:\s*"(running|stopped)"/.exec(body)?.[1];
    if (wanted !== 'running' && wanted !== 'stopped') {
      plain(response, 400, 'invalid status');
      return;
    }
    const outcome = this.switches.tunnel === wanted ? `already ${wanted}` : wanted;
    this.switches.tunnel = wanted;
    json(response, { outcome });
  }

  #answerDriver(path: string, method: string, body: string, response: ServerResponse): void {
    if (path === HEALTH_PATH) {
      const healthy = this.switches.healthy ?? this.switches.tunnel === 'running';
      plain(response, healthy ? 200 : 503, healthy ? 'healthy' : 'unhealthy');
      return;
    }
    if (method === 'PUT') {
      const changes: unknown = JSON.parse(body);
      Object.assign(this.switches, changes);
    }
    json(response, this.switches);
  }
}

function portsReply(version: GluetunVersion, ports: readonly number[]): unknown {
  if (version === 'latest') return { port: ports[0] ?? 0, ports: ports.length === 0 ? null : ports };
  return ports.length > 1 ? { ports } : { port: ports[0] ?? 0 };
}

function isKnownRoute(method: string, path: string, version: GluetunVersion): boolean {
  if (method === 'PUT') return path === '/v1/vpn/status';
  if (method !== 'GET') return false;
  if (path === '/v1/portforward') return version !== 'v3.40';
  return [
    '/v1/vpn/status',
    '/v1/openvpn/status',
    '/v1/openvpn/portforwarded',
    '/v1/publicip/ip',
    '/v1/version',
  ].includes(path);
}

function isAllowed(request: IncomingMessage, { auth, version }: Switches): boolean {
  switch (auth.kind) {
    case 'none':
      return true;
    case 'default':
      return version !== 'latest';
    case 'apikey':
      return request.headers['x-api-key'] === auth.key;
    case 'basic': {
      const expected = Buffer.from(`${auth.user}:${auth.password}`).toString('base64');
      return request.headers.authorization === `Basic ${expected}`;
    }
  }
}

function fail(fault: GluetunFault, path: string, elsewhere: string, response: ServerResponse): void {
  switch (fault) {
    case 'unauthorized':
      plain(response, 401, 'Unauthorized');
      break;
    case 'not_found':
      plain(response, 404, 'not found');
      break;
    case 'error':
      plain(response, 500, 'internal server error');
      break;
    case 'invalid_json':
      plain(response, 200, '{"status":"run');
      break;
    case 'hang':
      break;
    case 'reset':
      response.socket?.resetAndDestroy();
      break;
    case 'huge':
      plain(response, 200, `{"status":"running","x":"${'x'.repeat(HUGE_BYTES)}"}`);
      break;
    case 'redirect_away':
      response.writeHead(302, { Location: elsewhere + path }).end();
      break;
    case 'redirect_circle':
      response.writeHead(302, { Location: path }).end();
      break;
  }
}

/** Undefined: the client left before it had sent all. */
async function textOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(text);
}
