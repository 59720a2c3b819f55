import { untilAborted } from '../../base/abort.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode, reasonOf } from '../../base/reasons.ts';
import type { Attachment, ViewerProgress } from '../../session/attachment.ts';
import type { HlsStream } from './hls-stream.ts';

export interface HlsViewerDeps {
  /** What it watches, as `selectorQuery` writes it. */
  readonly query: string;
  /** Lets it into the stream's session, and takes it among the stream's viewers. */
  readonly admit: (signal: AbortSignal) => Promise<{ attachment: Attachment; stream: HlsStream }>;
  /** How long it may ask for nothing, milliseconds; it depends on the stream. */
  readonly expiryMs: (stream: HlsStream | undefined) => number;
  readonly clock: Clock;
  /** Called once when it is gone, whether it had been let in or not. */
  readonly onGone: (viewer: HlsViewer, reason: ReasonCode) => void;
}

/** Somebody who asks for a media playlist again and again: a viewer of the session for as long as that goes on. */
export class HlsViewer {
  readonly #deps: HlsViewerDeps;
  readonly #abort = new AbortController();
  readonly #admitted: Promise<HlsStream>;
  #attachment: Attachment | undefined;
  #stream: HlsStream | undefined;
  /** Requests that wait for an answer. */
  #waiting = 0;
  #askedAtMs: number;
  #timer: Timer | undefined;

  /** Asks to be let in at once. */
  constructor(deps: HlsViewerDeps) {
    this.#deps = deps;
    this.#askedAtMs = deps.clock.nowMs();
    this.#admitted = this.#admit();
    this.#admitted.catch(() => {}); // Those who wait hear it; they may have left.
  }

  /** What it watches, as `selectorQuery` writes it. */
  get query(): string {
    return this.#deps.query;
  }

  get attachment(): Attachment | undefined {
    return this.#attachment;
  }

  /** The stream it watches; undefined until it has been let in. */
  get stream(): HlsStream | undefined {
    return this.#stream;
  }

  /** Segments are the same for all: whose a request for one is, nobody knows. */
  get #progress(): ViewerProgress {
    return {
      output: 'hls',
      position: undefined,
      bytesSent: undefined,
      bytesPerSecond: undefined,
      isBlocked: false,
      skips: 0,
      longestPauseMs: undefined,
    };
  }

  /**
   * One request for the playlist: resolves as soon as there is one.
   * @throws AcemuxError why it was not let in, or is gone; the signal's reason
   */
  async ask(signal: AbortSignal): Promise<HlsStream> {
    this.#waiting++;
    try {
      const stream = await untilAborted(this.#admitted, signal);
      await stream.ready(AbortSignal.any([signal, this.#abort.signal]));
      this.#attachment?.noteServed?.('hls');
      return stream;
    } finally {
      this.#waiting--;
      this.#askedAtMs = this.#deps.clock.nowMs();
      // Nobody waits any more for what has not come yet: it was not a viewer.
      if (this.#waiting === 0 && !this.#stream) this.leave('client_left');
    }
  }

  /** The same, where there is a playlist already; undefined where that has to be waited for. */
  askNow(): HlsStream | undefined {
    if (this.#abort.signal.aborted || !this.#stream?.isReady) return undefined;
    this.#askedAtMs = this.#deps.clock.nowMs();
    return this.#stream;
  }

  /** It is gone. Later calls do nothing. */
  leave(reason: ReasonCode): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new AcemuxError(reason));
    this.#timer?.cancel();
    this.#deps.onGone(this, reason);
    this.#attachment?.leave(reason);
  }

  async #admit(): Promise<HlsStream> {
    const { signal } = this.#abort;
    try {
      const { attachment, stream } = await this.#deps.admit(signal);
      this.#attachment = attachment;
      const { expulsion } = attachment;
      expulsion?.addEventListener('abort', () => this.leave(reasonOf(expulsion.reason)), { once: true });
      attachment.showProgress?.(() => this.#progress);
      if (signal.aborted) attachment.leave(reasonOf(signal.reason));
      signal.throwIfAborted();
      this.#stream = stream;
      this.#startTimer(this.#deps.expiryMs(stream));
      return stream;
    } catch (error) {
      this.leave(reasonOf(error));
      throw error;
    }
  }

  #startTimer(delayMs: number): void {
    this.#timer = this.#deps.clock.startTimer(delayMs, () => {
      const { clock, expiryMs } = this.#deps;
      const quietMs = this.#waiting > 0 ? 0 : clock.nowMs() - this.#askedAtMs;
      const leftMs = expiryMs(this.#stream) - quietMs;
      if (leftMs > 0) this.#startTimer(leftMs);
      else this.leave('client_silent');
    });
  }
}
