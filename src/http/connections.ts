import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { createServer, STATUS_CODES } from '../base/node-http.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { REFUSAL_HEADERS, refusalOf } from './errors.ts';

/** So many connections at once are given time to read why they are dismissed; more than that are just closed. */
const DISMISSED_MAX = 64;

/** What the requests of one connection are doing. */
interface Connection {
  /** Requests that were dispatched and whose reply has not ended. */
  unfinished: number;
  /** Ends the playing request among them. */
  endPlaying: ((reason: ReasonCode) => void) | undefined;
}

export interface ConnectionsDeps {
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  /** A request was refused before there was a route for it, or its connection was ended. */
  readonly onRefused: (reason: ReasonCode, address: string) => void;
}

/**
 * The connections of one server, and the rules that hold on each.
 *
 * A playing reply has its connection for itself and closes it (RFC 9112 9.6). Node dispatches pipelined requests all at
 * once, so without a rule 200 of them on one socket begin 200 plays: a request that arrives while a playing one is
 * unfinished, or a playing one that arrives while another is unfinished, is never dispatched and the connection ends.
 */
export class Connections {
  readonly #deps: ConnectionsDeps;
  readonly #open = new Map<Duplex, Connection>();
  /** Requests that arrived while another one of their connection was unfinished. */
  readonly #pipelined = new WeakSet<IncomingMessage>();
  /** How many of the open connections each address has. */
  readonly #perAddress = new Map<string, number>();
  /** Connections that have been told why they end, until they are closed. */
  readonly #dismissed = new Set<Duplex>();
  #isClosing = false;

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps;
  }

  /** A server, not yet listening, whose requests come to `dispatch` as far as the rules let them. */
  createServer(dispatch: RequestListener): Server {
    const { limits } = this.#deps;
    const server = createServer({
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
      maxHeaderSize: limits.headersSizeBytes,
    });
    server.on('connection', (socket) => this.#track(socket));
    server.on('request', (request, response) => this.#admit(request, response, dispatch));
    return server;
  }

  /**
   * Makes a dispatched request the only one of its connection, until its reply has ended.
   * @param end called when the connection is ended because of another request
   * @returns false if another request is unfinished: then the connection has been ended
   */
  claimForPlaying(request: IncomingMessage, end: (reason: ReasonCode) => void): boolean {
    const { socket } = request;
    const connection = this.#open.get(socket);
    if (!connection || socket.destroyed) return false;
    if (connection.unfinished > 1 || this.#pipelined.has(request)) {
      this.#endPipelined(socket, connection);
      return false;
    }
    connection.endPlaying = end;
    return true;
  }

  /** Answers what node:http could not read, and ends the connection. */
  refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    // What it goes on to send is as unreadable as before.
    if (this.#dismissed.has(socket) && error.code !== 'ECONNRESET') return;
    const connection = this.#open.get(socket);
    const isUnreadable = error.code?.startsWith('HPE_') ?? false;
    if (connection?.endPlaying && isUnreadable) {
      // What follows a playing request on its connection is a pipelined request, readable or not.
      this.#endPipelined(socket, connection);
      return;
    }
    // Nothing may be written into the middle of another reply, nor to someone who is gone.
    if (error.code === 'ECONNRESET' || !socket.writable || connection?.unfinished) {
      socket.destroy();
      return;
    }
    const code = refusalCodeOf(error);
    this.#deps.onRefused(code, addressOf(socket));
    this.#dismiss(socket, code);
  }

  /**
   * Ends connections that wait for nothing, and after a grace all of them. Resolves when `serverClosed` does: streams
   * are ended by their sessions before this, so the grace is for short replies.
   */
  async close(serverClosed: Promise<void>): Promise<void> {
    this.#isClosing = true;
    // server.close() itself waits for connections that never sent a request, and for half a request.
    for (const [socket, connection] of this.#open) if (connection.unfinished === 0) socket.destroy();
    const grace = this.#deps.clock.startTimer(this.#deps.limits.closeGraceMs, () => {
      for (const socket of this.#open.keys()) socket.destroy();
    });
    for (const socket of this.#dismissed) socket.destroy();
    try {
      await serverClosed;
    } finally {
      grace.cancel();
    }
  }

  #track(socket: Socket): void {
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    const address = addressOf(socket);
    const { connectionsMax, connectionsPerAddressMax } = this.#deps.limits;
    const ofAddress = this.#perAddress.get(address) ?? 0;
    if (this.#open.size >= connectionsMax || ofAddress >= connectionsPerAddressMax) {
      this.#deps.onRefused('too_many_connections', address);
      this.#dismiss(socket, 'too_many_connections');
      return;
    }
    this.#open.set(socket, { unfinished: 0, endPlaying: undefined });
    this.#perAddress.set(address, ofAddress + 1);
    socket.once('close', () => {
      this.#open.delete(socket);
      const left = (this.#perAddress.get(address) ?? 0) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
  }

  /**
   * Says why and closes. What the client still sends is read and thrown away (`#admit` does not dispatch it): closing
   * at once would reset the connection, and with it the reply that the client has not read yet.
   */
  #dismiss(socket: Duplex, code: ReasonCode): void {
    if (this.#dismissed.size >= DISMISSED_MAX) {
      socket.destroy();
      return;
    }
    this.#dismissed.add(socket);
    const grace = this.#deps.clock.startTimer(this.#deps.limits.closeGraceMs, () => socket.destroy());
    socket.once('close', () => {
      grace.cancel();
      this.#dismissed.delete(socket);
    });
    socket.end(rawRefusal(code));
  }

  #admit(request: IncomingMessage, response: ServerResponse, dispatch: RequestListener): void {
    const { socket } = request;
    const connection = this.#open.get(socket);
    // The parser goes on with what it has already read, also after the connection was ended.
    if (!connection || socket.destroyed || this.#dismissed.has(socket)) return;
    if (connection.endPlaying) {
      this.#endPipelined(socket, connection);
      return;
    }
    if (connection.unfinished > 0) this.#pipelined.add(request);
    connection.unfinished += 1;
    response.once('close', () => {
      connection.unfinished -= 1;
      connection.endPlaying = undefined;
      if (this.#isClosing && connection.unfinished === 0) socket.end();
    });
    dispatch(request, response);
  }

  #endPipelined(socket: Duplex, connection: Connection): void {
    this.#deps.onRefused('client_pipelined', addressOf(socket));
    connection.endPlaying?.('client_pipelined');
    socket.destroy();
  }
}

/** A whole reply, for where there is no response to write to. */
function rawRefusal(code: ReasonCode): string {
  const { body, headers, status } = refusalOf(new AcemuxError(code));
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  const all = { ...REFUSAL_HEADERS, ...headers, 'Content-Length': length, Connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', text].join('\r\n');
}

function refusalCodeOf(error: NodeJS.ErrnoException): ReasonCode {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'headers_too_large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout';
    default:
      return 'bad_request';
  }
}

function addressOf(socket: Duplex): string {
  return 'remoteAddress' in socket && typeof socket.remoteAddress === 'string' ? socket.remoteAddress : '';
}
