import assert from 'node:assert/strict';
import { untilAborted } from '../base/abort.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError, type ReasonCode, reasonOf } from '../base/reasons.ts';
import type { Playback, SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { Attachment, SessionListener, ViewerInfo, WatchedSession } from './attachment.ts';
import { Cursor } from './cursor.ts';
import { Ingest } from './ingest.ts';
import type { EngineSlot, EngineSource, SessionObserver } from './ports.ts';
import { Ring } from './ring.ts';
import { type AttemptOwner, SourceAttempt } from './source-attempt.ts';
import { asksAnother, furthest } from './start-outcome.ts';
import type { SessionSnapshot } from './types.ts';

/** How long a start goes on after the last one who waited for it has left: players open twice. */
const ABANDON_GRACE_MS = 5_000;

export interface SessionLimits {
  /** EMPTY_STREAM_TIMEOUT */
  readonly firstByteTimeoutMs: number;
  /** START_TIMEOUT */
  readonly startTimeoutMs: number;
  /** STREAM_IDLE_TIMEOUT */
  readonly idleTimeoutMs: number;
  /** PREBUFFER_SECONDS */
  readonly prebufferMs: number;
  /** STREAM_BUFFER_SECONDS */
  readonly bufferMs: number;
  /** STREAM_BUFFER_SIZE */
  readonly bufferBytes: number;
}

/** Whom a session tells about itself. */
export interface SessionOwner {
  /** The engine has said which broadcast this is. */
  onIdentified(session: Session, infohash: string, kind: SelectorKind): void;
  /** The last viewer has left; the session lingers. */
  onLingering(session: Session): void;
  /** It can't be joined any more; `session.closed` resolves when all it held is given back. */
  onEnded(session: Session): void;
}

export interface SessionDeps {
  readonly selector: StreamSelector;
  /** What must have ended before this one asks an engine: its predecessor under the same name. */
  readonly after: Promise<void>;
  /** Whether the kind of the name is known to be right, so that the other is not tried. */
  readonly kindIsKnown: boolean;
  readonly engines: EngineSource;
  readonly observer: SessionObserver;
  readonly owner: SessionOwner;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  readonly log: Log;
}

type State =
  | { readonly name: 'starting' }
  | { readonly name: 'playing' }
  | { readonly name: 'lingering'; readonly sinceMs: number }
  | { readonly name: 'ended'; readonly reason: ReasonCode };

const MOVES: Readonly<Record<State['name'], readonly State['name'][]>> = {
  starting: ['playing', 'lingering', 'ended'],
  playing: ['lingering', 'ended'],
  lingering: ['playing', 'ended'],
  ended: [],
};

/**
 * One stream, shared by all who watch it: one engine at a time feeds one ring, and every viewer holds a
 * cursor into it.
 *
 *   starting ──► playing ◄──► lingering
 *       └───────────┴─────────────┴────► ended
 */
export class Session implements WatchedSession, AttemptOwner {
  readonly #deps: SessionDeps;
  readonly #log: Log;
  readonly #abort = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #listeners = new Set<SessionListener>();
  readonly #attempts = new Set<SourceAttempt>();
  readonly #createdAtMs: number;
  readonly #createdAtWallMs: number;
  #state: State = { name: 'starting' };
  #timer: Timer | undefined;
  #ring: Ring;
  #ingest: Ingest;
  #attempt: SourceAttempt | undefined;
  #attemptFailed: ((error: AcemuxError) => void) | undefined;
  #playback: Playback | undefined;
  #waiting = 0;
  #clients = 0;
  #bytesOut = 0;
  #lastActivityMs: number;
  #startedAtWallMs: number | undefined;
  #endedAtWallMs: number | undefined;
  #warnings: string[] = [];

  constructor(deps: SessionDeps) {
    this.#deps = deps;
    this.#log = deps.log.child({ session: deps.selector.hash });
    this.#createdAtMs = deps.clock.nowMs();
    this.#createdAtWallMs = deps.clock.wallMs();
    this.#lastActivityMs = this.#createdAtMs;
    this.#ring = this.#newRing();
    this.#ingest = new Ingest(this.#ring);
    this.#ready.promise.catch(() => {}); // Those who wait hear it; there may be nobody.
  }

  // ── what is seen ────────────────────────────────────────────────────────────────────────────────────────

  /** The 40-hex name it was first asked for. */
  get id(): string {
    return this.#deps.selector.hash;
  }

  get selector(): StreamSelector {
    return this.#deps.selector;
  }

  get infohash(): string | undefined {
    return this.#playback?.infohash;
  }

  get head(): number {
    return this.#ring.head;
  }

  get isActive(): boolean {
    return this.#state.name !== 'ended';
  }

  /** Viewers, those included that wait for the start. */
  get clientCount(): number {
    return this.#clients + this.#waiting;
  }

  /** Since when it has had no viewer, on the clock; undefined while it has one. */
  get lingeringSinceMs(): number | undefined {
    return this.#state.name === 'lingering' ? this.#state.sinceMs : undefined;
  }

  /** Resolves when everything that it held is stopped and given back; never rejects. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  snapshot(): SessionSnapshot {
    const { selector, clock } = this.#deps;
    const engine = this.#attempt?.slot.engine;
    return {
      streamId: selector.hash,
      keyType: selector.kind === 'id' ? 'content_id' : 'infohash',
      infohash: this.infohash,
      state: this.#state.name,
      engine: engine && { id: engine.id, host: engine.host, port: engine.port },
      playbackSessionId: this.#playback?.playbackSessionId,
      isLive: this.#playback?.isLive ?? true,
      isActive: this.isActive,
      clientCount: this.clientCount,
      createdAtMs: this.#createdAtWallMs,
      startedAtMs: this.#startedAtWallMs,
      endedAtMs: this.#endedAtWallMs,
      error: this.#state.name === 'ended' ? this.#state.reason : undefined,
      idleSeconds: (clock.nowMs() - this.#lastActivityMs) / 1000,
      bytesIn: this.#ingest.bytesIn,
      bytesOut: this.#bytesOut,
      warnings: [...this.#warnings],
    };
  }

  // ── life ────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    this.#deps.observer.sessionStarted();
    this.#log.info({ kind: this.#deps.selector.kind }, 'session starts');
    void this.#start();
  }

  /** Ends the session for all its viewers, at once. `closed` tells when the engine is free again. */
  end(reason: ReasonCode, error = new AcemuxError(reason)): void {
    if (!this.isActive) return;
    const { clock, observer, owner } = this.#deps;
    this.#enter({ name: 'ended', reason });
    this.#endedAtWallMs = clock.wallMs();
    this.#ready.reject(error);
    this.#abort.abort(error);
    observer.sessionEnded(reason, (clock.nowMs() - this.#createdAtMs) / 1000);
    owner.onEnded(this);
    for (const listener of [...this.#listeners]) listener.onEnd(reason);
    const attempts = [...this.#attempts].map((attempt) => attempt.end(reason));
    void Promise.all(attempts).then(() => this.#closed.resolve());
  }

  /** Leaves a lingering session no more than `delayMs` from now; for the directory's bounds. */
  lingerAtMost(delayMs: number): void {
    if (this.#state.name === 'lingering') this.#startTimer(delayMs, () => this.end('idle'));
  }

  /** The only place where the state changes. */
  #enter(next: State): void {
    const from = this.#state.name;
    assert(MOVES[from].includes(next.name), `session ${from} -> ${next.name}`);
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#state = next;
    const reason = next.name === 'ended' ? { reason: next.reason } : {};
    this.#log.info({ from, to: next.name, ...reason }, 'session state');
  }

  #startTimer(delayMs: number, fire: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.startTimer(delayMs, fire);
  }

  // ── viewers ─────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Lets a viewer in as soon as there is something to watch.
   * @throws AcemuxError why the session could not start or has ended; the signal's reason
   */
  async join(viewer: ViewerInfo, signal: AbortSignal): Promise<Attachment> {
    this.#waiting++;
    if (this.#state.name === 'starting') this.#timer?.cancel();
    try {
      await untilAborted(this.#ready.promise, signal);
      if (this.#state.name === 'ended') throw new AcemuxError(this.#state.reason);
      if (!this.#ingest.isJoinable) throw new AcemuxError('no_media');
    } catch (error) {
      this.#waiting--;
      this.#considerEmptiness();
      throw error;
    }
    this.#waiting--;
    return this.#attach(viewer);
  }

  #attach(viewer: ViewerInfo): Attachment {
    const { observer } = this.#deps;
    this.#clients++;
    this.#lastActivityMs = this.#deps.clock.nowMs();
    if (this.#state.name === 'lingering') this.#enter({ name: 'playing' });
    observer.clientJoined();
    let member = true;
    return {
      session: this,
      viewer,
      openCursor: () => this.#openCursor(),
      leave: (reason) => {
        if (!member) return;
        member = false;
        this.#clients--;
        observer.clientLeft(reason);
        this.#considerEmptiness();
      },
    };
  }

  #openCursor(): Cursor {
    const point = this.#ring.joinPoint(this.#deps.limits.prebufferMs);
    // join() has looked for one in this same turn of the loop.
    if (!point) throw new AcemuxError('no_media');
    return new Cursor(this.#ring, point);
  }

  /** With nobody left, a start is given up unless somebody comes back soon, and what plays lingers. */
  #considerEmptiness(): void {
    if (this.clientCount > 0) return;
    if (this.#state.name === 'starting') this.#startTimer(ABANDON_GRACE_MS, () => this.end('abandoned'));
    if (this.#state.name !== 'playing') return;
    this.#enter({ name: 'lingering', sinceMs: this.#deps.clock.nowMs() });
    this.#startTimer(this.#deps.limits.idleTimeoutMs, () => this.end('idle'));
    this.#deps.owner.onLingering(this);
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  countBytesOut(bytes: number): void {
    this.#bytesOut += bytes;
    this.#lastActivityMs = this.#deps.clock.nowMs();
    this.#deps.observer.bytesStreamed(bytes);
  }

  // ── the source ──────────────────────────────────────────────────────────────────────────────────────────

  /** Asks engines, one after the other, until one delivers something to watch. Never rejects. */
  async #start(): Promise<void> {
    const { clock, engines, limits, observer } = this.#deps;
    const { signal } = this.#abort;
    const tooLong = new AbortController();
    const deadline = clock.startTimer(limits.startTimeoutMs, () => tooLong.abort(new AcemuxError('no_media')));
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
        const error = await this.#tryEngine(slot, failures.length === 0, withinTime);
        if (signal.aborted) return;
        engines.report(slot.engine.id, error ? { ok: false, reason: error.code } : { ok: true });
        if (!error) return;
        failures.push(error.code);
        failure = furthest(failure, error);
        observer.attemptFailed(error.code);
        if (tooLong.signal.aborted) break;
      }
    } catch (error) {
      if (signal.aborted) return;
      failure = furthest(failure, asAcemuxError(error));
    } finally {
      deadline.cancel();
    }
    const last = failure ?? new AcemuxError('no_media');
    this.end(last.code, last);
  }

  /** Resolves to undefined once there is something to watch, else to why not. */
  async #tryEngine(slot: EngineSlot, isFirst: boolean, signal: AbortSignal): Promise<AcemuxError | undefined> {
    const { clock, kindIsKnown, limits, selector } = this.#deps;
    this.#ring = this.#newRing();
    this.#ingest = new Ingest(this.#ring);
    this.#playback = undefined;
    const attempt = new SourceAttempt({
      slot,
      selector,
      tryOtherKind: isFirst && !kindIsKnown,
      firstByteTimeoutMs: limits.firstByteTimeoutMs,
      clock,
      log: this.#log,
      owner: this,
    });
    this.#attempt = attempt;
    this.#attempts.add(attempt);
    const failed = new Promise<AcemuxError>((resolve) => {
      this.#attemptFailed = resolve;
    });
    attempt.start();
    void attempt.released.then(() => this.#attempts.delete(attempt));
    const playing = this.#ready.promise.then(() => undefined);
    try {
      return await untilAborted(Promise.race([failed, playing]), signal);
    } catch (error) {
      const failure = asAcemuxError(error);
      this.#drop(attempt, failure.code);
      return failure;
    } finally {
      this.#attemptFailed = undefined;
    }
  }

  onPlayback(attempt: SourceAttempt, playback: Playback, kind: SelectorKind): void {
    if (attempt !== this.#attempt) return;
    this.#playback = playback;
    this.#log.info(
      { engine: attempt.slot.engine.id, infohash: playback.infohash, playback: playback.playbackSessionId },
      'engine opened the playback',
    );
    if (!playback.isLive) this.#rejectSource(attempt, 'vod_not_yet');
    else this.#deps.owner.onIdentified(this, playback.infohash, kind);
  }

  onMedia(attempt: SourceAttempt, chunk: Buffer): void {
    if (attempt !== this.#attempt) return;
    const before = this.#ring.head;
    this.#ingest.push(chunk);
    if (this.#state.name === 'starting') {
      const verdict = this.#ingest.verdict;
      if (verdict) this.#rejectSource(attempt, verdict);
      else if (this.#ingest.isJoinable) this.#play();
    }
    this.#warnOnce(this.#ingest.noKeyframe, 'no_keyframe', 'no keyframe for 10 s: viewers start at any picture');
    this.#warnOnce(
      this.#ring.cutByBytes,
      'buffer_cut',
      'STREAM_BUFFER_SIZE is too small for STREAM_BUFFER_SECONDS of this stream: viewers may lag less',
    );
    if (this.#ring.head > before) for (const listener of this.#listeners) listener.onAdvance();
  }

  onOver(attempt: SourceAttempt, error: AcemuxError): void {
    if (attempt !== this.#attempt) return;
    if (this.#attemptFailed) this.#attemptFailed(error);
    // Continuity takes over here: for now a stream that played ends with its source.
    else if (this.isActive) {
      this.#deps.observer.attemptFailed(error.code);
      this.#deps.engines.report(attempt.slot.engine.id, { ok: false, reason: error.code });
      this.end(error.code, error);
    }
  }

  /** What the source delivers can't be watched: it is ended here, and the start hears why. */
  #rejectSource(attempt: SourceAttempt, code: ReasonCode): void {
    this.#drop(attempt, code);
    this.#attemptFailed?.(new AcemuxError(code));
  }

  #drop(attempt: SourceAttempt, reason: ReasonCode): void {
    void attempt.end(reason);
    if (attempt === this.#attempt) this.#attempt = undefined;
  }

  #play(): void {
    this.#startedAtWallMs = this.#deps.clock.wallMs();
    this.#enter({ name: 'playing' });
    this.#ready.resolve();
    this.#considerEmptiness();
  }

  #warnOnce(condition: boolean, code: string, message: string): void {
    if (!condition || this.#warnings.includes(code)) return;
    this.#warnings.push(code);
    this.#log.warn({ warning: code }, message);
  }

  #newRing(): Ring {
    return new Ring({ bytesMax: this.#deps.limits.bufferBytes, mediaMsMax: this.#deps.limits.bufferMs });
  }
}

function asAcemuxError(error: unknown): AcemuxError {
  return error instanceof AcemuxError ? error : new AcemuxError(reasonOf(error), undefined, { cause: error });
}
