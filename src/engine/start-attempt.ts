import { AcemuxError } from '../base/reasons.ts';
import type { Playback } from './types.ts';

/** One start under way. */
export interface StartAttempt {
  /**
   * Rejects with AcemuxError: content_unknown, paid_option_missing, foreign_redirect, vod_not_yet,
   * engine_unreachable, engine_busy, engine_broken, engine_closed, engine_protocol, engine_timeout, abandoned,
   * shutdown.
   */
  readonly playback: Promise<Playback>;
  /**
   * Gives the attempt up: `playback` rejects at once, if it has not settled yet. Resolves when the request has
   * finished in the background and whatever it opened has been stopped (reference 10.13). Never rejects.
   */
  abandon(): Promise<void>;
}

/**
 * A start whose request goes on after nobody wants it any more: an engine opens the playback all the same,
 * and only its reply says how to stop it.
 */
export class BackgroundStart implements StartAttempt {
  readonly playback: Promise<Playback>;
  readonly #opened: Promise<Playback | undefined>;
  readonly #stop: (playback: Playback) => Promise<unknown>;
  readonly #giveUp: (error: AcemuxError) => void;
  #abandoned: Promise<void> | undefined;

  /** `request` is the start's request, running; `stop` ends what it opened and never rejects. */
  constructor(request: Promise<Playback>, stop: (playback: Playback) => Promise<unknown>) {
    const { promise, resolve, reject } = Promise.withResolvers<Playback>();
    request.then(resolve, reject);
    promise.catch(() => {}); // Whoever abandons it need not listen.
    this.playback = promise;
    this.#opened = request.catch(() => undefined);
    this.#stop = stop;
    this.#giveUp = reject;
  }

  abandon(): Promise<void> {
    this.#abandoned ??= this.#abandon();
    return this.#abandoned;
  }

  async #abandon(): Promise<void> {
    this.#giveUp(new AcemuxError('abandoned'));
    const playback = await this.#opened;
    if (playback) await this.#stop(playback);
  }
}
