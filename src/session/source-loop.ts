import { type Clock, sleep, type Timer } from '../base/clock.ts';
import { AcemuxError, asAcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Playback, PlaybackStat, SelectorKind } from '../engine/types.ts';
import type { AttemptOutcome, SessionEngine } from './ports.ts';
import { SearchBackoff } from './search-backoff.ts';
import type { AttemptOwner, SourceAttempt } from './source-attempt.ts';
import type { SourceLoopChoice, SourceLoopDeps } from './source-loop-deps.ts';
import { SourceSearch, type StreamName } from './source-search.ts';
import { Standby } from './standby.ts';

/** How often the source in use is judged. */
const TICK_MS = 250;
/** How long a source that ended waits for a start on its engine that may have ended it. */
const UNDERSTANDING_MS = 5_000;

/**
 * Keeps one session supplied. One source is in use; when it ends, is given up, or is under suspicion, a search asks other
 * engines, and what it finds takes its place (make before break, where the old one still delivers).
 */
export class SourceLoop implements AttemptOwner {
  readonly #deps: SourceLoopDeps;
  readonly #abort = new AbortController();
  readonly #attempts = new Set<SourceAttempt>();
  readonly #name: StreamName;
  #inUse: SourceAttempt | undefined;
  #inUseSinceMs = 0;
  #search: { readonly search: SourceSearch; readonly abort: AbortController } | undefined;
  #searching: Promise<void> = Promise.resolve();
  #tick: Timer | undefined;
  readonly #backoff: SearchBackoff;
  /** The last search found no engine with a place. */
  #isAlone = false;
  /** Why the last search found nothing; undefined once one has. */
  #lastFailure: ReasonCode | undefined;
  #hasPlayed = false;
  #leaving: ReasonCode | undefined;
  /** The source in use was told to be in doubt. */
  #isDoubted = false;
  /** A second engine, where the stream is insured. */
  readonly standby: Standby;
  /** Somebody wants the stream elsewhere: the source in use is left although it does well. */
  #isMoving = false;
  #isOver = false;

  constructor(choice: SourceLoopChoice) {
    this.#deps = {
      ...choice,
      report: (attempt, outcome) => this.#report(attempt, outcome),
      afterOthers: (attempt, conclude) => this.#afterOthers(attempt, conclude),
      onFound: (attempt) => this.#use(attempt),
    };
    this.#backoff = new SearchBackoff(choice.clock);
    const { identity, selector } = choice;
    this.#name = {
      infohash: identity?.infohash,
      kind: identity?.kind ?? selector.kind,
      kindIsKnown: identity !== undefined,
      hasAsked: false,
    };
    const { owner } = choice;
    this.standby = new Standby({
      ...choice,
      mode: choice.standby,
      onBegin: (attempt) => {
        this.#hold(attempt);
        owner.onAttemptAside(attempt);
      },
      onMedia: (attempt, chunk) => owner.onMedia(attempt, chunk),
      onOver: (attempt) => owner.onAttemptOver(attempt),
      report: (attempt, outcome) => this.#report(attempt, outcome),
      afterOthers: (attempt, conclude) => this.#afterOthers(attempt, conclude),
    });
  }

  /** The engine in use, or asked now. */
  get engine(): SessionEngine | undefined {
    return (this.#inUse ?? this.#trial)?.slot.engine;
  }

  /** What that engine last said of the playback. */
  get stat(): PlaybackStat | undefined {
    return (this.#inUse ?? this.#trial)?.stat;
  }

  /** Whether an engine has opened a playback for it. */
  get hasPlayback(): boolean {
    return this.#inUse?.playback !== undefined || this.#trial?.playback !== undefined;
  }

  /** Whether it is the one in use or, where none is, the one of those under way that is furthest. */
  isLeading(attempt: SourceAttempt): boolean {
    return attempt === (this.#inUse ?? this.#trial);
  }

  isInUse(attempt: SourceAttempt): boolean {
    return attempt === this.#inUse;
  }

  usesEngine(engineId: string): boolean {
    return this.attempts.some(({ slot }) => slot.engine.id === engineId);
  }

  /** The attempts that deliver, or may. */
  get attempts(): readonly SourceAttempt[] {
    const all = [this.#inUse, ...(this.#search?.search.racers ?? []), this.standby.attempt];
    return all.filter((attempt) => attempt !== undefined);
  }

  /** Whether there is no other engine to hope for. */
  get mustJoin(): boolean {
    return this.#isAlone && this.#hasPlayed;
  }

  get #trial(): SourceAttempt | undefined {
    return this.#search?.search.trial;
  }

  start(): void {
    this.#beginSearch(undefined);
    this.#scheduleTick();
  }

  /** What the attempt delivers can be watched. */
  confirm(attempt: SourceAttempt): void {
    this.#search?.search.confirm(attempt);
  }

  /** What the attempt delivers, or would deliver, can't be used. */
  reject(attempt: SourceAttempt, code: ReasonCode): void {
    if (attempt === this.#inUse) this.#lose(attempt, new AcemuxError(code));
    else if (attempt === this.standby.attempt) this.standby.reject(code);
    else this.#search?.search.reject(attempt, code);
  }

  /**
   * The engine has harmed whatever of this session it plays. Resolves when nothing of that is left there.
   * @param after what must have ended before another engine is asked, where it was in use
   */
  async rejectOn(engineId: string, code: ReasonCode, after?: Promise<void>): Promise<void> {
    const harmed = this.attempts.filter(({ slot }) => slot.engine.id === engineId);
    for (const attempt of harmed) {
      if (attempt === this.#inUse) this.#lose(attempt, new AcemuxError(code), after);
      else this.reject(attempt, code);
    }
    await Promise.all(harmed.map(({ released }) => released));
  }

  /** Ends every attempt; resolves when no engine has anything of it left. Never rejects. */
  async stop(reason: ReasonCode): Promise<void> {
    this.#isOver = true;
    this.#tick?.cancel();
    this.#backoff.cancel();
    const error = new AcemuxError(reason);
    this.standby.giveUp(reason);
    this.#abort.abort(error);
    this.#search?.abort.abort(error);
    await Promise.all([this.#searching, ...[...this.#attempts].map((attempt) => attempt.end(reason))]);
  }

  /** Lets an attempt go that another session goes on with. */
  handOver(attempt: SourceAttempt): void {
    this.#attempts.delete(attempt);
    this.#search?.search.handOver(attempt);
    if (this.#inUse === attempt) this.#inUse = undefined;
  }

  /**
   * Goes on with an attempt of another session on the same engine, whose playback of the same broadcast replaces the
   * one in use there (reference 5); of two starts under way, with the one that the engine was asked for last.
   */
  takeOver(attempt: SourceAttempt): void {
    this.#hold(attempt);
    const old = this.#inUse;
    if (attempt.slot.engine.id === this.standby.attempt?.slot.engine.id) this.standby.takeOver(attempt);
    else if (old && old.slot.engine.id === attempt.slot.engine.id) {
      attempt.moveTo(this);
      this.#inUse = attempt;
      old.yieldTo(attempt);
      this.#deps.owner.onAttemptOver(old);
      this.#deps.owner.onAttempt(attempt);
      this.#watchSlot(attempt);
    } else this.#search?.search.takeOver(attempt);
  }

  /** It is ended with the session at the latest. */
  #hold(attempt: SourceAttempt): void {
    this.#attempts.add(attempt);
    void attempt.released.then(() => this.#attempts.delete(attempt));
  }

  // ── a second engine ─────────────────────────────────────────────────────────────────────────────────────

  /** What played beside goes on, and the source in use until now plays beside. */
  switchTo(attempt: SourceAttempt): void {
    const old = this.#inUse;
    const standby = this.standby;
    if (!old || attempt !== standby.attempt) return;
    standby.take();
    this.#inUse = attempt;
    this.#inUseSinceMs = this.#deps.clock.nowMs();
    attempt.moveTo(this);
    this.#watchSlot(attempt);
    standby.adopt(old);
  }

  #insure(inUse: SourceAttempt): void {
    const standby = this.standby;
    const { infohash, kind } = this.#name;
    if (this.#deps.owner.clientCount === 0) standby.giveUp('idle');
    else if (infohash !== undefined) standby.keep({ infohash, kind, engineId: inUse.slot.engine.id });
  }

  // ── moving ──────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Looks for another engine, this one if one is named, and goes on there; the one in use plays until then, and is kept
   * where there is no other.
   * @throws AcemuxError move_impossible
   */
  move(engineId: string | undefined): void {
    const inUse = this.#inUse;
    if (!inUse || this.#search || this.#isOver) throw new AcemuxError('move_impossible');
    if (inUse.slot.engine.id === engineId) {
      throw new AcemuxError('move_impossible', 'The stream is on this engine already.');
    }
    this.#isMoving = true;
    this.#searchBeside(inUse, 'moved_by_operator', engineId);
  }

  // ── searching ───────────────────────────────────────────────────────────────────────────────────────────

  /**
   * @param after the search begins when this has resolved
   * @param onlyEngine no other one is asked
   */
  #beginSearch(lastEngine: string | undefined, after?: Promise<void>, onlyEngine?: string): void {
    if (this.#search || this.#isOver) return;
    this.#backoff.cancel();
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#abort.signal]);
    const isKeptMeant = onlyEngine === undefined || onlyEngine === this.standby.engineId;
    const kept = isKeptMeant ? this.standby.take() : undefined;
    const isMove = this.#isMoving;
    const choice = {
      lastEngine,
      onlyEngine,
      isMove,
      isReplacement: this.#hasPlayed,
      kept,
      after,
      signal,
    };
    const search = new SourceSearch(this.#deps, this.#name, this.#attempts, choice);
    this.#search = { search, abort };
    this.#searching = this.#runSearch(search, signal, lastEngine);
  }

  /** Never rejects. */
  async #runSearch(search: SourceSearch, signal: AbortSignal, lastEngine: string | undefined): Promise<void> {
    const wasUrgent = this.#isUrgent;
    let error: AcemuxError | undefined;
    try {
      await search.run();
    } catch (failure) {
      error = asAcemuxError(failure);
    }
    if (this.#search?.search === search) this.#search = undefined;
    this.#isMoving = false;
    if (this.#isOver || !error || signal.aborted) return;
    this.#isAlone = true;
    this.#lastFailure = error.code;
    if (!this.#hasPlayed) {
      this.#exhaust(error);
      return;
    }
    this.#deps.log.info({ reason: error.code, detail: error.message }, 'no other source for now');
    // One that took the whole time without a result must not take that of the next search, too.
    const last = search.lastAsked ?? lastEngine;
    // It only waited for a place beside the source in use, which has been lost since: now its own engine has one.
    if (this.#isUrgent && !wasUrgent && search.lastAsked === undefined) this.#beginSearch(last);
    else this.#backoff.failed(this.#isUrgent, error.code, this.#searchOnceDue(last));
  }

  /** Viewers wait for another source, or will. */
  get #isUrgent(): boolean {
    return !this.#inUse || this.#leaving !== undefined;
  }

  /** What a pause leads to. */
  #searchOnceDue(lastEngine: string | undefined): () => void {
    return () => {
      if (this.#isUrgent) this.#beginSearch(lastEngine);
    };
  }

  /** The source in use does well: what was begun to replace it is given up. */
  #endSuspicion({ slot }: SourceAttempt): void {
    if (this.#isDoubted) this.#deps.observer.sourceTrusted(this.#deps.stream, slot.engine.id);
    this.#isDoubted = false;
    const kept = this.#search?.search.giveBack();
    if (kept) {
      this.standby.adopt(kept);
      this.#deps.owner.onSetAside(kept);
    }
    this.#search?.abort.abort(new AcemuxError('abandoned'));
    this.#search = undefined;
    // Whether it is alone the next time is to be found out then.
    if (!this.#backoff.isOver) return;
    this.#isAlone = false;
    this.#backoff.trusted();
  }

  /** A search has found a source: the one in use so far has done its duty. */
  #use(attempt: SourceAttempt): void {
    const { clock, log, owner } = this.#deps;
    const old = this.#inUse;
    // The search is over, though it says so a moment later: should this one be lost at once, another begins.
    this.#search = undefined;
    this.#inUse = attempt;
    this.#inUseSinceMs = clock.nowMs();
    this.#hasPlayed = true;
    this.#isDoubted = false;
    this.#isMoving = false;
    this.#leaving = undefined;
    this.#lastFailure = undefined;
    this.#isAlone = false;
    this.#backoff.found();
    attempt.moveTo(this);
    this.#watchSlot(attempt);
    this.#report(attempt, { ok: true });
    if (!old) return;
    log.info({ from: old.slot.engine.id, to: attempt.slot.engine.id }, 'source replaced');
    void old.end('source_replaced');
    owner.onAttemptOver(old);
  }

  /** An engine that leaves the fleet tells so: the stream moves, while it still plays there. */
  #watchSlot(attempt: SourceAttempt): void {
    const { leaving } = attempt.slot;
    const onLeaving = (): void => {
      if (attempt !== this.#inUse) return;
      this.#leaving = 'engine_leaving';
      this.#searchBeside(attempt, 'engine_leaving');
    };
    if (leaving.aborted) onLeaving();
    else leaving.addEventListener('abort', onLeaving, { once: true });
  }

  // ── the source in use ───────────────────────────────────────────────────────────────────────────────────

  #scheduleTick(): void {
    this.#tick = this.#deps.clock.startTimer(TICK_MS, () => {
      if (this.#isOver) return;
      this.#scheduleTick();
      this.#deps.owner.onTick();
      this.#judge();
    });
  }

  #judge(): void {
    const { owner, retryBudgetMs } = this.#deps;
    if (!this.#hasPlayed || this.#isOver) return;
    const inUse = this.#inUse;
    if (owner.heldMs() >= retryBudgetMs) {
      const isScrambled = this.#lastFailure === 'content_scrambled';
      this.#exhaust(new AcemuxError(isScrambled ? 'content_scrambled' : 'retry_budget_spent'));
      return;
    }
    if (!inUse) return;
    this.#backoff.goesOn(this.#inUseSinceMs);
    const verdict = owner.judge(inUse, this.#isAlone);
    if (verdict.kind === 'condemned') this.#lose(inUse, new AcemuxError(verdict.reason));
    else if (verdict.kind === 'suspect') this.#searchOnSuspicion(inUse, verdict.reason);
    else if (this.#leaving === undefined && !this.#isMoving) {
      this.#endSuspicion(inUse);
      this.#insure(inUse);
    }
  }

  #searchOnSuspicion(inUse: SourceAttempt, reason: ReasonCode): void {
    if (this.#backoff.isOver) this.#searchBeside(inUse, reason);
  }

  /** Looks for another source while this one plays. */
  #searchBeside({ slot }: SourceAttempt, reason: ReasonCode, onlyEngine?: string): void {
    const { observer, stream } = this.#deps;
    if (!this.#search && !this.#isOver) {
      this.#isDoubted = true;
      observer.sourceDoubted(reason, stream, slot.engine.id);
    }
    this.#beginSearch(slot.engine.id, undefined, onlyEngine);
  }

  /** The source in use is over: another one is searched for at once, unless one is already. */
  #lose(attempt: SourceAttempt, error: AcemuxError, after?: Promise<void>): void {
    if (attempt !== this.#inUse) return;
    this.#inUse = undefined;
    this.#isDoubted = false;
    this.#isMoving = false;
    void attempt.end(error.code);
    this.#deps.owner.onAttemptOver(attempt);
    const { id } = attempt.slot.engine;
    this.#deps.observer.attemptFailed(error.code, this.#deps.stream, id, true);
    this.#report(attempt, { ok: false, reason: error.code, hadPlayed: true });
    if (this.#backoff.lost(this.#inUseSinceMs, this.#searchOnceDue(id))) this.#beginSearch(id, after);
  }

  #exhaust(error: AcemuxError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deps.owner.onExhausted(error);
  }

  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void {
    if (attempt === this.#inUse) this.#deps.owner.onPlayback(attempt, playback, kind);
  }

  onMedia(attempt: SourceAttempt, chunk: Buffer): void {
    if (attempt === this.#inUse) this.#deps.owner.onMedia(attempt, chunk);
  }

  onOver(attempt: SourceAttempt, error: AcemuxError): Promise<void> | undefined {
    if (attempt !== this.#inUse) return undefined;
    return this.#afterOthers(attempt, () => this.#lose(attempt, error));
  }

  /** What ended it may be a start of this same broadcast under another name: then that goes on here. */
  #afterOthers(attempt: SourceAttempt, conclude: () => void): Promise<void> | undefined {
    const known = attempt.slot.untilOthersKnown(this.#abort.signal);
    if (known !== undefined) return untilLate(known, this.#deps.clock).then(conclude);
    conclude();
    return undefined;
  }

  #report({ slot }: SourceAttempt, outcome: AttemptOutcome): void {
    // What fleet and log call the stream: its infohash as soon as that is known.
    const stream = this.#name.infohash ?? this.#deps.selector.hash;
    this.#deps.engines.report({ engineId: slot.engine.id, stream, outcome });
  }
}

/** Resolves when the promise has settled, or after `UNDERSTANDING_MS`. */
async function untilLate(promise: Promise<void>, clock: Clock): Promise<void> {
  const settled = new AbortController();
  const end = (): void => settled.abort();
  promise.then(end, end);
  await sleep(clock, UNDERSTANDING_MS, settled.signal).catch(() => {}); // It has settled.
}
