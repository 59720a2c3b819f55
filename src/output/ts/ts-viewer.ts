import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import type { ReasonCode } from '../../base/reasons.ts';
import type { Attachment } from '../../session/attachment.ts';
import type { Cursor } from '../../session/cursor.ts';
import type { FanOutMember } from './fan-out.ts';
import { TS_RESPONSE_HEADERS } from './response-headers.ts';
import type { WriteLoop } from './write-loop.ts';

/** One view handed to a socket that keeps up. */
const VIEW_BYTES_MAX = 256 * 1024;
/** One view handed to a socket that lags: small, so that every bit of progress shows as a finished write. */
const LAGGING_VIEW_BYTES_MAX = 64 * 1024;
/** A viewer's share of one turn: a joiner's burst must not hold up everybody else. */
const TURN_BYTES_MAX = 1024 * 1024;

export interface TsViewerDeps {
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly attachment: Attachment;
  readonly cursor: Cursor;
  readonly loop: WriteLoop;
  readonly clock: Clock;
  /** Called whenever the viewer was too slow and goes on at a newer keyframe. */
  readonly onSkip: (viewer: TsViewer) => void;
  /** Called once when the viewer is gone for good. */
  readonly onGone: (viewer: TsViewer, reason: ReasonCode) => void;
}

/** A viewer that must skip so often within `SKIP_WINDOW_MS` is on a line that the stream does not fit through. */
const SKIPS_MAX = 3;
const SKIP_WINDOW_MS = 60_000;

const NOTHING = Buffer.alloc(0);

type State = 'open' | 'ending' | 'gone';

/**
 * One viewer's endless response: a cursor into the ring on one side, a socket on the other, and nothing kept in
 * between. The kernel's buffer is its queue; when that is full, the viewer waits for its socket.
 */
export class TsViewer implements FanOutMember {
  readonly #deps: TsViewerDeps;
  #state: State = 'open';
  #blockedSinceMs: number | undefined;
  #reason: ReasonCode = 'client_left';
  #skipsAtMs: number[] = [];

  constructor(deps: TsViewerDeps) {
    this.#deps = deps;
  }

  get isBlocked(): boolean {
    return this.#blockedSinceMs !== undefined;
  }

  /** Since when its socket has accepted nothing, on the clock; undefined while it is not waiting. */
  get blockedSinceMs(): number | undefined {
    return this.#blockedSinceMs;
  }

  /** Sends status line, headers and the first bytes. */
  open(): void {
    const { response, socket, loop } = this.#deps;
    socket.setTimeout(0);
    socket.once('close', this.#onClose);
    socket.on('error', this.#onError);
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    // One segment with headers, tables and first picture, instead of a small one ahead of it.
    socket.cork();
    response.writeHead(200, TS_RESPONSE_HEADERS);
    response.flushHeaders();
    const more = this.write();
    socket.uncork();
    this.#noteBlocked();
    if (more && !this.isBlocked) loop.schedule(this);
  }

  write(): boolean {
    const { attachment, cursor, socket } = this.#deps;
    if (this.#state !== 'open' || this.isBlocked || socket.destroyed) return false;
    let sent = 0;
    let caughtUp = false;
    // Corked bytes go out as one write: no more of them than one view, so that progress shows.
    const bytesMax = socket.writableCorked > 0 ? VIEW_BYTES_MAX : TURN_BYTES_MAX;
    while (sent < bytesMax && !this.isBlocked) {
      if (cursor.isEndangered && !this.#skip()) return false;
      const bytes = cursor.take(cursor.lagBytes > TURN_BYTES_MAX ? LAGGING_VIEW_BYTES_MAX : VIEW_BYTES_MAX);
      if (!bytes) {
        caughtUp = true;
        break;
      }
      sent += bytes.length;
      socket.write(bytes);
      this.#noteBlocked();
    }
    if (sent > 0) attachment.session.countBytesOut(sent);
    return !caughtUp && !this.isBlocked;
  }

  /** What the kernel took at once is gone already; a rest makes this viewer wait for its socket. */
  #noteBlocked(): void {
    const { clock, socket } = this.#deps;
    if (socket.writableCorked > 0 || socket.writableLength === 0) return;
    this.#blockedSinceMs ??= clock.nowMs();
    // Nearly all writes are finished at once: only behind one that is not there is something that tells of its end.
    socket.write(NOTHING, this.#onWritten);
  }

  keepUp(): void {
    if (this.#state === 'open' && this.#deps.cursor.isEndangered) this.#skip();
  }

  /** Goes on at a newer keyframe before the ring leaves this viewer behind. False: it is evicted instead. */
  #skip(): boolean {
    const { clock, cursor, onSkip } = this.#deps;
    const nowMs = clock.nowMs();
    this.#skipsAtMs = this.#skipsAtMs.filter((skippedAtMs) => nowMs - skippedAtMs < SKIP_WINDOW_MS);
    if (this.#skipsAtMs.length + 1 < SKIPS_MAX && cursor.skip()) {
      this.#skipsAtMs.push(nowMs);
      onSkip(this);
      return true;
    }
    // Without a newer keyframe it may stay where it is, as long as that is there.
    if (this.#skipsAtMs.length + 1 < SKIPS_MAX && !cursor.isOverrun) return true;
    this.evict('client_too_slow');
    return false;
  }

  /** The session is over: what the socket has taken is still delivered, then the connection closes. */
  onSessionEnd(reason: ReasonCode): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#reason = reason;
    this.#blockedSinceMs ??= this.#deps.clock.nowMs();
    this.#deps.response.end();
  }

  /** Ends the connection at once. */
  evict(reason: ReasonCode): void {
    if (this.#state === 'gone') return;
    this.#reason = reason;
    this.#deps.socket.destroy();
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error || this.#state !== 'open') return;
    const { clock, loop, socket } = this.#deps;
    if (socket.writableLength > 0) {
      if (this.isBlocked) this.#blockedSinceMs = clock.nowMs();
      return;
    }
    if (!this.isBlocked) return;
    this.#blockedSinceMs = undefined;
    loop.schedule(this);
  };

  readonly #onError = (): void => {
    // The close that follows tells the rest: a viewer's connection may break at any time.
  };

  readonly #onClose = (): void => {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    const { loop, onGone, socket } = this.#deps;
    socket.off('error', this.#onError);
    loop.remove(this);
    onGone(this, this.#reason);
  };
}
