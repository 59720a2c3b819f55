import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { EngineAddress } from '../../src/engine/types.ts';

/** One request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lowercase name. */
  readonly headers: ReadonlyMap<string, string>;
  /** Write the reply to it, byte by byte if need be. */
  readonly socket: Socket;
}

export interface WireServer {
  readonly address: EngineAddress;
  readonly requests: readonly WireRequest[];
  /** Connections that were ever accepted. */
  readonly connections: number;
  /** Empties `requests`. */
  forget(): void;
  /** Resolves when no connection is open. */
  allClosed(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A peer that speaks HTTP by hand, so that a test can answer what no decent server would. It listens on
 * 127.0.0.1, and goes with the test.
 */
export async function startWireServer(
  t: TestContext,
  handle: (request: WireRequest) => void,
): Promise<WireServer> {
  const requests: WireRequest[] = [];
  const open = new Set<Socket>();
  const idle: (() => void)[] = [];
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    open.add(socket);
    let head = '';
    socket.on('data', (data) => {
      head += data.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      const request = parseHead(head, socket);
      head = '';
      requests.push(request);
      handle(request);
    });
    socket.on('error', () => {}); // Resets are part of the game.
    socket.on('close', () => {
      open.delete(socket);
      if (open.size === 0) for (const tell of idle.splice(0)) tell();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('not a TCP server');
  const stop = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  t.after(stop);
  return {
    address: { host: '127.0.0.1', port: bound.port },
    requests,
    get connections() {
      return connections;
    },
    forget: () => void requests.splice(0),
    allClosed: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
    stop,
  };
}

/** A whole reply with a length, after which the connection ends. */
export function reply(
  request: WireRequest,
  status: number,
  body: string,
  headers: readonly string[] = [],
): void {
  const lines = [`HTTP/1.1 ${status} Status`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers];
  request.socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

export function replyJson(request: WireRequest, body: unknown, status = 200): void {
  reply(request, status, JSON.stringify(body), ['Content-Type: application/json']);
}

/** A redirect as engines send it: no length, and a body that ends only with the connection, which stays. */
export function replyRedirect(request: WireRequest, location: string): void {
  request.socket.write(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\n\r\nRedirect to ${location}`);
}

/** The head of a live stream: no length, the body ends with the connection. */
export function beginMedia(request: WireRequest): void {
  request.socket.write('HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n');
}

function parseHead(head: string, socket: Socket): WireRequest {
  const [first = '', ...rest] = head.slice(0, head.indexOf('\r\n\r\n')).split('\r\n');
  const [method = '', target = ''] = first.split(' ');
  const url = new URL(target, 'http://wire.test');
  const headers = new Map(
    rest.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { method, target, path: url.pathname, query: url.searchParams, headers, socket };
}
