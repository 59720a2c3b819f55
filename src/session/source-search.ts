import { untilAborted } from '../base/abort.ts';
import { AcemuxError, asAcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Playback, SelectorKind } from '../engine/types.ts';
import { type Answer, Identification } from './identification.ts';
import type { EngineSlot, NameResolver } from './ports.ts';
import { type AttemptOwner, SourceAttempt } from './source-attempt.ts';
import type { SourceLoopDeps } from './source-loop-deps.ts';
import type { Kept } from './standby.ts';
import { asksAnother, furthest } from './start-outcome.ts';

/** What is known of the stream's name; it outlives every search. */
export interface StreamName {
  infohash: string | undefined;
  kind: SelectorKind;
  kindIsKnown: boolean;
  hasAsked: boolean;
}

export interface SearchChoice {
  /** The engine that has just lost the stream, or is about to. */
  readonly lastEngine: string | undefined;
  /** Whether viewers have a ring already that a new source must be joined to. */
  readonly isReplacement: boolean;
  /** What was kept for this: it is tried first. */
  readonly kept?: Kept | undefined;
  readonly signal: AbortSignal;
}

interface Tried {
  readonly attempt: SourceAttempt;
  /** Undefined: it delivers. */
  readonly error: AcemuxError | undefined;
}

/** Why an attempt is never tried elsewhere while viewers wait: the broadcast itself stands still. */
const STANDS_STILL: ReadonlySet<ReasonCode> = new Set(['no_media', 'zero_peers']);

/**
 * Asks engines, one after the other, each once, until one delivers: one round, for a start or for a replacement.
 */
export class SourceSearch implements AttemptOwner {
  readonly #deps: SourceLoopDeps;
  readonly #name: StreamName;
  readonly #choice: SearchChoice;
  /** All that still hold something on an engine, the abandoned ones included. */
  readonly #attempts: Set<SourceAttempt>;
  #trial: SourceAttempt | undefined;
  #lastAsked: string | undefined;
  /** Settles the try under way: with an error, or with undefined when there is something to watch. */
  #settle: ((error: AcemuxError | undefined) => void) | undefined;

  constructor(deps: SourceLoopDeps, name: StreamName, attempts: Set<SourceAttempt>, choice: SearchChoice) {
    this.#deps = deps;
    this.#name = name;
    this.#attempts = attempts;
    this.#choice = choice;
  }

  /** The engine that it asked last. */
  get lastAsked(): string | undefined {
    return this.#lastAsked;
  }

  /** The attempt under way. */
  get trial(): SourceAttempt | undefined {
    return this.#trial;
  }

  /**
   * Resolves to the attempt that delivers, which then is the caller's.
   * @throws AcemuxError why none does; the signal's reason
   */
  async run(): Promise<SourceAttempt> {
    const { clock, engines, observer, preferredEngine, startTimeoutMs } = this.#deps;
    const { signal, lastEngine, isReplacement, kept } = this.#choice;
    const tooLong = new AbortController();
    const deadline = clock.startTimer(startTimeoutMs, () => tooLong.abort(new AcemuxError('no_media')));
    const withinTime = AbortSignal.any([signal, tooLong.signal]);
    const failures: ReasonCode[] = [];
    let failure: AcemuxError | undefined;
    const exclude = new Set<string>();
    const noteFailure = (attempt: SourceAttempt, error: AcemuxError): void => {
      signal.throwIfAborted();
      observer.attemptFailed(error.code);
      this.#deps.report(attempt, { ok: false, reason: error.code, hadPlayed: false });
      failures.push(error.code);
      // That its time was up says less of this engine than that of an earlier one nobody had the stream.
      if (!withinTime.aborted || failure?.code !== 'zero_peers') failure = furthest(failure, error);
      withinTime.throwIfAborted();
    };
    try {
      if (kept) {
        // Before anything is waited for, so that it is never without an owner.
        const slot = kept.kind === 'place' ? kept.slot : kept.attempt.slot;
        exclude.add(slot.engine.id);
        this.#lastAsked = slot.engine.id;
        const { attempt, error } = await (kept.kind === 'place'
          ? this.#try(slot, true, withinTime)
          : this.#call(kept.attempt, withinTime));
        if (!error) return attempt;
        noteFailure(attempt, error);
      }
      await untilAborted(this.#deps.after, withinTime);
      const resolver = this.#name.infohash ? undefined : engines.consult();
      if (resolver) await this.#identify(resolver, withinTime);
      withinTime.throwIfAborted();
      while (asksAnother(failures, isReplacement)) {
        const { infohash } = this.#name;
        const slot = await engines.reserve({ exclude, infohash, preferredEngine, lastEngine }, withinTime);
        if (withinTime.aborted) slot.release();
        withinTime.throwIfAborted();
        if (!infohash && !this.#name.hasAsked) {
          // No engine could be asked before this one was found.
          await this.#identify(slot.engine.client, withinTime).finally(() => slot.release());
          withinTime.throwIfAborted();
          continue;
        }
        exclude.add(slot.engine.id);
        this.#lastAsked = slot.engine.id;
        const { attempt, error } = await this.#try(slot, failures.length === 0, withinTime);
        if (!error) return attempt;
        noteFailure(attempt, error);
        if (isReplacement && STANDS_STILL.has(error.code)) break;
      }
    } catch (error) {
      signal.throwIfAborted();
      // That time is up says less than what an engine has said.
      if (!tooLong.signal.aborted) failure = furthest(failure, asAcemuxError(error));
    } finally {
      deadline.cancel();
    }
    throw failure ?? new AcemuxError('no_media');
  }

  /** What the attempt under way delivers can be watched. */
  confirm(attempt: SourceAttempt): void {
    if (attempt === this.#trial) this.#settle?.(undefined);
  }

  /** What it delivers, or would deliver, can't be used. */
  reject(attempt: SourceAttempt | undefined, code: ReasonCode): void {
    if (attempt && attempt === this.#trial) this.#settle?.(new AcemuxError(code));
  }

  /** Lets the attempt under way go, which somebody else goes on with. */
  handOver(attempt: SourceAttempt): void {
    if (attempt !== this.#trial) return;
    this.#trial = undefined;
    this.#deps.owner.onAttemptOver(attempt);
  }

  /** Gives back what was kept for this search and is tried now, playing as before; the search is over without it. */
  giveBack(): SourceAttempt | undefined {
    const { kept } = this.#choice;
    if (kept?.kind !== 'playback' || kept.attempt !== this.#trial) return undefined;
    this.#trial = undefined;
    return kept.attempt;
  }

  /** Goes on with another attempt on the same engine, or leaves that to the one under way if it was asked for later. */
  takeOver(attempt: SourceAttempt): void {
    const current = this.#trial;
    if (current && !current.playback && attempt.isOlderThan(current)) {
      attempt.yieldTo(current);
      return;
    }
    this.#trial = attempt;
    attempt.moveTo(this);
    if (current) {
      current.yieldTo(attempt);
      this.#deps.owner.onAttemptOver(current);
    }
    this.#deps.owner.onAttempt(attempt);
  }

  /**
   * Learns which broadcast the name means, if an engine tells soon; what it tells later is used when it comes.
   * @throws AcemuxError vod_not_yet
   */
  async #identify(resolver: NameResolver, signal: AbortSignal): Promise<void> {
    const { clock, log, selector } = this.#deps;
    this.#name.hasAsked = true;
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
      this.#name.kindIsKnown = true;
      if (this.#trial?.progress.code === 'content_unknown') this.reject(this.#trial, 'content_unknown');
      return;
    }
    // What a started playback is called counts more.
    if (this.#trial?.playback) return;
    Object.assign(this.#name, { infohash: answer.infohash, kind: answer.kind, kindIsKnown: true });
    this.#trial?.slot.identify(answer.infohash);
    this.#deps.owner.onIdentified(answer);
    if (answer.isLive === false) this.reject(this.#trial, 'vod_not_yet');
  }

  /** Resolves without an error once there is something to watch, else with why not; then the attempt is ended. */
  #try(slot: EngineSlot, isFirst: boolean, signal: AbortSignal): Promise<Tried> {
    const { clock, firstByteTimeoutMs, log, owner, selector } = this.#deps;
    const begun = new SourceAttempt({
      slot,
      selector: { ...selector, kind: this.#name.kind },
      mayTryOtherKind: () => isFirst && !this.#name.kindIsKnown,
      firstByteTimeoutMs,
      clock,
      log,
      owner: this,
    });
    return this.#untilSettled(begun, signal, () => {
      this.#attempts.add(begun);
      owner.onAttempt(begun);
      begun.start();
      void begun.released.then(() => this.#attempts.delete(begun));
    });
  }

  /** The same for one that plays already, which delivers soon or not at all. */
  async #call(attempt: SourceAttempt, signal: AbortSignal): Promise<Tried> {
    const { clock, owner, spliceWaitMs } = this.#deps;
    const patience = clock.startTimer(spliceWaitMs, () => this.reject(attempt, 'no_media'));
    attempt.moveTo(this);
    try {
      return await this.#untilSettled(attempt, signal, () => owner.onCalled(attempt));
    } finally {
      patience.cancel();
    }
  }

  /** Resolves when `begun`, or what has taken its place, delivers, or has failed and is ended. */
  async #untilSettled(begun: SourceAttempt, signal: AbortSignal, begin: () => void): Promise<Tried> {
    const { owner } = this.#deps;
    const settled = Promise.withResolvers<Tried>();
    const settle = (error: AcemuxError | undefined): void => {
      if (this.#settle !== settle) return;
      this.#settle = undefined;
      const attempt = this.#trial;
      this.#trial = undefined;
      // Without one, somebody else goes on with it.
      if (attempt && error) {
        void attempt.end(error.code);
        owner.onAttemptOver(attempt);
      } else if (attempt) this.#deps.onFound(attempt);
      settled.resolve({ attempt: attempt ?? begun, error });
    };
    this.#settle = settle;
    this.#trial = begun;
    begin();
    const onAbort = (): void => {
      // Time is up: how far this engine has got says more than that.
      const isOver = this.#choice.signal.aborted;
      settle((isOver ? undefined : this.#trial?.progress) ?? asAcemuxError(signal.reason));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await settled.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void {
    if (attempt !== this.#trial) return;
    Object.assign(this.#name, { infohash: playback.infohash, kind, kindIsKnown: true });
    this.#deps.owner.onPlayback(attempt, playback, kind);
  }

  onMedia(attempt: SourceAttempt, chunk: Buffer): void {
    if (attempt === this.#trial) this.#deps.owner.onMedia(attempt, chunk);
  }

  onOver(attempt: SourceAttempt, error: AcemuxError): Promise<void> | undefined {
    if (attempt !== this.#trial) return undefined;
    return this.#deps.afterOthers(attempt, () => {
      if (attempt === this.#trial) this.#settle?.(beforeMedia(error));
    });
  }
}

/** A source that ends before there was anything to watch did not end while it played. */
function beforeMedia(error: AcemuxError): AcemuxError {
  if (error.code !== 'source_ended' && error.code !== 'source_failed') return error;
  return new AcemuxError('engine_closed', undefined, { cause: error });
}
