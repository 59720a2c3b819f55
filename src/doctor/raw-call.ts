/** One GET on a connection of its own, seen byte by byte: what came when, and how it ended. */
import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { authorityOf, bareHost } from '../engine/rewrite.ts';
import type { EngineAddress } from '../engine/types.ts';
import { ChunkedBody, type Framing, framingOf, parseHead, type RawHead } from './http-head.ts';

const HEAD_BYTES_MAX = 64 * 1024;
const HEAD_END = '\r\n\r\n';
/** A player's name, as acemux itself sends (reference 10.6). */
const USER_AGENT = 'VLC/3.0.21 LibVLC/3.0.21';

export interface CallRequest {
  readonly address: EngineAddress;
  /** Path and query. */
  readonly target: string;
  /** `Host` if not the engine's own address. */
  readonly host?: string;
  readonly headers?: readonly string[];
  /** Leave the connection's end to the engine instead of asking for it. */
  readonly keepAlive?: boolean;
  /** Gets the body as it comes, without its coding. */
  readonly onBody?: (bytes: Buffer, atMs: number) => void;
  /** So much of the body is kept for `body`. */
  readonly keepBytes?: number;
}

export interface CallDeps {
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly onClosed: (call: RawCall) => void;
}

/** `doctor`: we ended it; `refused`: it never stood. */
export type CallEnd = 'engine-fin' | 'engine-reset' | 'doctor' | 'refused';

export class RawCall {
  readonly request: CallRequest;
  /** By the clock, as all times here. */
  readonly startedMs: number;
  connectedMs: number | undefined;
  headMs: number | undefined;
  firstBodyMs: number | undefined;
  lastBodyMs: number | undefined;
  endMs: number | undefined;
  end: CallEnd | undefined;
  head: RawHead | undefined;
  bodyBytes = 0;
  readonly #deps: CallDeps;
  readonly #socket: Socket;
  readonly #wakers = new Set<() => void>();
  readonly #late: Timer;
  #unread = Buffer.alloc(0);
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #framing: Framing = { kind: 'close' };
  #chunked: ChunkedBody | undefined;
  #problem: AcemuxError | undefined;

  constructor(request: CallRequest, deps: CallDeps) {
    this.request = request;
    this.#deps = deps;
    this.startedMs = deps.clock.nowMs();
    const socket = connect({ host: bareHost(request.address), port: request.address.port });
    this.#socket = socket;
    this.#late = deps.clock.startTimer(deps.connectTimeoutMs, () => this.#fail('no connection in time'));
    socket.setNoDelay(true);
    socket.once('connect', () => {
      this.#late.cancel();
      this.connectedMs = deps.clock.nowMs();
    });
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.once('end', () => this.#ended('engine-fin'));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (this.connectedMs === undefined && error.code !== 'ECONNRESET')
        this.#fail(error.code ?? error.message);
      else this.#ended('engine-reset');
    });
    socket.once('close', () => {
      this.#late.cancel();
      this.#ended('engine-fin');
      deps.onClosed(this);
    });
    socket.write(requestText(request));
  }

  /** What of the body was kept. */
  get body(): Buffer {
    return Buffer.concat(this.#kept);
  }

  /** The body has come to the end that its headers announced, or to that of its connection. */
  get isWhole(): boolean {
    if (this.head === undefined) return false;
    if (this.#framing.kind === 'length' && this.bodyBytes >= this.#framing.bytes) return true;
    return this.#chunked?.isOver === true || this.end === 'engine-fin';
  }

  /** @throws AcemuxError engine_unreachable, engine_closed, engine_protocol; the signal's reason */
  async untilHead(signal: AbortSignal): Promise<RawHead> {
    await this.#until(() => this.head !== undefined, signal);
    if (this.head === undefined) throw this.#failure();
    return this.head;
  }

  /** Waits for so many bytes of body. @throws as `untilHead` */
  async untilBytes(count: number, signal: AbortSignal): Promise<void> {
    await this.#until(() => this.bodyBytes >= count, signal);
    if (this.bodyBytes < count) throw this.#failure();
  }

  /** The whole body. @throws as `untilHead` */
  async untilWhole(signal: AbortSignal): Promise<Buffer> {
    await this.#until(() => this.isWhole, signal);
    if (!this.isWhole) throw this.#failure();
    return this.body;
  }

  /** Waits for the connection's end, whoever makes it. @throws the signal's reason */
  async untilEnd(signal: AbortSignal): Promise<CallEnd> {
    await this.#until(() => false, signal);
    return this.end ?? 'doctor';
  }

  /** Waits for the first byte of body that comes after this moment of the clock, or for the end. @throws the signal's reason */
  async untilByteAfter(afterMs: number, signal: AbortSignal): Promise<boolean> {
    const came = (): boolean => (this.lastBodyMs ?? Number.NEGATIVE_INFINITY) > afterMs;
    await this.#until(came, signal);
    return came();
  }

  destroy(): void {
    this.#ended('doctor');
    this.#socket.destroy();
  }

  #fail(why: string): void {
    this.#problem ??= new AcemuxError('engine_unreachable', `There is no connection to the engine: ${why}.`);
    this.#ended('refused');
    this.#socket.destroy();
  }

  #ended(how: CallEnd): void {
    if (this.end !== undefined) return;
    this.end = how;
    this.endMs = this.#deps.clock.nowMs();
    this.#wake();
  }

  #failure(): AcemuxError {
    if (this.#problem !== undefined) return this.#problem;
    const how = this.end === 'engine-reset' ? 'reset' : 'closed';
    const where = this.head === undefined ? 'before an answer' : 'within its answer';
    return new AcemuxError('engine_closed', `The connection was ${how} ${where}.`);
  }

  #take(bytes: Buffer): void {
    try {
      if (this.head !== undefined) this.#takeBody(bytes);
      else this.#takeHead(bytes);
    } catch (error) {
      if (!(error instanceof AcemuxError)) throw error;
      this.#problem = error;
      this.destroy();
    }
    this.#wake();
  }

  #takeHead(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    const end = this.#unread.indexOf(HEAD_END);
    if (end < 0) {
      // Sooner or later it would be more than a head, or it is none from its first line on.
      if (this.#unread.length > HEAD_BYTES_MAX || !looksLikeHead(this.#unread)) {
        throw new AcemuxError('engine_protocol', 'What the engine answered is not HTTP.');
      }
      return;
    }
    this.head = parseHead(this.#unread.subarray(0, end).toString('latin1'));
    this.headMs = this.#deps.clock.nowMs();
    this.#framing = framingOf(this.head);
    if (this.#framing.kind === 'chunked') this.#chunked = new ChunkedBody();
    const rest = this.#unread.subarray(end + HEAD_END.length);
    this.#unread = Buffer.alloc(0);
    if (rest.length > 0) this.#takeBody(rest);
  }

  #takeBody(bytes: Buffer): void {
    if (this.#chunked === undefined) this.#bodyPart(bytes);
    else this.#chunked.push(bytes, (part) => this.#bodyPart(part));
  }

  #bodyPart(bytes: Buffer): void {
    const nowMs = this.#deps.clock.nowMs();
    this.firstBodyMs ??= nowMs;
    this.lastBodyMs = nowMs;
    this.bodyBytes += bytes.length;
    this.request.onBody?.(bytes, nowMs);
    const keep = bytes.subarray(0, (this.request.keepBytes ?? 0) - this.#keptBytes);
    if (keep.length === 0) return;
    this.#kept.push(keep);
    this.#keptBytes += keep.length;
  }

  #wake(): void {
    for (const waker of [...this.#wakers]) waker();
  }

  /** Resolves when the condition holds or the connection has ended. */
  #until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#wakers.delete(look);
        signal.removeEventListener('abort', onAbort);
      };
      const look = (): void => {
        if (this.end === undefined && !condition()) return;
        leave();
        resolve();
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      this.#wakers.add(look);
      look();
    });
  }
}

function looksLikeHead(bytes: Buffer): boolean {
  const start = bytes.subarray(0, 5).toString('latin1');
  return 'HTTP/'.startsWith(start) || start.startsWith('HTTP/');
}

function requestText({ address, target, host, headers = [], keepAlive = false }: CallRequest): string {
  return [
    `GET ${target} HTTP/1.1`,
    `Host: ${host ?? authorityOf(address)}`,
    `User-Agent: ${USER_AGENT}`,
    'Accept: */*',
    'Accept-Encoding: identity',
    ...(keepAlive ? [] : ['Connection: close']),
    ...headers,
    '',
    '',
  ].join('\r\n');
}
