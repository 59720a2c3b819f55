import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import type { ReasonCode } from '../../base/reasons.ts';
import { PACKET_BYTES } from '../../mpegts/packet.ts';
import type { Attachment, Pace, ViewerProgress } from '../../session/attachment.ts';
import type { Cursor } from '../../session/cursor.ts';
import type { ClientProgress } from './client-progress.ts';
import type { FanOutMember } from './fan-out.ts';
import { FILLING, QUIET_MS } from './filling.ts';
import { excerptHeaders, sendTsHeaders } from './response-headers.ts';
import { ViewerTally } from './viewer-tally.ts';
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
  readonly progress: ClientProgress;
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
  isQueued = false;
  readonly #deps: TsViewerDeps;
  #state: State = 'open';
  #reason: ReasonCode = 'client_left';
  #skipsAtMs: number[] = [];
  /** Whether it was told last that this viewer has paused. */
  #isPaused = false;
  /** Whether its socket made it wait since it last had all there is. */
  #isLagging = false;
  /** When its connection last carried something. */
  #sentAtMs: number;
  /** Gives it a turn when its pace lets it go on. */
  #pacing: Timer | undefined;
  readonly #tally: ViewerTally;

  constructor(deps: TsViewerDeps) {
    this.#deps = deps;
    this.#sentAtMs = deps.clock.nowMs();
    this.#tally = new ViewerTally(this.#sentAtMs);
  }

  get isBlocked(): boolean {
    return this.blockedSinceMs !== undefined;
  }

  /** Since when its socket has accepted nothing, on the clock; undefined while it is not waiting. */
  get blockedSinceMs(): number | undefined {
    return this.#deps.progress.blockedSinceMs;
  }

  /** Whether its connection has carried nothing for so long that it is due null packets, given a turn. */
  isQuiet(nowMs: number): boolean {
    return this.#state === 'open' && !this.isBlocked && nowMs - this.#sentAtMs >= QUIET_MS;
  }

  /** Sends status line and headers, unless they have been sent, and the first bytes. */
  open(): void {
    const { attachment, cursor, response, socket, loop } = this.#deps;
    attachment.showProgress?.(() => this.#progress);
    cursor.onReady = () => {
      if (this.#state === 'open') loop.schedule(this);
    };
    socket.setTimeout(0);
    socket.once('close', this.#onClose);
    socket.on('error', this.#onError);
    // One segment with headers, tables and first picture, instead of a small one ahead of it.
    socket.cork();
    const { beginning, session, viewer } = attachment;
    const isExcerpt = viewer.wish?.end !== undefined;
    const name = isExcerpt && beginning ? excerptHeaders(session.id, beginning) : {};
    if (!response.headersSent) sendTsHeaders(response, beginning, name);
    const more = this.write(this.#deps.clock.nowMs());
    socket.uncork();
    this.#noteBlocked(this.#deps.clock.nowMs());
    if (more && !this.isBlocked) loop.schedule(this);
  }

  write(nowMs: number): boolean {
    const { attachment, cursor, socket } = this.#deps;
    if (this.#state !== 'open' || this.isBlocked || socket.destroyed) return false;
    const allowedBytes = attachment.pace
      ? this.#allowedBytes(attachment.pace, nowMs)
      : Number.POSITIVE_INFINITY;
    if (allowedBytes < PACKET_BYTES) {
      this.#fillIfQuiet(nowMs);
      return false;
    }
    const { sentBytes, isComplete } = this.#writeMedia(allowedBytes, nowMs);
    if (sentBytes > 0) {
      attachment.session.countBytesOut(sentBytes, 'ts', nowMs);
      attachment.pace?.spend(sentBytes, nowMs);
    }
    if (isComplete && cursor.isAtEnd) {
      this.onSessionEnd('excerpt_over');
      return false;
    }
    if (sentBytes > 0) {
      this.#sentAtMs = nowMs;
      this.#noteSent(sentBytes, isComplete, nowMs);
    } else if (isComplete) this.#fillIfQuiet(nowMs);
    return !isComplete && !this.isBlocked;
  }

  #fillIfQuiet(nowMs: number): void {
    if (!this.isQuiet(nowMs)) return;
    this.#sentAtMs = nowMs;
    this.#deps.socket.write(FILLING);
    this.#noteBlocked(nowMs);
  }

  /** What its pace lets it be given in this turn; too little for a packet: it gets another turn when there is more. */
  #allowedBytes(pace: Pace, nowMs: number): number {
    const { clock, loop } = this.#deps;
    const allowedBytes = pace.allowedBytes(nowMs);
    if (allowedBytes >= PACKET_BYTES) return allowedBytes;
    this.keepUp();
    this.#pacing ??= clock.startTimer(Math.max(1, pace.waitMs(nowMs)), () => {
      this.#pacing = undefined;
      loop.schedule(this);
    });
    return 0;
  }

  #noteSent(sentBytes: number, hasAll: boolean, nowMs: number): void {
    const { attachment } = this.#deps;
    if (this.#tally.bytesSent === 0) attachment.noteServed?.('ts');
    const pauseMs = this.#tally.sent(sentBytes, hasAll, nowMs);
    if (pauseMs > 0) attachment.notePause?.(pauseMs);
  }

  get #progress(): ViewerProgress {
    const { bytesSent, longestPauseMs, skips } = this.#tally;
    const { clock, cursor } = this.#deps;
    const bytesPerSecond = this.#tally.bytesPerSecond(clock.nowMs());
    const { position } = cursor;
    return {
      output: 'ts',
      position,
      bytesSent,
      bytesPerSecond,
      isBlocked: this.isBlocked,
      skips,
      longestPauseMs,
    };
  }

  /** `isComplete`: it has all there is. */
  #writeMedia(
    allowedBytes: number,
    nowMs: number,
  ): { readonly sentBytes: number; readonly isComplete: boolean } {
    const { cursor, socket } = this.#deps;
    // Corked bytes go out as one write: no more of them than a small view, so that progress shows.
    const bytesMax = socket.writableCorked > 0 ? LAGGING_VIEW_BYTES_MAX : TURN_BYTES_MAX;
    let sentBytes = 0;
    while (sentBytes < bytesMax && allowedBytes - sentBytes >= PACKET_BYTES && !this.isBlocked) {
      if (cursor.isEndangered && !this.#skip()) break;
      const isBehind = this.#isLagging || cursor.lagBytes > TURN_BYTES_MAX;
      const viewBytesMax = isBehind ? LAGGING_VIEW_BYTES_MAX : VIEW_BYTES_MAX;
      const bytes = cursor.take(Math.min(bytesMax, viewBytesMax, allowedBytes - sentBytes));
      if (!bytes) {
        this.#isLagging = false;
        return { sentBytes, isComplete: true };
      }
      sentBytes += bytes.length;
      socket.write(bytes);
      this.#noteBlocked(nowMs);
      if (!cursor.hasMore && !this.isBlocked) {
        this.#isLagging = false;
        return { sentBytes, isComplete: true };
      }
    }
    return { sentBytes, isComplete: false };
  }

  /** What the kernel took at once is gone already; a rest makes this viewer wait for its socket. */
  #noteBlocked(nowMs: number): void {
    const { cursor, progress, socket } = this.#deps;
    if (socket.writableLength === 0) {
      cursor.letGo();
      return;
    }
    if (socket.writableCorked > 0) return;
    this.#isLagging = true;
    progress.blocked(nowMs);
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
      // Nobody is disconnected because memory is short: such a skip does not count.
      if (!cursor.isSqueezed) this.#skipsAtMs.push(nowMs);
      this.#tally.skips++;
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
    const { clock, progress, response } = this.#deps;
    this.#state = 'ending';
    this.#reason = reason;
    progress.ending(clock.nowMs());
    response.end();
  }

  /** Ends the connection at once, should its client not take what it is sent. */
  judge(nowMs: number): void {
    const { cursor, progress } = this.#deps;
    // A connection that is ending carries nothing more that could be paused.
    const pauseMaxMs = this.#state === 'open' ? cursor.pauseMaxMs : 0;
    const verdict = progress.verdict(nowMs, pauseMaxMs);
    if (verdict && this.#state !== 'gone') this.evict(verdict);
    else this.#notePaused(pauseMaxMs > 0 && progress.verdict(nowMs) === 'client_stalled');
  }

  #notePaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    this.#deps.attachment.notePaused?.(isPaused);
  }

  /** Ends the connection at once. */
  evict(reason: ReasonCode): void {
    if (this.#state === 'gone') return;
    this.#reason = reason;
    const { socket } = this.#deps;
    // A FIN would wait behind megabytes that nobody takes in time, and the kernel would keep them for minutes.
    if (reason === 'shutdown') socket.destroy();
    else socket.resetAndDestroy();
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error || this.#state !== 'open') return;
    const { clock, cursor, loop, progress, socket } = this.#deps;
    if (!this.isBlocked) return;
    this.#sentAtMs = clock.nowMs();
    if (socket.writableLength > 0) {
      progress.moved(this.#sentAtMs);
      return;
    }
    cursor.letGo();
    progress.free();
    loop.schedule(this);
  };

  readonly #onError = (): void => {
    // The close that follows tells the rest: a viewer's connection may break at any time.
  };

  readonly #onClose = (): void => {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#pacing?.cancel();
    const { cursor, loop, onGone, socket } = this.#deps;
    socket.off('error', this.#onError);
    loop.remove(this);
    // The kernel's end of it is closed by now: what it has not taken it never will.
    cursor.close();
    onGone(this, this.#reason);
  };
}
