import type { Clock } from '../base/clock.ts';
import type { AcemuxError, ReasonCode } from '../base/reasons.ts';
import { RecentRate } from '../base/recent-rate.ts';
import type { Playback, PlaybackStat, SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import { AttemptBook } from './attempt-record.ts';
import type { BufferMemory } from './buffer-memory.ts';
import { type BufferedSession, Intake, type IntakeNews, type IntakeSwitch } from './intake.ts';
import type { KnownName } from './known-names.ts';
import { LiveNotice } from './live-notice.ts';
import type { MediaEvidence } from './media-evidence.ts';
import { PlaybackContest } from './playback-contest.ts';
import type { EngineSource, ObservedStream, SessionEngine, SessionObserver } from './ports.ts';
import type { Ring } from './ring.ts';
import { bufferDetailOf, MediaLook, type SessionDetail } from './session-detail.ts';
import type { SessionLimits } from './session-limits.ts';
import { SessionWarnings } from './session-warnings.ts';
import type { SourceAttempt } from './source-attempt.ts';
import type { SourceVerdict } from './source-health.ts';
import { SourceLoop } from './source-loop.ts';
import type { SourceLoopOwner } from './source-loop-deps.ts';
import { type StandbyMode, standbyModeOf } from './standby-mode.ts';
import type { StreamFormat } from './types.ts';

/** Whom a supply feeds: the session. */
export interface SuppliedSession extends BufferedSession {
  /** Viewers, those included that wait for the start. */
  readonly clientCount: number;
  /** An engine has told which broadcast this is; nothing has been opened for that. */
  onIdentified(name: KnownName): void;
  /** An engine has opened a playback, and told which broadcast it is. */
  onPlayback(attempt: SourceAttempt, infohash: string, kind: SelectorKind): void;
  /** There is something to watch, for the first time. */
  onWatchable(): void;
  /** The ring has more. */
  onAdvance(): void;
  /** Nothing more will come. */
  onExhausted(error: AcemuxError): void;
}

export interface SupplyDeps {
  readonly session: SuppliedSession;
  readonly selector: StreamSelector;
  /** What observers are told that it is about. */
  readonly stream: ObservedStream;
  /** What must have ended before an engine is asked: the predecessor under the same name. */
  readonly after: Promise<void>;
  /** What is known of the name already. */
  readonly identity: KnownName | undefined;
  /** The engine that the viewer who asks first had its last stream on. */
  readonly preferredEngine: string | undefined;
  readonly engines: EngineSource;
  readonly memory: BufferMemory;
  readonly observer: SessionObserver;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a supply knows of a session. */
export interface SupplyDetail
  extends Pick<
    SessionDetail,
    'attempts' | 'buffer' | 'media' | 'bytesInPerSecond' | 'standbyEngine' | 'lastJoin' | 'unused'
  > {
  readonly standby: StandbyMode;
}

/** Where one session's media come from: engines that are asked, and the ring that they fill, one after the other. */
export class Supply implements SourceLoopOwner {
  readonly #deps: SupplyDeps;
  readonly #identified = Promise.withResolvers<string>();
  readonly #live: LiveNotice;
  readonly #warnings: SessionWarnings;
  readonly #contest = new PlaybackContest();
  readonly #intake: Intake;
  readonly #source: SourceLoop;
  readonly #attempts = new AttemptBook();
  readonly #mediaLook = new MediaLook();
  readonly #rateIn: RecentRate;
  #standbyMode: StandbyMode;
  #playback: Playback | undefined;
  #infohash: string | undefined;
  #isWatchable = false;
  #spliceCount = 0;

  constructor(deps: SupplyDeps) {
    this.#deps = deps;
    const { clock, identity, limits, log, observer, selector, session, stream } = deps;
    this.#live = new LiveNotice(identity?.isLive === true);
    this.#warnings = new SessionWarnings(log, observer, stream);
    this.#infohash = identity?.infohash;
    // Those who wait hear it; there may be nobody.
    this.#identified.promise.catch(() => {});
    this.#rateIn = new RecentRate(clock.nowMs());
    const standby = standbyModeOf(limits, [selector.hash, identity?.infohash]);
    this.#standbyMode = standby;
    const standbyWindowMs = standby === 'hot' ? limits.standbyWindowMs : undefined;
    this.#intake = new Intake({ ...deps, session, standbyWindowMs, nowMs: clock.nowMs() });
    this.#source = new SourceLoop({ ...deps, ...limits, standby, owner: this });
  }

  // ── what is seen ────────────────────────────────────────────────────────────────────────────────────────

  get ring(): Ring {
    return this.#intake.ring;
  }

  /** Bytes received from engines. */
  get bytesIn(): number {
    return this.#intake.bytesIn;
  }

  get infohash(): string | undefined {
    return this.#infohash;
  }

  /** Resolves to the infohash once an engine has told it; rejects if that never comes. */
  get identified(): Promise<string> {
    return this.#identified.promise;
  }

  /** What the engine in use has opened. */
  get playback(): Playback | undefined {
    return this.#playback;
  }

  /** The engine in use, or asked now. */
  get engine(): SessionEngine | undefined {
    return this.#source.engine;
  }

  /** What that engine last said of the playback. */
  get stat(): PlaybackStat | undefined {
    return this.#source.stat;
  }

  /** What the stream is made of. */
  formatAt(nowMs: number): StreamFormat | undefined {
    return this.#mediaLook.glance(this.ring, nowMs);
  }

  /** How often another source has gone on with it. */
  get spliceCount(): number {
    return this.#spliceCount;
  }

  /** Whether an engine has opened a playback for it. */
  get hasPlayback(): boolean {
    return this.#source.hasPlayback;
  }

  /** What is worth a warning. */
  get warnings(): readonly ReasonCode[] {
    return this.#warnings.given;
  }

  /** Something else is worth a warning. */
  warn(reason: ReasonCode): void {
    this.#warnings.give(reason);
  }

  get clientCount(): number {
    return this.#deps.session.clientCount;
  }

  /** Whether this engine plays for it, or is asked to. */
  usesEngine(engineId: string): boolean {
    return this.#source.usesEngine(engineId);
  }

  /** Calls back as soon as it is known that this is a live stream, perhaps at once. Returns how to stop waiting. */
  tellLive(onLive: () => void): () => void {
    return this.#live.tell(onLive);
  }

  // ── life ────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    this.#source.start();
  }

  /** Ends all that was begun on engines; resolves when they have nothing of it left. Never rejects. */
  stop(error: AcemuxError, reason: ReasonCode, isWatched: boolean): Promise<void> {
    this.#identified.reject(error);
    this.#intake.close(isWatched);
    return this.#source.stop(reason);
  }

  /** It is somebody else's now that tells which broadcast it is. */
  identifyAs(other: Supply): void {
    this.#identified.resolve(other.identified);
  }

  /** Leaves an attempt to another session's supply, which goes on with it. */
  handOver(attempt: SourceAttempt, target: Supply): void {
    this.#source.handOver(attempt);
    target.#source.takeOver(attempt);
  }

  /** What this engine delivers can't be used, or not any longer; see `SourceLoop.rejectOn`. */
  leaveEngine(engineId: string, reason: ReasonCode, after?: Promise<void>): Promise<void> {
    return this.#source.rejectOn(engineId, reason, after);
  }

  /** Gives up the second engine that it keeps in reserve; false: it keeps none. */
  giveUpStandby(): boolean {
    const { standby } = this.#source;
    if (standby.engineId === undefined) return false;
    standby.giveUp('abandoned');
    return true;
  }

  /**
   * Goes on at another engine, this one if one is named, as soon as that delivers.
   * @throws AcemuxError move_impossible
   */
  move(engineId: string | undefined): void {
    this.#source.move(engineId);
  }

  // ── what is changed while it plays ──────────────────────────────────────────────────────────────────────

  /** The ring keeps so much from now on. */
  setBuffer(buffer: Pick<SessionLimits, 'bufferBytes' | 'bufferMs'>): void {
    this.#intake.setBuffer(buffer);
  }

  /** The stream is insured so from now on. */
  setStandby(mode: StandbyMode): void {
    if (mode === this.#standbyMode) return;
    this.#standbyMode = mode;
    this.#intake.setStandbyWindow(mode === 'hot' ? this.#deps.limits.standbyWindowMs : undefined);
    this.#source.standby.setMode(mode);
  }

  /** What is known of it, for somebody who looks for what is wrong. */
  detail(triedEngine?: string): SupplyDetail {
    const nowMs = this.#deps.clock.nowMs();
    return {
      attempts: this.#attempts.list(),
      buffer: bufferDetailOf(this.ring, this.#intake.heldMs(nowMs)),
      media: this.#mediaLook.look(this.ring, nowMs),
      bytesInPerSecond: this.#rateIn.perSecond(nowMs),
      standby: this.#standbyMode,
      standbyEngine: this.#source.standby.engineId,
      lastJoin: this.#intake.lastJoin,
      unused: triedEngine === undefined ? undefined : this.#unusedOf(triedEngine),
    };
  }

  #unusedOf(engineId: string): MediaEvidence | undefined {
    const attempt = this.#source.attempts.find(({ slot }) => slot.engine.id === engineId);
    return attempt && this.#intake.unusedOf(attempt);
  }

  // ── what the source tells ───────────────────────────────────────────────────────────────────────────────
  onAttempt(attempt: SourceAttempt): void {
    this.#attempts.add(attempt, false);
    this.#notePlayback(attempt);
    this.#intake.begin(attempt, this.#deps.clock.nowMs());
  }

  onAttemptAside(attempt: SourceAttempt): void {
    this.#attempts.add(attempt, true);
    this.#intake.begin(attempt, this.#deps.clock.nowMs(), true);
  }

  onCalled(attempt: SourceAttempt): void {
    const before = this.#intake.ring.head;
    const nowMs = this.#deps.clock.nowMs();
    this.#intake.call(attempt, nowMs);
    this.#take(attempt, this.#intake.tick(attempt, nowMs, false));
    this.#tellAdvance(before);
  }

  onSetAside(attempt: SourceAttempt): void {
    this.#intake.setAside(attempt, this.#deps.clock.nowMs());
  }

  onAttemptOver(attempt: SourceAttempt): void {
    this.#intake.end(attempt);
    void attempt.released.then(() => this.#noteForgotten(attempt));
  }

  /** That may happen; again and again it is somebody else who plays this broadcast there, and neither has it for long. */
  #noteForgotten({ slot, wasForgotten }: SourceAttempt): void {
    if (!wasForgotten || !this.#contest.noteLoss(slot.engine.id, this.#deps.clock.nowMs())) return;
    this.warn('playback_contested');
  }

  onIdentified(name: KnownName): void {
    this.#infohash = name.infohash;
    if (name.isLive) this.#live.note();
    this.#deps.session.onIdentified(name);
  }

  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void {
    if (!playback.isLive) {
      this.#playback = playback;
      this.#deps.session.onIdentified({ infohash: playback.infohash, kind, isLive: false });
      this.#source.reject(attempt, 'vod_not_yet');
      return;
    }
    this.#deps.session.onPlayback(attempt, playback.infohash, kind);
    this.#notePlayback(attempt);
  }

  /** It may be one of several, or have been left to another session, or given up: what is said of the one in use counts. */
  #notePlayback(attempt: SourceAttempt): void {
    const { playback } = attempt;
    if (!playback || !this.#source.isLeading(attempt)) return;
    this.#playback = playback;
    this.#infohash = playback.infohash;
    this.#identified.resolve(playback.infohash);
    this.#live.note();
  }

  onMedia(attempt: SourceAttempt, chunk: Buffer): void {
    const before = this.#intake.ring.head;
    const nowMs = this.#deps.clock.nowMs();
    this.#rateIn.note(chunk.length, nowMs);
    this.#take(attempt, this.#intake.push(attempt, chunk, nowMs));
    this.#tellAdvance(before);
  }

  onTick(): void {
    const before = this.#intake.ring.head;
    const nowMs = this.#deps.clock.nowMs();
    for (const attempt of this.#source.attempts) {
      this.#take(attempt, this.#intake.tick(attempt, nowMs, this.#source.mustJoin));
    }
    this.#tellAdvance(before);
  }

  #take(attempt: SourceAttempt, news: IntakeNews): void {
    if (news.kind === 'unusable') this.#source.reject(attempt, news.reason);
    if (news.kind === 'plays_along') this.#confirmStandby(attempt, news.lagMs);
    if (news.kind === 'switched') this.#switch(news);
    if (news.kind === 'differs') this.#deps.observer.standbyDiffered(news.count);
    if (news.kind !== 'delivers') return;
    this.#noteDelivering(attempt);
    const { hasDelivered, splice } = news;
    // One that only repeated itself has come back to where it was: nothing has changed.
    if (splice && !(splice.kind === 'same-broadcast' && hasDelivered)) {
      this.#deps.log.info({ engine: attempt.slot.engine.id, ...splice }, 'source joined');
      this.#deps.observer.sourceSpliced(splice, this.#deps.stream, attempt.slot.engine.id);
      this.#noteSplice();
    }
    this.#source.confirm(attempt);
    this.#notePlayback(attempt);
    if (this.#isWatchable) return;
    this.#isWatchable = true;
    this.#deps.session.onWatchable();
  }

  #confirmStandby(attempt: SourceAttempt, lagMs: number): void {
    this.#noteDelivering(attempt);
    this.#source.standby.confirm(attempt, lagMs);
  }

  #noteDelivering(attempt: SourceAttempt): void {
    const { deliveringAfterMs, firstByteAfterMs } = attempt.times;
    attempt.noteDelivering();
    if (deliveringAfterMs !== undefined || firstByteAfterMs === undefined) return;
    this.#deps.observer.attemptDelivered(firstByteAfterMs / 1000, this.#deps.stream, attempt.slot.engine.id);
  }

  #switch({ to, why, splice }: IntakeSwitch): void {
    const attempt = this.#source.attempts.find((each) => each === to);
    if (!attempt) return;
    this.#deps.log.debug({ engine: attempt.slot.engine.id, why, ...splice }, 'standby goes on');
    this.#deps.observer.standbySwitched(why, this.#deps.stream, attempt.slot.engine.id);
    this.#noteSplice();
    this.#source.switchTo(attempt);
    this.#notePlayback(attempt);
  }

  #noteSplice(): void {
    this.#spliceCount++;
    this.#mediaLook.doubt(this.#deps.clock.nowMs());
  }

  #tellAdvance(headBefore: number): void {
    this.#warnings.look(this.#intake);
    if (this.#intake.ring.head > headBefore) this.#deps.session.onAdvance();
  }

  judge(attempt: SourceAttempt, isAlone: boolean): SourceVerdict {
    return this.#intake.judge(attempt, attempt.stat, isAlone, this.#deps.clock.nowMs());
  }

  heldMs(): number {
    return this.#intake.heldMs(this.#deps.clock.nowMs());
  }

  onExhausted(error: AcemuxError): void {
    this.#deps.session.onExhausted(error);
  }
}
