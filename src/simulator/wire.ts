/**
 * The engine's side of HTTP, by hand over sockets: the simulator must be able to say things that no HTTP
 * library would let it say (a second status line among the headers, a body without an end).
 */
import type { Socket } from 'node:net';
import type { AnswerTimes } from './journal.ts';
import type { HeaderShape } from './profile.ts';

const HEAD_BYTES_MAX = 64 * 1024;
const HEAD_END = '\r\n\r\n';

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: 'OK',
  206: 'Partial Content',
  302: 'Found',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  416: 'Range Not Satisfiable',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export interface WireRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly httpVersion: string;
  /** Names in lower case; of a repeated one the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly remotePort: number;
}

export interface WireReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  /** The headers' form, if not the usual one. */
  readonly shape?: HeaderShape | undefined;
}

/** One request and the connection it came on. Exactly one of the answering methods is called, or none (a hang). */
export interface Exchange {
  readonly request: WireRequest;
  readonly times: AnswerTimes;
  /** Aborts when the connection is gone, whoever ended it. */
  readonly signal: AbortSignal;
  /** The address that the client reached, `host:port`. */
  readonly localAddress: string;
  /** A whole reply with its length; the connection stays open unless the client asked otherwise. */
  reply(reply: WireReply): void;
  /** Writes a status line and headers, in that form if there is one; about length or connection only what these say. */
  begin(status: number, headers: HeaderShape, shape?: HeaderShape): Socket;
  /** The socket, to write on as one likes. */
  raw(): Socket;
}

export interface ConnectionHandler {
  /** `Server` header; none when undefined. */
  readonly serverHeader: string | undefined;
  /** For the `Date` header, milliseconds since the Unix epoch. */
  wallMs(): number;
  /** Whether replies stop half-way now, their rest left for the next request on the connection (item 49). */
  poisons(): boolean;
  /** Called for each request; the next one on the same connection waits until a `reply` has been given. */
  onRequest(exchange: Exchange): void;
}

/** Reads the requests of one connection, one after another, until it ends. */
export function serveConnection(socket: Socket, handler: ConnectionHandler): void {
  const gone = new AbortController();
  let received = '';
  let answering = false;
  let skipBytes = 0;
  /** The rest of a reply that stopped half-way. */
  let owed: Buffer | undefined;

  // A reset is no news here: `close` follows and says all there is to know.
  socket.on('error', () => {});
  socket.on('close', () => gone.abort());
  socket.setNoDelay(true);
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    next();
  });

  const next = (): void => {
    if (skipBytes > 0) {
      const skipped = Math.min(skipBytes, received.length);
      received = received.slice(skipped);
      skipBytes -= skipped;
    }
    const end = received.indexOf(HEAD_END);
    if (answering || end < 0 || skipBytes > 0) {
      if (received.length > HEAD_BYTES_MAX) socket.destroy();
      return;
    }
    const request = parseHead(received.slice(0, end), socket.remotePort ?? 0);
    received = received.slice(end + HEAD_END.length);
    answering = true;
    if (request === undefined) {
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    if (owed !== undefined) socket.write(owed);
    owed = undefined;
    skipBytes = Number(request.headers['content-length'] ?? 0) || 0;
    handler.onRequest(exchangeOf(request));
  };

  const exchangeOf = (request: WireRequest): Exchange => ({
    request,
    times: { beganWallMs: undefined, mediaWallMs: undefined },
    signal: gone.signal,
    localAddress: `${socket.localAddress ?? '127.0.0.1'}:${socket.localPort ?? 0}`,
    reply({ status, contentType, body, shape }) {
      const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
      const isAsked =
        request.httpVersion === '1.0' || request.headers['connection']?.toLowerCase() === 'close';
      // Where no length is told, only the connection's end marks that of the body.
      const close = isAsked || shape?.some(([name]) => /^content-length$/i.test(name)) === false;
      const shown = isAsked ? shape : shape?.filter(([name]) => !/^connection$/i.test(name));
      this.begin(
        status,
        [
          ['Content-Type', contentType],
          ['Content-Length', String(bytes.length)],
          ...(close ? [['Connection', 'close'] as const] : []),
        ],
        shown,
      );
      if (handler.poisons()) {
        const half = bytes.length >> 1;
        socket.write(bytes.subarray(0, half));
        owed = bytes.subarray(half);
        answering = false;
        next();
      } else if (close) {
        socket.end(bytes);
      } else {
        socket.write(bytes);
        answering = false;
        next();
      }
    },
    begin(status, headers, shape) {
      const own: [string, string][] = [];
      if (handler.serverHeader !== undefined) own.push(['Server', handler.serverHeader]);
      own.push(['Date', new Date(handler.wallMs()).toUTCString()]);
      const all: HeaderShape = [...own, ...headers];
      const lines = [`HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? 'Unknown'}`];
      for (const [name, value] of shape === undefined ? all : shaped(all, shape))
        lines.push(`${name}: ${value}`);
      this.times.beganWallMs ??= handler.wallMs();
      socket.write(`${lines.join('\r\n')}${HEAD_END}`);
      return socket;
    },
    raw: () => socket,
  });
}

/** The headers in another form: its names in its order, with the reply's own values where it has a place for them. */
function shaped(headers: HeaderShape, shape: HeaderShape): HeaderShape {
  const ownValue = (name: string): string | undefined =>
    headers.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
  return shape.flatMap(([name, value]) => {
    const isOwn = /^(?:date|location|content-(?:length|type|range))$/i.test(name);
    const told = isOwn ? ownValue(name) : value;
    return told === undefined ? [] : [[name, told] as const];
  });
}

function parseHead(head: string, remotePort: number): WireRequest | undefined {
  const [requestLine = '', ...headerLines] = head.split('\r\n');
  const parts = /^([A-Z]+) (\/\S*) HTTP\/(1\.[01])$/.exec(requestLine);
  if (parts === null) return undefined;
  const [, method = '', target = '', httpVersion = ''] = parts;
  const headers: Record<string, string> = {};
  for (const line of headerLines) {
    const colon = line.indexOf(':');
    if (colon <= 0) return undefined;
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const mark = target.indexOf('?');
  return {
    method,
    target,
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    httpVersion,
    headers,
    remotePort,
  };
}
