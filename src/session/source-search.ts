import { untilAborted } from '../base/abort.ts';
import { AcemuxError, asAcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Playback, SelectorKind } from '../engine/types.ts';
import { type Answer, Identification } from './identification.ts';
import type { EngineSlot, NameResolver, PlaceRequest } from './ports.ts';
import { type AttemptOwner, SourceAttempt } from './source-attempt.ts';
import type { SourceLoopDeps } from './source-loop-deps.ts';
import { SourceRace } from './source-race.ts';
import type { Kept } from './standby.ts';
import { asksAnother, ENGINES_PER_START_MAX, furthest } from './start-outcome.ts';

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
  /** The stream is to leave its engine, which does well. */
  readonly isMove?: boolean;
  /** Only this engine is asked; undefined: any. */
  readonly onlyEngine?: string | undefined;
  /** Whether viewers have a ring already that a new source must be joined to. */
  readonly isReplacement: boolean;
  /** What was kept for this: it is tried first. */
  readonly kept?: Kept | undefined;
  /** What must have ended, beside what the loop waits for, before an engine is asked. It never rejects. */
  readonly after?: Promise<void> | undefined;
  readonly signal: AbortSignal;
}

/** Why an attempt is never tried elsewhere while viewers wait: the broadcast itself stands still. */
const STANDS_STILL: ReadonlySet<ReasonCode> = new Set(['no_media', 'zero_peers']);

/**
 * Asks engines, one after the other, each once, until one delivers: one round, for a start or for a replacement. A start
 * that is slow asks one of them before the one under way is over.
 */
export class SourceSearch implements AttemptOwner {
  readonly #deps: SourceLoopDeps;
  readonly #name: StreamName;
  readonly #choice: SearchChoice;
  /** All that still hold something on an engine, the abandoned ones included. */
  readonly #attempts: Set<SourceAttempt>;
  readonly #race: SourceRace;
  /** Ids of the engines that were asked. */
  readonly #asked = new Set<string>();
  readonly #failures: ReasonCode[] = [];
  /** The failure that got furthest. */
  #failure: AcemuxError | undefined;
  /** Aborts when nobody wants a source any more, or the time is up. */
  #signal: AbortSignal;
  /** The attempt under way has taken so long that a second engine is to be asked beside it. */
  #isSlow = false;
  #hasHedged = false;
  /** The attempt on that second engine, unless it has become more than that. */
  #hedge: SourceAttempt | undefined;

  constructor(deps: SourceLoopDeps, name: StreamName, attempts: Set<SourceAttempt>, choice: SearchChoice) {
    this.#deps = deps;
    this.#name = name;
    this.#attempts = attempts;
    this.#choice = choice;
    this.#signal = choice.signal;
    this.#race = new SourceRace(deps.owner);
  }

  /** The engine that it asked last. */
  get lastAsked(): string | undefined {
    return [...this.#asked].at(-1);
  }

  /** The attempt under way; of several the one that is furthest. */
  get trial(): SourceAttempt | undefined {
    return this.#race.leader;
  }

  /** All attempts under way. */
  get racers(): readonly SourceAttempt[] {
    return this.#race.racers;
  }

  /**
   * Resolves to the attempt that delivers, which then is the caller's.
   * @throws AcemuxError why none does; the signal's reason
   */
  async run(): Promise<SourceAttempt> {
    const { clock, engines, startTimeoutMs } = this.#deps;
    const { after, signal, isReplacement, kept } = this.#choice;
    const tooLong = new AbortController();
    const deadline = clock.startTimer(startTimeoutMs, () => tooLong.abort(new AcemuxError('no_media')));
    const withinTime = AbortSignal.any([signal, tooLong.signal]);
    this.#signal = withinTime;
    try {
      // Before anything is waited for, so that it is never without an owner.
      const insured = kept && (await this.#tryKept(kept));
      if (insured) return insured;
      withinTime.throwIfAborted();
      await untilAborted(this.#deps.after, withinTime);
      if (after !== undefined) await untilAborted(after, withinTime);
      const resolver = this.#name.infohash ? undefined : engines.consult();
      if (resolver) await this.#identify(resolver);
      withinTime.throwIfAborted();
      while (this.#asked.size < ENGINES_PER_START_MAX && asksAnother(this.#failures, isReplacement)) {
        const slot = await engines.reserve(this.#request, withinTime);
        if (withinTime.aborted) slot.release();
        withinTime.throwIfAborted();
        if (!this.#name.infohash && !this.#name.hasAsked) {
          // No engine could be asked before this one was found.
          await this.#identify(slot.engine.client).finally(() => slot.release());
          withinTime.throwIfAborted();
          continue;
        }
        const winner = await this.#try(slot);
        if (winner) return winner;
        withinTime.throwIfAborted();
        const last = this.#failures.at(-1);
        if (isReplacement && last !== undefined && STANDS_STILL.has(last)) break;
        if (this.#choice.onlyEngine !== undefined) break;
      }
    } catch (error) {
      signal.throwIfAborted();
      // That time is up says less than what an engine has said.
      if (!tooLong.signal.aborted) this.#failure = furthest(this.#failure, asAcemuxError(error));
    } finally {
      deadline.cancel();
    }
    throw this.#failure ?? new AcemuxError('no_media');
  }

  get #request(): PlaceRequest {
    const { preferredEngine } = this.#deps;
    const { isMove, lastEngine, onlyEngine } = this.#choice;
    // The engine that is left plays the stream, so it is none to wait for.
    const left = isMove && lastEngine !== undefined ? [lastEngine] : [];
    const exclude = new Set([...this.#asked, ...left]);
    return { exclude, infohash: this.#name.infohash, preferredEngine, lastEngine, onlyEngine };
  }

  /** What this attempt delivers can be watched. */
  confirm(attempt: SourceAttempt): void {
    if (!this.#race.has(attempt)) return;
    const { log, observer, onFound, report, stream } = this.#deps;
    // Whoever was asked later had less time.
    const outrun = this.racers.filter((racer) => racer !== attempt && racer.isOlderThan(attempt));
    // Told while what they have sent is still there.
    for (const { slot } of outrun) observer.attemptFailed('outrun', stream, slot.engine.id, false);
    this.#race.win(attempt);
    for (const loser of outrun) report(loser, { ok: false, reason: 'outrun', hadPlayed: false });
    if (attempt === this.#hedge) {
      log.info({ engine: attempt.slot.engine.id }, 'the second engine delivers first');
      observer.hedgeWon(stream, attempt.slot.engine.id);
      this.#hedge = undefined;
    }
    onFound(attempt);
  }

  /** What it delivers, or would deliver, can't be used. */
  reject(attempt: SourceAttempt | undefined, code: ReasonCode): void {
    if (attempt) this.#fail(attempt, new AcemuxError(code));
  }

  /** Lets an attempt under way go, which somebody else goes on with. */
  handOver(attempt: SourceAttempt): void {
    this.#race.handOver(attempt);
    if (attempt === this.#hedge) this.#hedge = undefined;
  }

  /** Gives back what was kept for this search and is tried now, playing as before. */
  giveBack(): SourceAttempt | undefined {
    const { kept } = this.#choice;
    if (kept?.kind !== 'playback') return undefined;
    return this.#race.leave(kept.attempt) ? kept.attempt : undefined;
  }

  /** Goes on with another attempt on the same engine, or leaves that to the one under way if it was asked for later. */
  takeOver(attempt: SourceAttempt): void {
    attempt.moveTo(this);
    this.#race.takeOver(attempt);
  }

  /**
   * Learns which broadcast the name means, if an engine tells soon; what it tells later is used when it comes.
   * @throws AcemuxError vod_not_yet
   */
  async #identify(resolver: NameResolver): Promise<void> {
    const identification = this.#ask(resolver);
    const answer = await identification.soon();
    if (answer === undefined) {
      void identification.answer.then((late) => this.#use(late));
      return;
    }
    this.#use(answer);
    if (typeof answer === 'object' && answer.isLive === false) throw new AcemuxError('vod_not_yet');
  }

  #ask(resolver: NameResolver): Identification {
    const { clock, log, selector } = this.#deps;
    this.#name.hasAsked = true;
    return new Identification({ ...selector, resolver, clock, log, signal: this.#signal });
  }

  #use(answer: Answer): void {
    if (this.#signal.aborted || answer === 'untold') return;
    const { trial } = this;
    if (answer === 'unknown') {
      // Neither kind is known: what has failed as one need not be tried as the other.
      this.#name.kindIsKnown = true;
      if (trial?.progress.code === 'content_unknown') this.reject(trial, 'content_unknown');
      return;
    }
    // What a started playback is called counts more.
    if (this.#name.infohash !== undefined) return;
    Object.assign(this.#name, { infohash: answer.infohash, kind: answer.kind, kindIsKnown: true });
    trial?.slot.identify(answer.infohash);
    this.#deps.owner.onIdentified(answer);
    if (answer.isLive === false) this.reject(trial, 'vod_not_yet');
    else this.#considerHedge();
  }

  /** Asks an engine, and perhaps a second one. Resolves to what delivers; to undefined when neither does, or time is up. */
  async #try(slot: EngineSlot): Promise<SourceAttempt | undefined> {
    const { clock, hedgeAfterMs } = this.#deps;
    const signal = this.#signal;
    const over = this.#race.over();
    const onAbort = (): void => this.#giveUp();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#isSlow = false;
    const slow =
      hedgeAfterMs > 0 && !this.#choice.isReplacement
        ? clock.startTimer(hedgeAfterMs, () => this.#onSlow())
        : undefined;
    this.#begin(slot);
    if (signal.aborted) onAbort();
    try {
      return await over;
    } finally {
      slow?.cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** A place is used like any other; what plays already delivers soon or not at all. */
  async #tryKept(kept: Kept): Promise<SourceAttempt | undefined> {
    if (kept.kind === 'place') return this.#try(kept.slot);
    const { clock, owner, spliceWaitMs } = this.#deps;
    const { attempt } = kept;
    const over = this.#race.over();
    const onAbort = (): void => this.#giveUp();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    const patience = clock.startTimer(spliceWaitMs, () => this.reject(attempt, 'no_media'));
    this.#asked.add(attempt.slot.engine.id);
    attempt.moveTo(this);
    this.#race.goOn(attempt);
    owner.onCalled(attempt);
    if (this.#signal.aborted) onAbort();
    try {
      return await over;
    } finally {
      patience.cancel();
      this.#signal.removeEventListener('abort', onAbort);
    }
  }

  #begin(slot: EngineSlot): SourceAttempt {
    const { clock, firstByteTimeoutMs, log, selector } = this.#deps;
    this.#asked.add(slot.engine.id);
    const isFirst = this.#failures.length === 0;
    const attempt = new SourceAttempt({
      slot,
      selector: { ...selector, kind: this.#name.kind },
      infohash: this.#name.infohash,
      mayTryOtherKind: () => isFirst && !this.#name.kindIsKnown,
      isReplacement: this.#choice.isReplacement,
      firstByteTimeoutMs,
      clock,
      log,
      owner: this,
    });
    this.#attempts.add(attempt);
    this.#race.enter(attempt);
    attempt.start();
    void attempt.released.then(() => this.#attempts.delete(attempt));
    return attempt;
  }

  // ── a slow start ────────────────────────────────────────────────────────────────────────────────────────

  #onSlow(): void {
    this.#isSlow = true;
    this.#considerHedge();
    if (this.#name.infohash !== undefined) return;
    // Another engine may know what the one under way has not told; asking it opens nothing.
    const resolver = this.#deps.engines.consult();
    if (resolver) void this.#ask(resolver).answer.then((answer) => this.#use(answer));
  }

  /**
   * Asks a second engine beside the slow one, once in a search. Not before it is known which broadcast it is: two starts
   * of an unknown one could turn out to be what others have on these engines (DESIGN invariant 1).
   */
  #considerHedge(): void {
    const { engines, log, observer, owner, stream } = this.#deps;
    const [slow] = this.racers;
    if (!this.#isSlow || this.#hasHedged || !slow || owner.clientCount === 0) return;
    // Nor where the slow one might still say what no other would then be asked after.
    if (this.#name.infohash === undefined || !asksAnother([...this.#failures, 'content_unknown'])) return;
    const slot = engines.reserveIdle(this.#request, () => this.#giveHedgeBack());
    if (!slot) return;
    log.info(
      { engine: slot.engine.id, slow: slow.slot.engine.id },
      'a second engine is asked: the start is slow',
    );
    observer.hedgeBegun(stream, slot.engine.id, slow.slot.engine.id);
    this.#hasHedged = true;
    this.#hedge = this.#begin(slot);
  }

  /** Another stream needs the second engine: it is not asked any longer, unless it is the only one by now. */
  #giveHedgeBack(): boolean {
    const hedge = this.#hedge;
    if (hedge && this.racers.length > 1) this.#race.remove(hedge, 'outrun');
    return hedge !== undefined && !this.#race.has(hedge);
  }

  // ── the ends of attempts ────────────────────────────────────────────────────────────────────────────────

  /** Others under way go on, unless they would only say the same. */
  #fail(attempt: SourceAttempt, error: AcemuxError, isTimeUp = false): void {
    if (!this.#race.has(attempt)) return;
    this.#deps.observer.attemptFailed(error.code, this.#deps.stream, attempt.slot.engine.id, false);
    this.#deps.report(attempt, { ok: false, reason: error.code, hadPlayed: false });
    this.#failures.push(error.code);
    // That its time was up says less of this engine than that of an earlier one nobody had the stream.
    if (!isTimeUp || this.#failure?.code !== 'zero_peers') this.#failure = furthest(this.#failure, error);
    this.#race.remove(attempt, error.code);
    if (!asksAnother([error.code], this.#choice.isReplacement)) this.#race.cancel(error.code);
  }

  /** Nobody wants a source any more, or time is up: then how far each engine has got says more than that. */
  #giveUp(): void {
    const { signal } = this.#choice;
    if (!signal.aborted) for (const attempt of this.racers) this.#fail(attempt, attempt.progress, true);
    this.#race.cancel(asAcemuxError(this.#signal.reason).code);
  }

  // ── what attempts tell ──────────────────────────────────────────────────────────────────────────────────

  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void {
    if (!this.#race.has(attempt)) return;
    const other = this.racers.find((racer) => racer !== attempt && racer.playback !== undefined);
    if (other?.playback && other.playback.infohash !== playback.infohash) {
      // Nobody can tell which of the two is meant, and neither engine is to blame: the one that was told first goes on.
      this.#deps.log.info({ engine: attempt.slot.engine.id }, 'engines disagree about what the name means');
      this.#race.remove(attempt, 'outrun');
      return;
    }
    Object.assign(this.#name, { infohash: playback.infohash, kind, kindIsKnown: true });
    this.#deps.owner.onPlayback(attempt, playback, kind);
    this.#considerHedge();
  }

  onMedia(attempt: SourceAttempt, chunk: Buffer): void {
    if (this.#race.has(attempt)) this.#deps.owner.onMedia(attempt, chunk);
  }

  onOver(attempt: SourceAttempt, error: AcemuxError): Promise<void> | undefined {
    if (!this.#race.has(attempt)) return undefined;
    return this.#deps.afterOthers(attempt, () => this.#fail(attempt, beforeMedia(error)));
  }
}

/** A source that ends before there was anything to watch did not end while it played. */
function beforeMedia(error: AcemuxError): AcemuxError {
  if (error.code !== 'source_ended' && error.code !== 'source_failed') return error;
  return new AcemuxError('engine_closed', undefined, { cause: error });
}
