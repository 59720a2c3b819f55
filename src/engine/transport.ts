import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { request } from '../base/node-http.ts';
import type { EngineLimits } from './limits.ts';
import { MediaConnection } from './media-connection.ts';
import { authorityOf, bareHost } from './rewrite.ts';
import type { EngineAddress } from './types.ts';

/** A player's name, which every engine serves (reference 10.6). */
const USER_AGENT = 'VLC/3.0.21 LibVLC/3.0.21';
const TCP_KEEP_ALIVE_MS = 30_000;

/**
 * How a connection failed: `refused` and `unreachable` before it stood, `closed` by a reset or an early end,
 * `syntax` when what came is not HTTP (Node's parser errors, HPE_*).
 */
export type TransportFailure = 'refused' | 'unreachable' | 'closed' | 'syntax';

/** Headers by their names. */
export type Headers = Readonly<Record<string, string>>;

/** A broken connection to the engine. */
export class TransportError extends Error {
  readonly failure: TransportFailure;

  constructor(failure: TransportFailure, cause: unknown) {
    const code = codeOf(cause);
    super(code === undefined ? failure : `${failure} (${code})`, { cause });
    this.name = 'TransportError';
    this.failure = failure;
  }
}

export interface TransportDeps {
  readonly address: EngineAddress;
  readonly clock: Clock;
  readonly limits: Pick<EngineLimits, 'connectTimeoutMs' | 'headerBytesMax'>;
}

/**
 * GET requests to one address, each on a connection of its own that nothing reuses (reference 10.6 to 10.8).
 * It connects to the configured address whatever the URL says (DESIGN invariant 9).
 *
 * Built on node:http and not on undici: undici 7 ends the whole process by a failed assertion when an engine
 * resets a connection whose reply is paused, and shows a reset as a clean end of the reply.
 */
export class EngineTransport {
  readonly #deps: TransportDeps;
  readonly #sockets = new Set<Socket>();
  #closed = false;

  constructor(deps: TransportDeps) {
    this.#deps = deps;
  }

  /**
   * Asks for the path and query of `url`; resolves when the reply's headers are there.
   * @param signal ends the wait for the headers; the body is ended by `Exchange.destroy()`
   * @param range the value of a `Range` header (RFC 9110 14.2); undefined: none is sent
   * @param isMedia whether a stream of media is expected: what was not taken yet stays with the kernel then (one read at most
   *   is held here), and bytes are read with as little work as can be
   * @throws TransportError; the signal's reason
   */
  open(url: URL, signal: AbortSignal, range?: string, isMedia = false): Promise<Exchange> {
    return this.#open(url, signal, range, isMedia, {});
  }

  /** The same, with these headers in each request; of those of acemux only `User-Agent` and `Accept` may be among them. */
  withHeaders(headers: Headers): Pick<EngineTransport, 'open'> {
    return {
      open: (url, signal, range, isMedia = false) => this.#open(url, signal, range, isMedia, headers),
    };
  }

  #open(
    url: URL,
    signal: AbortSignal,
    range: string | undefined,
    isMedia: boolean,
    headers: Headers,
  ): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const socket = this.#connect(reject, isMedia);
      const sent = this.#request(url, socket, range, headers);
      const onAbort = (): void => {
        reject(signal.reason);
        destroyBoth(sent, socket);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      socket.once('close', () => signal.removeEventListener('abort', onAbort));
      sent.once('response', (reply) => {
        signal.removeEventListener('abort', onAbort);
        resolve(new Exchange(sent, reply, socket));
      });
      // Stays for the whole exchange: the parser may report an error after the reply has begun.
      sent.on('error', (error) => reject(new TransportError(failureOf(error), error)));
      // An answer that switches protocols ends without an error.
      sent.once('close', () => reject(new TransportError('closed', undefined)));
      sent.end();
    });
  }

  /**
   * Connects and closes again without a word; tells whether the connection stood.
   * @throws TransportError when this transport is closed
   */
  accepts(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = this.#connect(() => {}, false);
      const end = (): void => void socket.destroy();
      signal.addEventListener('abort', end, { once: true });
      socket.once('connect', () => {
        resolve(true);
        socket.destroy();
      });
      socket.once('close', () => {
        signal.removeEventListener('abort', end);
        resolve(false);
      });
      if (signal.aborted) end();
    });
  }

  /** Connections that are open or being opened. */
  get connectionCount(): number {
    return this.#sockets.size;
  }

  /** Ends every connection; resolves when none remains. */
  async close(): Promise<void> {
    this.#closed = true;
    const ends = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(ends);
  }

  /** `onFailure` hears of a connection that never stood; later errors are the request's. */
  #connect(onFailure: (error: TransportError) => void, isMedia: boolean): Socket | MediaConnection {
    const { address, clock, limits } = this.#deps;
    if (this.#closed) throw new TransportError('closed', undefined);
    const options = { host: bareHost(address), port: address.port };
    const connection = isMedia ? new MediaConnection(options) : connect(options);
    const socket = connection instanceof MediaConnection ? connection.socket : connection;
    this.#sockets.add(socket);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    const late = clock.startTimer(limits.connectTimeoutMs, () => {
      onFailure(new TransportError('unreachable', undefined));
      socket.destroy();
    });
    let connected = false;
    socket.once('connect', () => {
      connected = true;
      late.cancel();
    });
    socket.once('error', (error) => {
      if (!connected) onFailure(new TransportError(connectFailureOf(error), error));
    });
    socket.once('close', () => {
      late.cancel();
      this.#sockets.delete(socket);
    });
    return connection;
  }

  #request(url: URL, socket: Duplex, range: string | undefined, headers: Headers): ClientRequest {
    const { address, limits } = this.#deps;
    return request({
      method: 'GET',
      path: url.pathname + url.search,
      createConnection: () => socket,
      maxHeaderSize: limits.headerBytesMax,
      setHost: false,
      headers: {
        // Exactly as addressed: an engine answered 500 to any other (reference 2).
        Host: authorityOf(address),
        ...(hasHeader(headers, 'user-agent') ? {} : { 'User-Agent': USER_AGENT }),
        ...(hasHeader(headers, 'accept') ? {} : { Accept: '*/*' }),
        ...headers,
        'Accept-Encoding': 'identity',
        ...(range !== undefined && { Range: range }),
        Connection: 'close',
      },
    });
  }
}

function hasHeader(headers: Headers, lowerName: string): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === lowerName);
}

/** One reply whose headers are there, and whose body comes as it is read. */
export class Exchange {
  readonly #sent: ClientRequest;
  readonly #reply: IncomingMessage;
  readonly #socket: Duplex;
  /** Where the body is read past the parser. */
  readonly #past: MediaConnection | undefined;
  #chunks: AsyncIterator<Buffer> | undefined;
  #failure: TransportError | undefined;
  #destroyed = false;

  /** To be built in the turn in which the headers came. */
  constructor(sent: ClientRequest, reply: IncomingMessage, socket: Duplex) {
    this.#sent = sent;
    this.#reply = reply;
    this.#socket = socket;
    if (socket instanceof MediaConnection && endsWithConnection(reply) && socket.takeOver())
      this.#past = socket;
    // The request's error comes first and tells more: after it, the reply says only that it was cut, or even
    // ends as if it were whole (a reset of a body that only the end of the connection delimits).
    const onError = (error: Error): void => {
      if (!reply.complete) this.#failure ??= new TransportError(failureOf(error), error);
    };
    sent.on('error', onError);
    reply.on('error', onError);
  }

  get statusCode(): number {
    return this.#reply.statusCode ?? 0;
  }

  /** The first value of a header, by its lowercase name. */
  header(name: string): string | undefined {
    const value = this.#reply.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /**
   * The body's next bytes, as they come; undefined when it has ended, and after `destroy()`. One call at a time. A stream of
   * media may be written over them at the next call.
   * @throws TransportError
   */
  async read(): Promise<Buffer | undefined> {
    try {
      const bytes = this.#past ? await this.#readPast(this.#past) : await this.#readBody();
      if (bytes || this.#destroyed) return this.#destroyed ? undefined : bytes;
    } catch (error) {
      if (this.#destroyed) return undefined;
      throw this.#failure ?? new TransportError('closed', error);
    }
    if (this.#failure) throw this.#failure;
    return undefined;
  }

  /** The same, one after the other. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (let chunk = await this.read(); chunk; chunk = await this.read()) yield chunk;
  }

  async #readBody(): Promise<Buffer | undefined> {
    this.#chunks ??= this.#reply[Symbol.asyncIterator]();
    const { done, value } = await this.#chunks.next();
    return done ? undefined : value;
  }

  /** What came together with the headers has gone through the parser. */
  async #readPast(connection: MediaConnection): Promise<Buffer | undefined> {
    const early: Buffer | null = this.#reply.read();
    return early ?? (await connection.readPast());
  }

  /** Ends the connection at once, whatever is still to come. */
  destroy(): void {
    this.#destroyed = true;
    this.#reply.destroy();
    destroyBoth(this.#sent, this.#socket);
  }
}

/** Whether nothing but the end of the connection delimits the body (RFC 9112 6.3). */
function endsWithConnection({ headers, statusCode }: IncomingMessage): boolean {
  return statusCode === 200 && !('transfer-encoding' in headers) && !('content-length' in headers);
}

function destroyBoth(sent: ClientRequest, socket: Duplex): void {
  sent.destroy();
  socket.destroy();
}

function connectFailureOf(error: Error): TransportFailure {
  // A reset right after the accept may be seen before the connection is seen to stand.
  if (codeOf(error) === 'ECONNRESET') return 'closed';
  return codeOf(error) === 'ECONNREFUSED' ? 'refused' : 'unreachable';
}

function failureOf(error: Error): TransportFailure {
  // EOF_STATE: the engine closed in the midst of a reply.
  const code = codeOf(error);
  return code?.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE' ? 'syntax' : 'closed';
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
