import { readFile } from 'node:fs/promises';
import type http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { Agent, request as httpRequest } from '../../../base/node-http.ts';
import { AcemuxError } from '../../../base/reasons.ts';
import { type DockerEndpoint, endpointText } from './docker-endpoint.ts';
import { DockerRefusal, explainFailure } from './docker-errors.ts';

export interface DockerRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Without the version, its parts escaped: `/containers/json`. */
  readonly path: string;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** Docker lets it wait for something: it must not hold up the others, and whoever asks bounds how many there are. */
  readonly isSlow?: boolean;
  /** From the request to the end of the reply; left out: 15 s. */
  readonly timeoutMs?: number;
}

export interface DockerReply {
  readonly status: number;
  readonly body: Buffer;
}

/** Calls wait for each other's connections; what does not end by itself has one of its own. */
interface Agents {
  readonly calls: http.Agent;
  readonly streams: http.Agent;
}

export interface DockerApiDeps {
  readonly endpoint: DockerEndpoint;
  readonly clock: Clock;
}

/** What acemux speaks: Docker 27. A daemon that speaks less is spoken to in its own version. */
const OWN_VERSION = '1.47';
/** Docker 20.10, the oldest that is still shipped, has 1.41. */
const LEAST_VERSION = '1.40';
const TIMEOUT_MS = 15_000;
/** So many calls are under way at once; more wait for one of them. Streams are not counted. */
const CALLS_MAX = 8;
/** A list of a thousand containers is 2 MB. */
const REPLY_BYTES_MAX = 32 * 1024 * 1024;
/** A line of a stream (an event, a step of a pull) that is longer is none. */
const LINE_BYTES_MAX = 1024 * 1024;

/**
 * The HTTP API of one Docker daemon: versions, time limits, TLS, and what failures mean. Replies are bytes here; who
 * asks judges them.
 * Source: https://docs.docker.com/reference/api/engine/
 */
export class DockerApi {
  readonly #deps: DockerApiDeps;
  readonly #open = new Set<http.ClientRequest>();
  #agents: Promise<Agents> | undefined;
  #version: string | undefined;
  #isClosed = false;

  constructor(deps: DockerApiDeps) {
    this.#deps = deps;
  }

  get endpoint(): DockerEndpoint {
    return this.#deps.endpoint;
  }

  /**
   * One call with its whole reply, read as JSON; undefined if it is empty.
   * @throws AcemuxError docker_unreachable, docker_forbidden, docker_tls, docker_protocol; DockerRefusal
   */
  async json(request: DockerRequest, signal: AbortSignal): Promise<unknown> {
    const { body } = await this.bytes(request, signal);
    if (body.length === 0) return undefined;
    try {
      return JSON.parse(body.toString('utf8'));
    } catch (error) {
      throw new AcemuxError(
        'docker_protocol',
        `${callOf(request)} at ${this.#where} was not answered with JSON.`,
        {
          cause: error,
        },
      );
    }
  }

  /** One call with its whole reply as it is. @throws as `json` */
  async bytes(request: DockerRequest, signal: AbortSignal): Promise<DockerReply> {
    return this.#timed(request, signal, async (limited) => {
      const version = await this.#negotiated(limited);
      const kind = request.isSlow ? 'streams' : 'calls';
      const response = await this.#send(request, `/v${version}`, kind, limited, limited);
      return { status: response.statusCode ?? 0, body: await readBody(response, this.#where) };
    });
  }

  /**
   * A reply that does not end by itself, as it comes: one JSON value a line; what is no JSON is left out. Resolves when
   * it has begun, for which alone there is a time limit; it is to be read then, or `signal` to be aborted.
   * @throws as `json`; while it is read, docker_unreachable if it breaks
   */
  async lines(request: DockerRequest, signal: AbortSignal): Promise<AsyncGenerator<unknown, void>> {
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const response = await this.#timed(request, signal, async (limited) => {
      const version = await this.#negotiated(limited);
      return this.#send(request, `/v${version}`, 'streams', both, limited);
    });
    return this.#linesOf(response, signal, () => ended.abort());
  }

  /** Ends all that is under way. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    for (const request of this.#open) request.destroy();
  }

  get #where(): string {
    return endpointText(this.#deps.endpoint);
  }

  get #usesTls(): boolean {
    const { endpoint } = this.#deps;
    return endpoint.kind === 'tcp' && endpoint.tlsFolder !== undefined;
  }

  async #timed<T>(
    request: DockerRequest,
    signal: AbortSignal,
    work: (limited: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    if (this.#isClosed) throw new AcemuxError('shutdown');
    const limit = new AbortController();
    const limitMs = request.timeoutMs ?? TIMEOUT_MS;
    const timer = this.#deps.clock.startTimer(limitMs, () => limit.abort());
    try {
      return await work(AbortSignal.any([signal, limit.signal]));
    } catch (error) {
      signal.throwIfAborted();
      if (this.#isClosed) throw new AcemuxError('shutdown', undefined, { cause: error });
      // Whatever it was may be otherwise at the next try: certificates are read again, versions asked for again.
      if (limit.signal.aborted) {
        const seconds = limitMs / 1000;
        throw new AcemuxError(
          'docker_unreachable',
          `Docker at ${this.#where} did not answer ${callOf(request)} within ${seconds} s.`,
        );
      }
      const explained = explainFailure(error, this.#deps.endpoint, this.#usesTls);
      if (!(explained instanceof DockerRefusal)) this.#forget();
      throw explained;
    } finally {
      timer.cancel();
    }
  }

  #forget(): void {
    this.#agents = undefined;
    this.#version = undefined;
  }

  /** Each caller asks who finds no version known: none depends on whether another one gives up. */
  async #negotiated(signal: AbortSignal): Promise<string> {
    this.#version ??= await this.#askVersion(signal);
    return this.#version;
  }

  async #askVersion(signal: AbortSignal): Promise<string> {
    const ping: DockerRequest = { method: 'GET', path: '/_ping' };
    const response = await this.#send(ping, '', 'calls', signal, signal);
    response.resume();
    const offered = response.headers['api-version'];
    if (typeof offered !== 'string' || !/^\d+\.\d+$/.test(offered)) {
      throw new AcemuxError(
        'docker_protocol',
        `What answers at ${this.#where} does not say which version of the API of Docker it has.`,
      );
    }
    if (compareVersions(offered, LEAST_VERSION) < 0) {
      throw new AcemuxError(
        'docker_protocol',
        `Docker at ${this.#where} has version ${offered} of its API; acemux needs ${LEAST_VERSION} or newer.`,
      );
    }
    return compareVersions(offered, OWN_VERSION) < 0 ? offered : OWN_VERSION;
  }

  /** Resolves with a reply below 400. `signal` is for all of it, `beginning` until its headers are here. */
  async #send(
    { method, path, query, body }: DockerRequest,
    prefix: string,
    kind: keyof Agents,
    signal: AbortSignal,
    beginning: AbortSignal,
  ): Promise<http.IncomingMessage> {
    this.#agents ??= this.#makeAgents();
    const agent = (await this.#agents)[kind];
    beginning.throwIfAborted();
    const content = body === undefined ? undefined : JSON.stringify(body);
    const options: http.RequestOptions = {
      method,
      path: `${prefix}${path}${queryText(query)}`,
      agent,
      signal,
      headers: {
        // Node would name the socket's path. By TCP it is the real one, which TLS holds the certificate against.
        ...(this.#deps.endpoint.kind === 'socket' && { Host: 'docker' }),
        ...(content !== undefined && {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(content),
        }),
      },
    };
    const response = await this.#begin(options, content, beginning);
    if ((response.statusCode ?? 0) < 400) return response;
    const said = messageOf(await readBody(response, this.#where));
    if (/HTTP request to an HTTPS server/i.test(said)) {
      throw new AcemuxError(
        'docker_tls',
        `Docker at ${this.#where} speaks TLS only; set DOCKER_TLS_VERIFY=1.`,
      );
    }
    throw new DockerRefusal(response.statusCode ?? 0, said, `${method} ${path}`);
  }

  #begin(
    options: http.RequestOptions,
    content: string | undefined,
    beginning: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const { endpoint } = this.#deps;
    const target =
      endpoint.kind === 'socket'
        ? { socketPath: endpoint.path }
        : { host: endpoint.host, port: endpoint.port };
    return new Promise((resolve, reject) => {
      const send = this.#usesTls ? https.request : httpRequest;
      const request = send({ ...options, ...target });
      this.#open.add(request);
      const onAbort = (): void => void request.destroy();
      beginning.addEventListener('abort', onAbort, { once: true });
      request.on('response', (response) => {
        beginning.removeEventListener('abort', onAbort);
        resolve(response);
      });
      request.on('error', reject);
      request.on('close', () => {
        beginning.removeEventListener('abort', onAbort);
        this.#open.delete(request);
        // After a reply this changes nothing any more.
        reject(new Error('the connection was closed'));
      });
      request.end(content);
    });
  }

  async #makeAgents(): Promise<Agents> {
    const { endpoint } = this.#deps;
    // No connection is kept: one that the daemon has closed meanwhile would fail the next call.
    const limits = { keepAlive: false, maxSockets: CALLS_MAX };
    if (endpoint.kind === 'socket' || endpoint.tlsFolder === undefined) {
      return { calls: new Agent(limits), streams: new Agent() };
    }
    const [ca, cert, key] = await Promise.all([
      readPem(endpoint.tlsFolder, 'ca.pem'),
      readPem(endpoint.tlsFolder, 'cert.pem'),
      readPem(endpoint.tlsFolder, 'key.pem'),
    ]);
    const trust = { ca, cert, key, ...(isIP(endpoint.host) === 0 && { servername: endpoint.host }) };
    return { calls: new https.Agent({ ...limits, ...trust }), streams: new https.Agent(trust) };
  }

  async *#linesOf(
    response: http.IncomingMessage,
    signal: AbortSignal,
    end: () => void,
  ): AsyncGenerator<unknown, void> {
    let rest = '';
    try {
      response.setEncoding('utf8');
      for await (const chunk of response) {
        const lines = `${rest}${String(chunk)}`.split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > LINE_BYTES_MAX) rest = '';
        for (const line of lines) {
          const value = parseLine(line);
          if (value !== undefined) yield value;
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      throw explainFailure(error, this.#deps.endpoint, this.#usesTls);
    } finally {
      end();
    }
    const last = parseLine(rest);
    if (last !== undefined) yield last;
  }
}

/** `a` less than, equal to or greater than `b`, as numbers with a dot. */
function compareVersions(a: string, b: string): number {
  const [major = 0, minor = 0] = a.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = b.split('.').map(Number);
  return major - otherMajor || minor - otherMinor;
}

async function readPem(folder: string, name: string): Promise<Buffer> {
  const file = join(folder, name);
  try {
    return await readFile(file);
  } catch (error) {
    throw new AcemuxError('docker_tls', `${file} can’t be read; DOCKER_CERT_PATH is to hold it.`, {
      cause: error,
    });
  }
}

async function readBody(response: http.IncomingMessage, where: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response) {
    parts.push(part);
    size += part.length;
    if (size > REPLY_BYTES_MAX) {
      response.destroy();
      throw new AcemuxError('docker_protocol', `Docker at ${where} answered with more than 32 MiB.`);
    }
  }
  return Buffer.concat(parts);
}

const SAID_CHARACTERS_MAX = 1000;

/** Errors of Docker are `{"message": text}`; what stands before it may be no Docker at all. */
function messageOf(body: Buffer): string {
  const text = body.toString('utf8').trim();
  const value = parseLine(text);
  const message = typeof value === 'object' && value && 'message' in value ? String(value.message) : text;
  return message.slice(0, SAID_CHARACTERS_MAX) || 'no reason given';
}

function parseLine(line: string): unknown {
  if (line.trim() === '') return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // Not a value: the caller has said that such lines are left out.
  }
}

function queryText(query: DockerRequest['query']): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function callOf({ method, path }: DockerRequest): string {
  return `${method} ${path}`;
}
