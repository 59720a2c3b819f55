import { untilAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { AcemuxError, asAcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Playback, PlaybackStat, SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { EngineSlot, EngineSource, SessionEngine, SessionObserver } from './ports.ts';
import { type AttemptOwner, SourceAttempt } from './source-attempt.ts';
import { asksAnother, furthest } from './start-outcome.ts';

/** Whom the loop feeds: the session. */
export interface SourceLoopOwner {
  /** Another engine is being asked: what the one before delivered is void. */
  onSourceBegins(): void;
  /** The engine has opened a playback; `kind` is the kind of name that it knew the stream by. */
  onPlayback(playback: Playback, kind: SelectorKind): void;
  /** Media bytes of the source in use, cut anywhere. */
  onMedia(chunk: Buffer): void;
  /** Nothing more will come. */
  onExhausted(error: AcemuxError): void;
}

export interface SourceLoopDeps {
  readonly selector: StreamSelector;
  /** What must have ended before an engine is asked: the predecessor under the same name. */
  readonly after: Promise<void>;
  /** Whether the kind of the name is known to be right, so that the other is not tried. */
  readonly kindIsKnown: boolean;
  readonly engines: EngineSource;
  readonly observer: SessionObserver;
  readonly owner: SourceLoopOwner;
  /** EMPTY_STREAM_TIMEOUT */
  readonly firstByteTimeoutMs: number;
  /** START_TIMEOUT */
  readonly startTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Keeps one session supplied: asks engines, one after the other, until one delivers something to watch.
 * Continuity will go on from here: for now, what plays is over when its source is.
 */
export class SourceLoop implements AttemptOwner {
  readonly #deps: SourceLoopDeps;
  readonly #abort = new AbortController();
  /** All that still hold something on an engine, the abandoned ones included. */
  readonly #attempts = new Set<SourceAttempt>();
  #attempt: SourceAttempt | undefined;
  #starting: Promise<void> = Promise.resolve();
  /** Settles the try under way: with an error, or with undefined when there is something to watch. */
  #settleTry: ((error: AcemuxError | undefined) => void) | undefined;

  constructor(deps: SourceLoopDeps) {
    this.#deps = deps;
  }

  /** The engine in use, or asked now. */
  get engine(): SessionEngine | undefined {
    return this.#attempt?.slot.engine;
  }

  /** What that engine last said of the playback. */
  get stat(): PlaybackStat | undefined {
    return this.#attempt?.stat;
  }

  start(): void {
    this.#starting = this.#start();
  }

  /** What the source in use delivers can be watched: the start is over. */
  confirm(): void {
    this.#settleTry?.(undefined);
  }

  /** What the source in use delivers can't be watched. */
  reject(code: ReasonCode): void {
    this.#settleTry?.(new AcemuxError(code));
  }

  /** Ends every attempt; resolves when no engine has anything of it left. Never rejects. */
  async stop(reason: ReasonCode): Promise<void> {
    this.#abort.abort(new AcemuxError(reason));
    await Promise.all([this.#starting, ...[...this.#attempts].map((attempt) => attempt.end(reason))]);
  }

  /** Never rejects: how it ends is told to the owner. */
  async #start(): Promise<void> {
    const { clock, engines, observer, owner, startTimeoutMs } = this.#deps;
    const { signal } = this.#abort;
    const tooLong = new AbortController();
    const deadline = clock.startTimer(startTimeoutMs, () => tooLong.abort(new AcemuxError('no_media')));
    const withinTime = AbortSignal.any([signal, tooLong.signal]);
    const failures: ReasonCode[] = [];
    let failure: AcemuxError | undefined;
    const tried = new Set<string>();
    try {
      await untilAborted(this.#deps.after, withinTime);
      while (asksAnother(failures)) {
        const slot = await engines.reserve(tried, withinTime);
        tried.add(slot.engine.id);
        if (withinTime.aborted) slot.release();
        withinTime.throwIfAborted();
        const error = await this.#try(slot, failures.length === 0, withinTime);
        if (signal.aborted) return;
        engines.report(slot.engine.id, error ? { ok: false, reason: error.code } : { ok: true });
        if (!error) return;
        observer.attemptFailed(error.code);
        withinTime.throwIfAborted();
        failures.push(error.code);
        failure = furthest(failure, error);
      }
    } catch (error) {
      if (signal.aborted) return;
      // That time is up says less than what an engine has said.
      if (!tooLong.signal.aborted) failure = furthest(failure, asAcemuxError(error));
    } finally {
      deadline.cancel();
    }
    owner.onExhausted(failure ?? new AcemuxError('no_media'));
  }

  /** Resolves to undefined once there is something to watch, else to why not; then the attempt is ended. */
  async #try(slot: EngineSlot, isFirst: boolean, signal: AbortSignal): Promise<AcemuxError | undefined> {
    const { clock, firstByteTimeoutMs, kindIsKnown, log, owner, selector } = this.#deps;
    const settled = Promise.withResolvers<AcemuxError | undefined>();
    const attempt = new SourceAttempt({
      slot,
      selector,
      tryOtherKind: isFirst && !kindIsKnown,
      firstByteTimeoutMs,
      clock,
      log,
      owner: this,
    });
    const settle = (error: AcemuxError | undefined): void => {
      if (this.#settleTry !== settle) return;
      // From this moment on, a source that ends has ended while it played, and one that failed is not heard.
      this.#settleTry = undefined;
      if (error) {
        this.#attempt = undefined;
        void attempt.end(error.code);
      }
      settled.resolve(error);
    };
    this.#settleTry = settle;
    this.#attempt = attempt;
    this.#attempts.add(attempt);
    owner.onSourceBegins();
    attempt.start();
    void attempt.released.then(() => this.#attempts.delete(attempt));
    await untilAborted(settled.promise, signal).catch((error: unknown) => settle(asAcemuxError(error)));
    return settled.promise;
  }

  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void {
    if (attempt === this.#attempt) this.#deps.owner.onPlayback(playback, kind);
  }

  onMedia(attempt: SourceAttempt, chunk: Buffer): void {
    if (attempt === this.#attempt) this.#deps.owner.onMedia(chunk);
  }

  onOver(attempt: SourceAttempt, error: AcemuxError): void {
    if (attempt !== this.#attempt) return;
    if (this.#settleTry) {
      this.#settleTry(beforeMedia(error));
      return;
    }
    const { engines, observer, owner } = this.#deps;
    observer.attemptFailed(error.code);
    engines.report(attempt.slot.engine.id, { ok: false, reason: error.code });
    owner.onExhausted(error);
  }
}

/** A source that ends before there was anything to watch did not end while it played. */
function beforeMedia(error: AcemuxError): AcemuxError {
  if (error.code !== 'source_ended' && error.code !== 'source_failed') return error;
  return new AcemuxError('engine_closed', undefined, { cause: error });
}
