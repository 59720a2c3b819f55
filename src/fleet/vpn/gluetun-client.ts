import type { Clock } from '../../base/clock.ts';
import { AcemuxError } from '../../base/reasons.ts';
import { authorityOf, type ControlAddress, type ControlReply, callControlServer } from './control-call.ts';
import {
  type PublicAddress,
  readForwardedPort,
  readPublicAddress,
  readTunnelStatus,
  readVersion,
} from './gluetun-replies.ts';
import type { TunnelStatus } from './vpn.ts';

/** How a control server is told who asks (reference 2.3). */
export type GluetunAuth =
  | { readonly kind: 'none' }
  /** Header `X-API-Key`. */
  | { readonly kind: 'apikey'; readonly key: string }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string };

export interface GluetunClientDeps {
  readonly address: ControlAddress;
  readonly auth: GluetunAuth;
  readonly clock: Clock;
}

/** What is asked of a Gluetun. All may throw AcemuxError vpn_unreachable, vpn_timeout, vpn_unauthorized, vpn_protocol. */
export interface GluetunControl {
  tunnelStatus(signal: AbortSignal): Promise<TunnelStatus>;
  /** Undefined: it forwards none, or none yet. */
  forwardedPort(signal: AbortSignal): Promise<number | undefined>;
  publicAddress(signal: AbortSignal): Promise<PublicAddress>;
  version(signal: AbortSignal): Promise<string | undefined>;
  /** Stops the tunnel and starts it again; container and network namespace stay. */
  restartTunnel(signal: AbortSignal): Promise<void>;
}

const CALL_TIMEOUT_MS = 4_000;
/** Gluetun answers a change of its status when that is done (reference 2.3). */
const CHANGE_TIMEOUT_MS = 45_000;
const REDIRECTS_MAX = 3;

const STATUS_PATH = '/v1/vpn/status';
const PORT_PATH = '/v1/portforward';
/** Its name up to v3.40; later it leads to the new one. */
const OLD_PORT_PATH = '/v1/openvpn/portforwarded';
/** What an unknown route may be answered with: 401 up to v3.41.1, 404 and 405 later, 400 in between. */
const UNKNOWN_ROUTE: ReadonlySet<number> = new Set([400, 401, 403, 404, 405]);

/** The control server of one Gluetun, of any version (reference 2.3). */
export class GluetunClient implements GluetunControl {
  readonly #deps: GluetunClientDeps;
  #portPath = PORT_PATH;

  constructor(deps: GluetunClientDeps) {
    this.#deps = deps;
  }

  async tunnelStatus(signal: AbortSignal): Promise<TunnelStatus> {
    return this.#read(STATUS_PATH, await this.#get(STATUS_PATH, signal), readTunnelStatus);
  }

  async forwardedPort(signal: AbortSignal): Promise<number | undefined> {
    const paths = this.#portPath === PORT_PATH ? [PORT_PATH, OLD_PORT_PATH] : [OLD_PORT_PATH, PORT_PATH];
    let refusal = 404;
    for (const path of paths) {
      const reply = await this.#get(path, signal);
      if (!UNKNOWN_ROUTE.has(reply.statusCode)) {
        const port = this.#read(path, reply, readForwardedPort);
        this.#portPath = path;
        return port;
      }
      if (isRefusal(reply.statusCode)) refusal = reply.statusCode;
    }
    if (isRefusal(refusal)) throw this.#unauthorized(PORT_PATH, refusal);
    throw new AcemuxError('vpn_protocol', `${this.#name} does not know ${PORT_PATH}.`);
  }

  async publicAddress(signal: AbortSignal): Promise<PublicAddress> {
    const path = '/v1/publicip/ip';
    return this.#read(path, await this.#get(path, signal), readPublicAddress);
  }

  async version(signal: AbortSignal): Promise<string | undefined> {
    const path = '/v1/version';
    return this.#read(path, await this.#get(path, signal), readVersion);
  }

  async restartTunnel(signal: AbortSignal): Promise<void> {
    for (const status of ['stopped', 'running']) {
      const body = JSON.stringify({ status });
      this.#checked(STATUS_PATH, await this.#call('PUT', STATUS_PATH, signal, body));
    }
  }

  /** Follows redirects to other paths of the same server; whatever host they name, no other one is asked. */
  async #get(path: string, signal: AbortSignal): Promise<ControlReply> {
    let next = path;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const reply = await this.#call('GET', next, signal);
      if (reply.statusCode < 300 || reply.statusCode > 399) return reply;
      next = this.#pathOf(reply.location, next);
    }
    throw new AcemuxError('vpn_protocol', `${this.#name} leads ${path} in a circle.`);
  }

  #pathOf(location: string | undefined, from: string): string {
    const base = `http://${authorityOf(this.#deps.address)}`;
    const target = location === undefined ? undefined : (URL.parse(location, base + from) ?? undefined);
    if (!target || target.host !== new URL(base).host) {
      throw new AcemuxError(
        'vpn_protocol',
        `${this.#name} leads ${from} to another place, which is not asked.`,
      );
    }
    return target.pathname + target.search;
  }

  async #call(
    method: 'GET' | 'PUT',
    path: string,
    signal: AbortSignal,
    body?: string,
  ): Promise<ControlReply> {
    const { address, auth, clock } = this.#deps;
    try {
      return await callControlServer({
        address,
        method,
        path,
        headers: headersFor(auth),
        ...(body !== undefined && { body }),
        timeoutMs: method === 'PUT' ? CHANGE_TIMEOUT_MS : CALL_TIMEOUT_MS,
        clock,
        signal,
      });
    } catch (error) {
      if (signal.aborted || !(error instanceof AcemuxError)) throw error;
      throw new AcemuxError(error.code, `${this.#name}, ${method} ${path}: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** What a reply says, if it is a success; what is wrong with it says where it came from. */
  #read<T>(path: string, reply: ControlReply, read: (text: string) => T): T {
    const text = this.#checked(path, reply);
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof AcemuxError)) throw error;
      throw new AcemuxError(error.code, `${this.#name}, ${path}: ${error.message}`, { cause: error });
    }
  }

  /** The reply's text, if it is a success. */
  #checked(path: string, { statusCode, text }: ControlReply): string {
    if (statusCode >= 200 && statusCode < 300) return text;
    if (isRefusal(statusCode)) throw this.#unauthorized(path, statusCode);
    throw new AcemuxError('vpn_protocol', `${this.#name} answered ${path} with status ${statusCode}.`);
  }

  #unauthorized(path: string, statusCode: number): AcemuxError {
    const { auth } = this.#deps;
    const what = auth.kind === 'none' ? 'asks for a key or a user' : 'does not take the credentials';
    return new AcemuxError(
      'vpn_unauthorized',
      `${this.#name} ${what} (${statusCode} for ${path}), or does not know this route. That says nothing of its tunnel.`,
    );
  }

  get #name(): string {
    return `The control server at ${authorityOf(this.#deps.address)}`;
  }
}

function isRefusal(statusCode: number): boolean {
  return statusCode === 401 || statusCode === 403;
}

function headersFor(auth: GluetunAuth): Readonly<Record<string, string>> {
  if (auth.kind === 'apikey') return { 'X-API-Key': auth.key };
  if (auth.kind === 'none') return {};
  return { Authorization: `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}` };
}
