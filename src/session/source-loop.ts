import { untilAborted } from '../base/abort.ts';
import { type Clock, sleep } from '../base/clock.ts';
import { AcemuxError, asAcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Playback, PlaybackStat, SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import { type Answer, Identification } from './identification.ts';
import type { KnownName } from './known-names.ts';
import type {
  AttemptOutcome,
  EngineSlot,
  EngineSource,
  NameResolver,
  SessionEngine,
  SessionObserver,
} from './ports.ts';
import { type AttemptOwner, SourceAttempt } from './source-attempt.ts';
import { asksAnother, furthest } from './start-outcome.ts';

/** Whom the loop feeds: the session. */
export interface SourceLoopOwner {
  /** An engine has told, without opening anything, which broadcast the name means. */
  onIdentified(identity: KnownName): void;
  /** Another source is about to deliver: what the one before delivered and nobody has begun to watch is void. */
  onSourceBegins(): void;
  /** The engine has opened a playback; `kind` is the kind of name that it knew the stream by. */
  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void;
  /** Media bytes of the source in use, cut anywhere. */
  onMedia(chunk: Buffer): void;
  /** Nothing more will come. */
  onExhausted(error: AcemuxError): void;
}

export interface SourceLoopDeps {
  readonly selector: StreamSelector;
  /** What must have ended before an engine is asked: the predecessor under the same name. */
  readonly after: Promise<void>;
  /** What is known of the name already. */
  readonly identity: KnownName | undefined;
  /** The engine that the viewer's last stream was on. */
  readonly preferredEngine: string | undefined;
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

interface LostSource {
  readonly attempt: SourceAttempt;
  readonly error: AcemuxError;
}

interface TryResult {
  readonly attempt: SourceAttempt;
  readonly error: AcemuxError | undefined;
}

/** Losses within this time count together, and each makes the pause before the next attempt so much longer. */
const LOSSES_WITHIN_MS = 60_000;
const PAUSE_STEP_MS = 1_000;
const PAUSE_MAX_MS = 10_000;

/** How long a source that ended waits for a start on its engine that may have ended it, milliseconds. */
const UNDERSTANDING_MS = 5_000;

/**
 * Keeps one session supplied: learns which broadcast its name means, then asks engines, one after the other, until one
 * delivers something to watch; and again when that one ends.
 */
export class SourceLoop implements AttemptOwner {
  readonly #deps: SourceLoopDeps;
  readonly #abort = new AbortController();
  /** All that still hold something on an engine, the abandoned ones included. */
  readonly #attempts = new Set<SourceAttempt>();
  #attempt: SourceAttempt | undefined;
  #running: Promise<void> = Promise.resolve();
  #infohash: string | undefined;
  #kind: SelectorKind;
  #kindIsKnown: boolean;
  #hasAskedForName = false;
  /** Settles the try under way: with an error, or with undefined when there is something to watch. */
  #settleTry: ((error: AcemuxError | undefined) => void) | undefined;
  /** The source that played and is over, with why. */
  #lost: LostSource | undefined;
  #wakeForLoss: (() => void) | undefined;
  /** When sources were lost of late, on the clock. */
  #lossesAtMs: number[] = [];

  constructor(deps: SourceLoopDeps) {
    this.#deps = deps;
    this.#infohash = deps.identity?.infohash;
    this.#kind = deps.identity?.kind ?? deps.selector.kind;
    this.#kindIsKnown = deps.identity !== undefined;
  }

  /** The engine in use, or asked now. */
  get engine(): SessionEngine | undefined {
    return this.#attempt?.slot.engine;
  }

  /** Whether this is the attempt that the session is fed by. */
  isUsing(attempt: SourceAttempt): boolean {
    return attempt === this.#attempt;
  }

  /** What that engine last said of the playback. */
  get stat(): PlaybackStat | undefined {
    return this.#attempt?.stat;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** What the source in use delivers can be watched: the start is over. */
  confirm(): void {
    this.#settleTry?.(undefined);
  }

  /** What the source in use delivers, or would deliver, can't be watched. */
  reject(code: ReasonCode): void {
    const error = new AcemuxError(code);
    if (this.#settleTry) this.#settleTry(error);
    else this.#lose(error);
  }

  /** Ends every attempt; resolves when no engine has anything of it left. Never rejects. */
  async stop(reason: ReasonCode): Promise<void> {
    this.#abort.abort(new AcemuxError(reason));
    await Promise.all([this.#running, ...[...this.#attempts].map((attempt) => attempt.end(reason))]);
  }

  /** Lets an attempt go that another session goes on with. */
  handOver(attempt: SourceAttempt): void {
    this.#attempts.delete(attempt);
    if (this.#attempt === attempt) this.#attempt = undefined;
  }

  /**
   * Goes on with an attempt of another session on the same engine, whose playback of the same broadcast replaces the
   * one in use there (reference 5); of two starts under way, with the one that the engine was asked for last.
   */
  takeOver(attempt: SourceAttempt): void {
    const current = this.#attempt;
    this.#attempts.add(attempt);
    attempt.moveTo(this);
    void attempt.released.then(() => this.#attempts.delete(attempt));
    if (current && !current.playback && attempt.isOlderThan(current)) {
      attempt.yieldTo(current);
      return;
    }
    this.#attempt = attempt;
    current?.yieldTo(attempt);
    this.#deps.owner.onSourceBegins();
  }

  /** Never rejects: how it ends is told to the owner. */
  async #run(): Promise<void> {
    const { observer, owner } = this.#deps;
    const { signal } = this.#abort;
    let error = await this.#seek();
    while (!error && !signal.aborted) {
      const lost = await this.#untilLost();
      if (!lost) return;
      observer.attemptFailed(lost.error.code);
      this.#report(lost.attempt, { ok: false, reason: lost.error.code, hadPlayed: true });
      await this.#pause();
      error = await this.#seek(lost.attempt.slot.engine.id);
    }
    if (error && !signal.aborted) owner.onExhausted(error);
  }

  /** A source that is lost again and again is not asked for again at once. */
  async #pause(): Promise<void> {
    const { clock } = this.#deps;
    const nowMs = clock.nowMs();
    this.#lossesAtMs = [...this.#lossesAtMs.filter((atMs) => nowMs - atMs < LOSSES_WITHIN_MS), nowMs];
    const pauseMs = Math.min(PAUSE_MAX_MS, (this.#lossesAtMs.length - 1) * PAUSE_STEP_MS);
    if (pauseMs > 0) await sleep(clock, pauseMs, this.#abort.signal).catch(() => {}); // Only when stopped.
  }

  #report({ slot }: SourceAttempt, outcome: AttemptOutcome): void {
    // What fleet and log call the stream: its infohash as soon as that is known.
    const stream = this.#infohash ?? this.#deps.selector.hash;
    this.#deps.engines.report({ engineId: slot.engine.id, stream, outcome });
  }

  /** Asks engines until one delivers something to watch: then undefined, else why none does. */
  async #seek(lastEngine?: string): Promise<AcemuxError | undefined> {
    const { clock, engines, observer, preferredEngine, startTimeoutMs } = this.#deps;
    const { signal } = this.#abort;
    const tooLong = new AbortController();
    const deadline = clock.startTimer(startTimeoutMs, () => tooLong.abort(new AcemuxError('no_media')));
    const withinTime = AbortSignal.any([signal, tooLong.signal]);
    const failures: ReasonCode[] = [];
    let failure: AcemuxError | undefined;
    const exclude = new Set<string>();
    try {
      await untilAborted(this.#deps.after, withinTime);
      const resolver = this.#infohash ? undefined : engines.consult();
      if (resolver) await this.#identify(resolver, withinTime);
      withinTime.throwIfAborted();
      while (asksAnother(failures)) {
        const slot = await engines.reserve(
          { exclude, infohash: this.#infohash, preferredEngine, lastEngine },
          withinTime,
        );
        if (withinTime.aborted) slot.release();
        withinTime.throwIfAborted();
        if (!this.#infohash && !this.#hasAskedForName) {
          // No engine could be asked before this one was found.
          await this.#identify(slot.engine.client, withinTime).finally(() => slot.release());
          withinTime.throwIfAborted();
          continue;
        }
        exclude.add(slot.engine.id);
        const { attempt, error } = await this.#try(slot, failures.length === 0, withinTime);
        if (signal.aborted) return undefined;
        if (!error) {
          this.#report(attempt, { ok: true });
          return undefined;
        }
        this.#report(attempt, { ok: false, reason: error.code, hadPlayed: false });
        observer.attemptFailed(error.code);
        failures.push(error.code);
        // That its time was up says less of this engine than that of an earlier one nobody had the stream.
        if (!withinTime.aborted || failure?.code !== 'zero_peers') failure = furthest(failure, error);
        withinTime.throwIfAborted();
      }
    } catch (error) {
      // That time is up says less than what an engine has said.
      if (!tooLong.signal.aborted) failure = furthest(failure, asAcemuxError(error));
    } finally {
      deadline.cancel();
    }
    return failure ?? new AcemuxError('no_media');
  }

  /**
   * Learns which broadcast the name means, if an engine tells soon; what it tells later is used when it comes.
   * @throws AcemuxError vod_not_yet
   */
  async #identify(resolver: NameResolver, signal: AbortSignal): Promise<void> {
    const { clock, log, selector } = this.#deps;
    this.#hasAskedForName = true;
    const identification = new Identification({ ...selector, resolver, clock, log, signal });
    const answer = await identification.soon();
    if (answer === undefined) {
      void identification.answer.then((late) => this.#use(late, signal));
      return;
    }
    this.#use(answer, signal);
    if (typeof answer === 'object' && answer.isLive === false) throw new AcemuxError('vod_not_yet');
  }

  #use(answer: Answer, signal: AbortSignal): void {
    if (signal.aborted || answer === 'untold') return;
    if (answer === 'unknown') {
      // Neither kind is known: what has failed as one need not be tried as the other.
      this.#kindIsKnown = true;
      if (this.#attempt?.progress.code === 'content_unknown') this.reject('content_unknown');
      return;
    }
    // What a started playback is called counts more.
    if (this.#attempt?.playback) return;
    this.#infohash = answer.infohash;
    this.#kind = answer.kind;
    this.#kindIsKnown = true;
    this.#attempt?.slot.identify(answer.infohash);
    this.#deps.owner.onIdentified(answer);
    if (answer.isLive === false) this.reject('vod_not_yet');
  }

  /** Resolves without an error once there is something to watch, else with why not; then the attempt is ended. */
  async #try(slot: EngineSlot, isFirst: boolean, signal: AbortSignal): Promise<TryResult> {
    const { clock, firstByteTimeoutMs, log, owner, selector } = this.#deps;
    const settled = Promise.withResolvers<AcemuxError | undefined>();
    const attempt = new SourceAttempt({
      slot,
      selector: { ...selector, kind: this.#kind },
      mayTryOtherKind: () => isFirst && !this.#kindIsKnown,
      firstByteTimeoutMs,
      clock,
      log,
      owner: this,
    });
    const settle = (error: AcemuxError | undefined): void => {
      if (this.#settleTry !== settle) return;
      // From this moment on, a source that ends has ended while it played, and one that failed is not heard.
      this.#settleTry = undefined;
      if (error) this.#drop(error.code);
      settled.resolve(error);
    };
    this.#settleTry = settle;
    this.#attempt = attempt;
    this.#attempts.add(attempt);
    owner.onSourceBegins();
    attempt.start();
    void attempt.released.then(() => this.#attempts.delete(attempt));
    const onAbort = (): void => {
      // Time is up: how far this engine has got says more than that.
      const error = this.#abort.signal.aborted ? asAcemuxError(signal.reason) : this.#attempt?.progress;
      settle(error ?? new AcemuxError('no_media'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return { attempt, error: await settled.promise };
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #drop(reason: ReasonCode): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    void attempt?.end(reason);
  }

  #lose(error: AcemuxError): void {
    const attempt = this.#attempt;
    if (!attempt) return;
    this.#drop(error.code);
    this.#lost = { attempt, error };
    this.#wakeForLoss?.();
  }

  /** Resolves when the source that plays is over; undefined: the session is. */
  async #untilLost(): Promise<LostSource | undefined> {
    const { signal } = this.#abort;
    const woken = Promise.withResolvers<void>();
    this.#wakeForLoss = woken.resolve;
    if (!this.#lost) await untilAborted(woken.promise, signal).catch(() => {}); // The session is over.
    this.#wakeForLoss = undefined;
    const lost = this.#lost;
    this.#lost = undefined;
    return signal.aborted ? undefined : lost;
  }

  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void {
    if (attempt !== this.#attempt) return;
    this.#infohash = playback.infohash;
    this.#kind = kind;
    this.#kindIsKnown = true;
    this.#deps.owner.onPlayback(attempt, playback, kind);
  }

  onMedia(attempt: SourceAttempt, chunk: Buffer): void {
    if (attempt === this.#attempt) this.#deps.owner.onMedia(chunk);
  }

  onOver(attempt: SourceAttempt, error: AcemuxError): Promise<void> | undefined {
    if (attempt !== this.#attempt) return undefined;
    const understood = attempt.slot.untilOthersKnown(this.#abort.signal);
    if (!understood) {
      this.#conclude(attempt, error);
      return undefined;
    }
    // What ended it may be a start of this same broadcast under another name: then that goes on here.
    return untilLate(understood, this.#deps.clock).then(() => this.#conclude(attempt, error));
  }

  #conclude(attempt: SourceAttempt, error: AcemuxError): void {
    if (attempt !== this.#attempt) return;
    if (this.#settleTry) this.#settleTry(beforeMedia(error));
    else this.#lose(error);
  }
}

/** Resolves when the promise has settled, or after `UNDERSTANDING_MS`. */
async function untilLate(promise: Promise<void>, clock: Clock): Promise<void> {
  const settled = new AbortController();
  const end = (): void => settled.abort();
  promise.then(end, end);
  await sleep(clock, UNDERSTANDING_MS, settled.signal).catch(() => {}); // It has settled.
}

/** A source that ends before there was anything to watch did not end while it played. */
function beforeMedia(error: AcemuxError): AcemuxError {
  if (error.code !== 'source_ended' && error.code !== 'source_failed') return error;
  return new AcemuxError('engine_closed', undefined, { cause: error });
}
