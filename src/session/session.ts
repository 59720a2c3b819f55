import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { untilAborted } from '../base/abort.ts';
import type { Timer } from '../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { PlaybackStat, SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { Attachment, SessionListener, ViewerInfo, WatchedSession } from './attachment.ts';
import { findBeginning } from './beginning.ts';
import { Cursor } from './cursor.ts';
import type { KnownName } from './known-names.ts';
import type { Past } from './past.ts';
import type { ObservedClient, ObservedStream, ViewerOutput } from './ports.ts';
import type { Ring } from './ring.ts';
import type { SessionDeps } from './session-deps.ts';
import { pastDetailOf, placeViewer, type SessionDetail, type StreamChanges } from './session-detail.ts';
import { SESSION_MOVES, type SessionState } from './session-state.ts';
import type { SourceAttempt } from './source-attempt.ts';
import { StreamLimits } from './stream-limits.ts';
import { type SuppliedSession, Supply } from './supply.ts';
import { keyTypeOf, type SessionSnapshot } from './types.ts';
import { Viewers } from './viewers.ts';

/** How long a start goes on after the last one who waited for it has left: players open twice. */
const ABANDON_GRACE_MS = 5_000;

/**
 * One stream, shared by all who watch it: one engine at a time feeds one ring, and every viewer holds a
 * cursor into it.
 *
 *   starting ──► playing ◄──► lingering
 *       └───────────┴─────────────┴────► ended
 */
export class Session implements WatchedSession, SuppliedSession {
  readonly #deps: SessionDeps<Session>;
  readonly #log: Log;
  readonly #stream: ObservedStream;
  readonly #ready = Promise.withResolvers<Session>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #listeners = new Set<SessionListener>();
  readonly #supply: Supply;
  readonly #sessionId = randomBytes(8).toString('hex');
  readonly #createdAtMs: number;
  readonly #createdAtWallMs: number;
  #state: SessionState = { name: 'starting' };
  #timer: Timer | undefined;
  #waiting = 0;
  /** Those who were let in. */
  readonly viewers: Viewers;
  #past: Past | undefined;
  readonly #limits: StreamLimits;
  #bytesOut = 0;
  #lastActivityMs: number;
  #startedAtWallMs: number | undefined;
  #endedAtWallMs: number | undefined;

  constructor(deps: SessionDeps<Session>) {
    this.#deps = deps;
    this.#log = deps.log.child({ session: deps.selector.hash });
    this.#stream = { id: deps.selector.hash, keyType: keyTypeOf(deps.selector), isLive: true };
    this.#limits = new StreamLimits(deps.limits);
    this.viewers = new Viewers({ ...deps, stream: this.#stream });
    this.#createdAtMs = deps.clock.nowMs();
    this.#createdAtWallMs = deps.clock.wallMs();
    this.#lastActivityMs = this.#createdAtMs;
    // Those who wait hear it; there may be nobody.
    this.#ready.promise.catch(() => {});
    this.#supply = new Supply({ ...deps, session: this, stream: this.#stream, log: this.#log });
  }

  // ── what is seen ────────────────────────────────────────────────────────────────────────────────────────

  /** Of this session alone, opaque. */
  get sessionId(): string {
    return this.#sessionId;
  }

  /** The 40-hex name it was first asked for. */
  get id(): string {
    return this.#deps.selector.hash;
  }

  get selector(): StreamSelector {
    return this.#deps.selector;
  }

  get infohash(): string | undefined {
    return this.#supply.infohash;
  }

  /** The id of the engine in use, or asked now. */
  get engineId(): string | undefined {
    return this.#supply.engine?.id;
  }

  /** Whether this engine plays for it, or is asked to. */
  usesEngine(engineId: string): boolean {
    return this.#supply.usesEngine(engineId);
  }

  /** Whether an engine has opened a playback for it. */
  get hasPlayback(): boolean {
    return this.#supply.hasPlayback;
  }

  get ring(): Ring {
    return this.#supply.ring;
  }

  /** How long nothing new has come, milliseconds. */
  get heldMs(): number {
    return this.#supply.heldMs();
  }

  get isActive(): boolean {
    return this.#state.name !== 'ended';
  }

  /** Viewers, those included that wait for the start. */
  get clientCount(): number {
    return this.viewers.count + this.#waiting;
  }

  /** Since when it has played without a viewer, on the clock; undefined while it has one, or does not play. */
  get lingeringSinceMs(): number | undefined {
    return this.#state.name === 'lingering' && this.clientCount === 0 ? this.#state.sinceMs : undefined;
  }

  /** Whether it is a start that everybody has left, and has a place on an engine. */
  get isAbandonedStart(): boolean {
    return this.#state.name === 'starting' && this.clientCount === 0 && this.#supply.engine !== undefined;
  }

  /** Resolves to the infohash once an engine has told it; rejects if the session ends before. */
  get identified(): Promise<string> {
    return this.#supply.identified;
  }

  /** Resolves when everything that it held is stopped and given back; never rejects. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get state(): SessionSnapshot['state'] {
    return this.#state.name;
  }

  /** What the engine in use last said of the playback. */
  get stat(): PlaybackStat | undefined {
    return this.#supply.stat;
  }

  /** `nowMs`: of the clock; whoever asks many sessions asks it once. */
  snapshot(nowMs = this.#deps.clock.nowMs()): SessionSnapshot {
    const { selector } = this.#deps;
    const { engine, playback } = this.#supply;
    return {
      sessionId: this.#sessionId,
      streamId: selector.hash,
      keyType: keyTypeOf(selector),
      infohash: this.infohash,
      state: this.#state.name,
      engine: engine && { id: engine.id, host: engine.host, port: engine.port },
      playbackSessionId: playback?.playbackSessionId,
      isLive: playback?.isLive ?? true,
      isEncrypted: playback?.isEncrypted ?? false,
      isActive: this.isActive,
      clientCount: this.clientCount - this.viewers.pausedCount,
      pausedCount: this.viewers.pausedCount,
      createdAtMs: this.#createdAtWallMs,
      startedAtMs: this.#startedAtWallMs,
      endedAtMs: this.#endedAtWallMs,
      error: this.#state.name === 'ended' ? this.#state.reason : undefined,
      idleSeconds: (nowMs - this.#lastActivityMs) / 1000,
      bytesIn: this.#supply.bytesIn,
      bytesOut: this.#bytesOut,
      warnings: this.#supply.warnings,
      format: this.#supply.formatAt(nowMs),
      spliceCount: this.#supply.spliceCount,
      stat: this.#supply.stat,
    };
  }

  // ── life ────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    this.#deps.observer.sessionStarted(this.#stream);
    this.#log.info({ kind: this.#deps.selector.kind }, 'session starts');
    this.#supply.start();
  }

  /** Ends the session for all its viewers, at once. `closed` tells when the engine is free again. */
  end(reason: ReasonCode, error = new AcemuxError(reason)): void {
    if (!this.isActive) return;
    const { clock, observer, owner } = this.#deps;
    this.#enter({ name: 'ended', reason });
    this.#endedAtWallMs = clock.wallMs();
    this.#ready.reject(error);
    observer.sessionEnded(reason, this.#ageSeconds, this.#stream);
    owner.onEnded(this);
    const stopped = this.#supply.stop(error, reason, this.viewers.count > 0);
    for (const listener of [...this.#listeners]) listener.onEnd(reason);
    void stopped.then(() => this.#closed.resolve());
  }

  /** Gives up the second engine that it keeps in reserve; false: it keeps none. */
  giveUpStandby(): boolean {
    return this.#supply.giveUpStandby();
  }

  /** Ends it at once, should it have no viewer: its place is needed. */
  giveWay(reason: ReasonCode = this.state === 'starting' ? 'abandoned' : 'idle'): void {
    if (this.clientCount === 0) this.end(reason);
  }

  /**
   * Sends those who wait for it to another session, which plays the same broadcast, and ends. Only while it starts:
   * nobody has been let in yet.
   */
  mergeInto(target: Session): void {
    this.#ready.resolve(target);
    this.#supply.identifyAs(target.#supply);
    this.end('merged');
  }

  /** Leaves an attempt to another session, which goes on with it. */
  handOver(attempt: SourceAttempt, target: Session): void {
    this.#supply.handOver(attempt, target.#supply);
  }

  /**
   * What this engine delivers can't be used, or not any longer: the session looks for another one, where it played once
   * `after` has ended. Resolves when nothing of it is left on this one. Never rejects.
   */
  leaveEngine(engineId: string, reason: ReasonCode, after?: Promise<void>): Promise<void> {
    return this.#supply.leaveEngine(engineId, reason, after);
  }

  /** Leaves a lingering session no more than `delayMs` from now; for the directory's bounds. */
  lingerAtMost(delayMs: number): void {
    if (this.#state.name === 'lingering') this.#startTimer(delayMs, () => this.end('idle'));
  }

  /** The only place where the state changes. */
  #enter(next: SessionState): void {
    const from = this.#state.name;
    assert(SESSION_MOVES[from].includes(next.name), `session ${from} -> ${next.name}`);
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#state = next;
    const reason = next.name === 'ended' ? { reason: next.reason } : {};
    this.#log.info({ from, to: next.name, ...reason }, 'session state');
    const { observer } = this.#deps;
    if (next.name === 'lingering') observer.sessionLingering(this.#stream);
    else if (next.name !== 'playing') return;
    else if (from === 'lingering') observer.sessionResumed(this.#stream);
    else observer.sessionPlaying(this.#stream, this.#ageSeconds, this.engineId);
  }

  get #ageSeconds(): number {
    return (this.#deps.clock.nowMs() - this.#createdAtMs) / 1000;
  }

  #startTimer(delayMs: number, fire: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.startTimer(delayMs, fire);
  }

  // ── viewers ─────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Lets a viewer in as soon as there is something to watch.
   * @param onLive called once, at most, as soon as it is known that this is a live stream
   * @throws AcemuxError why the session could not start or has ended; the signal's reason
   */
  async join(viewer: ViewerInfo, signal: AbortSignal, onLive?: () => void): Promise<Attachment> {
    const askedAtMs = this.#deps.clock.nowMs();
    this.#waiting++;
    if (this.#state.name === 'starting') this.#timer?.cancel();
    const forgetLive = onLive && this.#supply.tellLive(onLive);
    let target: Session = this;
    try {
      target = await untilAborted(this.#ready.promise, signal);
      if (target === this) {
        if (this.#state.name === 'ended') throw new AcemuxError(this.#state.reason);
        if (!this.#supply.ring.accessPoints.length) throw new AcemuxError('no_media');
      }
    } catch (error) {
      this.#waiting--;
      this.#considerEmptiness();
      throw error;
    } finally {
      forgetLive?.();
    }
    this.#waiting--;
    return target === this ? this.#admit(viewer, askedAtMs) : target.join(viewer, signal, onLive);
  }

  async #admit(viewer: ViewerInfo, askedAtMs: number): Promise<Attachment> {
    const attachment = this.#attach(viewer, askedAtMs);
    const { start, end } = viewer.wish ?? {};
    if (!start) return attachment;
    const { ring } = this.#supply;
    const nowWallMs = this.#deps.clock.wallMs();
    const found = await findBeginning(start, ring, this.#past, nowWallMs);
    const last = end && (await findBeginning(end, ring, this.#past, nowWallMs));
    if (!found) return attachment;
    const openCursor = (): Cursor => {
      const cursor = new Cursor(ring, found.point, this.#prebufferMs(viewer), this.#past);
      if (last) cursor.endPosition = last.point.position;
      return cursor;
    };
    return { ...attachment, beginning: found, openCursor };
  }

  #attach(viewer: ViewerInfo, askedAtMs: number): Attachment {
    this.#lastActivityMs = this.#deps.clock.nowMs();
    if (this.#state.name === 'lingering') this.#enter({ name: 'playing' });
    return this.viewers.admit(viewer, askedAtMs, {
      session: this,
      openCursor: () => this.#openCursor(viewer),
      onLeft: () => this.#considerEmptiness(),
    });
  }

  #prebufferMs(viewer: ViewerInfo): number {
    return this.#limits.prebufferMs([this.id, this.infohash], viewer.wish?.bufferMs);
  }

  #openCursor(viewer: ViewerInfo): Cursor {
    const prebufferMs = this.#prebufferMs(viewer);
    const point = this.#supply.ring.joinPoint(prebufferMs);
    // join() has looked for one in this same turn of the loop.
    if (!point) throw new AcemuxError('no_media');
    return new Cursor(this.#supply.ring, point, prebufferMs, this.#past);
  }

  /** With nobody left, a start is given up unless somebody comes back soon, and what plays lingers. */
  #considerEmptiness(): void {
    if (this.clientCount > 0) return;
    const { clock, limits, owner } = this.#deps;
    if (this.#state.name === 'starting') {
      this.#startTimer(ABANDON_GRACE_MS, () => this.end('abandoned'));
    } else if (this.#state.name === 'playing') {
      this.#enter({ name: 'lingering', sinceMs: clock.nowMs() });
      this.#startTimer(limits.idleTimeoutMs, () => this.end('idle'));
    } else return;
    owner.onUnwatched(this);
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    if (this.#state.name === 'ended') {
      // Whoever was let in may listen a moment later, when the source has ended meanwhile: it must hear of it too.
      const { reason } = this.#state;
      queueMicrotask(() => {
        if (this.#listeners.has(listener)) listener.onEnd(reason);
      });
    }
    return () => void this.#listeners.delete(listener);
  }

  countSkip(client?: ObservedClient): void {
    this.#deps.observer.clientSkipped(this.#stream, client);
  }

  countBytesOut(bytes: number, output: ViewerOutput = 'ts', nowMs = this.#deps.clock.nowMs()): void {
    this.#bytesOut += bytes;
    this.#lastActivityMs = nowMs;
    this.#deps.observer.bytesStreamed(bytes, output);
  }

  // ── what an operator may do ─────────────────────────────────────────────────────────────────────────────

  /**
   * Goes on at another engine, this one if one is named, as soon as that delivers; viewers stay.
   * @throws AcemuxError move_impossible
   */
  move(engineId: string | undefined): void {
    if (!this.isActive) throw new AcemuxError('stream_not_active');
    this.#log.info({ engine: engineId }, 'an operator moves the stream');
    this.#supply.move(engineId);
  }

  /** Changes what holds for this session, until it ends. */
  change(changes: StreamChanges): void {
    this.#limits.change(changes);
    this.#supply.setBuffer(this.#limits.buffer);
    this.#supply.setStandby(this.#limits.standby([this.id, this.infohash]));
    if (changes.timeshiftMs === undefined) return;
    this.#past?.setWindow(changes.timeshiftMs);
    if (changes.timeshiftMs === 0) this.#past = undefined;
    else if (!this.#past && this.#startedAtWallMs !== undefined) this.#keepPast();
  }

  /** Everything about it; with an engine that is tried for it, also what that has sent in vain. */
  detail(triedEngine?: string): SessionDetail {
    const { standby, ...supplied } = this.#supply.detail(triedEngine);
    const prebufferMs = this.#limits.prebufferMs([this.id, this.infohash]);
    return {
      session: this.snapshot(),
      viewers: this.viewers.list().map((viewer) => placeViewer(viewer, this.ring)),
      waitingCount: this.#waiting,
      ...supplied,
      past: this.#past && pastDetailOf(this.#past),
      settings: { ...this.#limits.buffer, prebufferMs, standby },
    };
  }

  onIdentified(name: KnownName): void {
    this.#deps.owner.onIdentified(this, name);
  }

  onPlayback(attempt: SourceAttempt, infohash: string, kind: SelectorKind): void {
    this.#deps.owner.onPlayback(this, attempt, infohash, kind);
  }

  onAdvance(): void {
    for (const listener of this.#listeners) listener.onAdvance();
  }

  onExhausted(error: AcemuxError): void {
    this.end(error.code, error);
  }

  onWatchable(): void {
    this.#startedAtWallMs = this.#deps.clock.wallMs();
    this.#enter({ name: 'playing' });
    this.#keepPast();
    this.#ready.resolve(this);
    this.#considerEmptiness();
  }

  #keepPast(): void {
    const { selector, timeshift } = this.#deps;
    const { infohash, ring } = this.#supply;
    if (infohash === undefined) return;
    this.#past = timeshift?.begin({
      ring,
      watched: this,
      infohash,
      parameters: selector.parameters,
      names: [selector.hash, infohash],
      windowMs: this.#limits.timeshiftMs,
      listen: (listener) => this.listen(listener),
      warn: (reason) => this.#supply.warn(reason),
    });
  }
}
