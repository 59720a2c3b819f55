import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { request } from '../../base/node-http.ts';
import { AcemuxError } from '../../base/reasons.ts';

const CONNECT_TIMEOUT_MS = 2_000;
const HEADER_BYTES_MAX = 16 * 1024;
const REPLY_BYTES_MAX = 64 * 1024;

/** Where a control server listens: the only address that is ever connected to. IPv6 without brackets. */
export interface ControlAddress {
  readonly host: string;
  readonly port: number;
}

export interface ControlCall {
  readonly address: ControlAddress;
  readonly method: 'GET' | 'PUT';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, of a PUT. */
  readonly body?: string;
  /** For the whole call. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface ControlReply {
  readonly statusCode: number;
  readonly location: string | undefined;
  readonly text: string;
}

/**
 * One bounded request to a control server, on a connection of its own that is gone when this settles.
 * @throws AcemuxError vpn_unreachable (no connection), vpn_timeout (a connection and no whole reply in time),
 *   vpn_protocol (cut, not HTTP, too large); the signal's reason
 */
export async function callControlServer(call: ControlCall): Promise<ControlReply> {
  call.signal.throwIfAborted();
  const ended = new AbortController();
  const onAbort = (): void => ended.abort(call.signal.reason);
  call.signal.addEventListener('abort', onAbort, { once: true });
  const late = call.clock.startTimer(call.timeoutMs, () => {
    ended.abort(new AcemuxError('vpn_timeout', `It did not answer within ${call.timeoutMs / 1000} s.`));
  });
  const socket = connect({ host: call.address.host, port: call.address.port });
  try {
    await connected(socket, call.clock, ended.signal);
    return await exchange(call, socket, ended.signal);
  } finally {
    late.cancel();
    call.signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

function connected(socket: Socket, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown): void => {
      const why = codeOf(cause) ?? `no connection within ${CONNECT_TIMEOUT_MS / 1000} s`;
      settle(() => reject(new AcemuxError('vpn_unreachable', `Nothing answers there (${why}).`, { cause })));
    };
    const onAbort = (): void => settle(() => reject(signal.reason));
    const late = clock.startTimer(CONNECT_TIMEOUT_MS, () => fail());
    const settle = (how: () => void): void => {
      late.cancel();
      signal.removeEventListener('abort', onAbort);
      how();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => settle(resolve));
    // Stays after the connection stands: a reset is the request's to tell then.
    socket.on('error', fail);
  });
}

function exchange(call: ControlCall, socket: Socket, signal: AbortSignal): Promise<ControlReply> {
  return new Promise((resolve, reject) => {
    const sent = send(call, socket);
    const onAbort = (): void => {
      reject(signal.reason);
      sent.destroy();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const broken = (cause: unknown): void =>
      reject(new AcemuxError('vpn_protocol', 'It ended the connection without a whole reply.', { cause }));
    sent.on('error', broken);
    sent.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      broken(undefined);
    });
    sent.once('response', (reply) => {
      reply.on('error', broken);
      readText(reply).then(
        (text) => resolve({ statusCode: reply.statusCode ?? 0, location: reply.headers.location, text }),
        reject,
      );
    });
    sent.end(call.body);
  });
}

function send(call: ControlCall, socket: Socket): ClientRequest {
  const { address, body } = call;
  return request({
    method: call.method,
    path: call.path,
    createConnection: () => socket,
    maxHeaderSize: HEADER_BYTES_MAX,
    setHost: false,
    headers: {
      Host: authorityOf(address),
      Accept: 'application/json',
      'Accept-Encoding': 'identity',
      Connection: 'close',
      ...(body !== undefined && {
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
      }),
      ...call.headers,
    },
  });
}

async function readText(reply: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of reply) {
      sizeBytes += chunk.length;
      if (sizeBytes > REPLY_BYTES_MAX) {
        throw new AcemuxError('vpn_protocol', `Its reply is larger than ${REPLY_BYTES_MAX} bytes.`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AcemuxError) throw error;
    throw new AcemuxError('vpn_protocol', 'It ended the connection in the midst of its reply.', {
      cause: error,
    });
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Host and port as they stand in a URL. */
export function authorityOf(address: ControlAddress): string {
  const { host, port } = address;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
