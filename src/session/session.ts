import assert from 'node:assert/strict';
import { untilAborted } from '../base/abort.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError, REASONS, type ReasonCode } from '../base/reasons.ts';
import type { Playback, SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { Attachment, SessionListener, ViewerInfo, WatchedSession } from './attachment.ts';
import { Cursor } from './cursor.ts';
import { Ingest } from './ingest.ts';
import type { EngineSource, SessionObserver } from './ports.ts';
import { Ring } from './ring.ts';
import { SourceLoop, type SourceLoopOwner } from './source-loop.ts';
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
  /** The last viewer has left: the session lingers, or its start goes on for a moment. */
  onUnwatched(session: Session): void;
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
export class Session implements WatchedSession, SourceLoopOwner {
  readonly #deps: SessionDeps;
  readonly #log: Log;
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #listeners = new Set<SessionListener>();
  readonly #source: SourceLoop;
  readonly #createdAtMs: number;
  readonly #createdAtWallMs: number;
  #state: State = { name: 'starting' };
  #timer: Timer | undefined;
  #ring: Ring;
  #ingest: Ingest;
  #playback: Playback | undefined;
  #waiting = 0;
  #clients = 0;
  #bytesOut = 0;
  #lastActivityMs: number;
  #startedAtWallMs: number | undefined;
  #endedAtWallMs: number | undefined;
  #warnings: ReasonCode[] = [];

  constructor(deps: SessionDeps) {
    this.#deps = deps;
    this.#log = deps.log.child({ session: deps.selector.hash });
    this.#createdAtMs = deps.clock.nowMs();
    this.#createdAtWallMs = deps.clock.wallMs();
    this.#lastActivityMs = this.#createdAtMs;
    this.#ring = this.#newRing();
    this.#ingest = new Ingest(this.#ring);
    this.#ready.promise.catch(() => {}); // Those who wait hear it; there may be nobody.
    const { limits, ...rest } = deps;
    this.#source = new SourceLoop({ ...rest, ...limits, owner: this, log: this.#log });
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

  /** Bytes of memory that its ring takes. */
  get bufferBytes(): number {
    return this.#ring.memoryBytes;
  }

  /** Since when it has played without a viewer, on the clock; undefined while it has one, or does not play. */
  get lingeringSinceMs(): number | undefined {
    return this.#state.name === 'lingering' && this.clientCount === 0 ? this.#state.sinceMs : undefined;
  }

  /** Whether it is a start that everybody has left, and has a place on an engine. */
  get isAbandonedStart(): boolean {
    return this.#state.name === 'starting' && this.clientCount === 0 && this.#source.engine !== undefined;
  }

  /** Resolves when everything that it held is stopped and given back; never rejects. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  snapshot(): SessionSnapshot {
    const { selector, clock } = this.#deps;
    const { engine } = this.#source;
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
    this.#source.start();
  }

  /** Ends the session for all its viewers, at once. `closed` tells when the engine is free again. */
  end(reason: ReasonCode, error = new AcemuxError(reason)): void {
    if (!this.isActive) return;
    const { clock, observer, owner } = this.#deps;
    this.#enter({ name: 'ended', reason });
    this.#endedAtWallMs = clock.wallMs();
    this.#ready.reject(error);
    observer.sessionEnded(reason, (clock.nowMs() - this.#createdAtMs) / 1000);
    owner.onEnded(this);
    for (const listener of [...this.#listeners]) listener.onEnd(reason);
    void this.#source.stop(reason).then(() => this.#closed.resolve());
  }

  /** Ends it at once, should it have no viewer: its place is needed. */
  giveWay(): void {
    if (this.clientCount === 0) this.end(this.#state.name === 'starting' ? 'abandoned' : 'idle');
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
    const { prebufferMs } = this.#deps.limits;
    const point = this.#ring.joinPoint(prebufferMs);
    // join() has looked for one in this same turn of the loop.
    if (!point) throw new AcemuxError('no_media');
    return new Cursor(this.#ring, point, prebufferMs);
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

  countSkip(): void {
    this.#deps.observer.clientSkipped();
  }

  countBytesOut(bytes: number): void {
    this.#bytesOut += bytes;
    this.#lastActivityMs = this.#deps.clock.nowMs();
    this.#deps.observer.bytesStreamed(bytes);
  }

  // ── the source ──────────────────────────────────────────────────────────────────────────────────────────

  onSourceBegins(): void {
    this.#ring = this.#newRing();
    this.#ingest = new Ingest(this.#ring);
    this.#playback = undefined;
  }

  onPlayback(playback: Playback, kind: SelectorKind): void {
    this.#playback = playback;
    if (playback.isLive) this.#deps.owner.onIdentified(this, playback.infohash, kind);
    else this.#source.reject('vod_not_yet');
  }

  onMedia(chunk: Buffer): void {
    const before = this.#ring.head;
    this.#ingest.push(chunk, this.#deps.clock.nowMs());
    if (this.#state.name === 'starting') {
      const { isJoinable, verdict } = this.#ingest;
      if (verdict) this.#source.reject(verdict);
      else if (isJoinable) this.#play();
    }
    if (this.#ingest.noKeyframe) this.#warnOnce('no_keyframe');
    if (this.#ring.cutByBytes) this.#warnOnce('buffer_cut');
    if (this.#ring.head > before) for (const listener of this.#listeners) listener.onAdvance();
  }

  onExhausted(error: AcemuxError): void {
    this.end(error.code, error);
  }

  #play(): void {
    this.#startedAtWallMs = this.#deps.clock.wallMs();
    this.#enter({ name: 'playing' });
    this.#source.confirm();
    this.#ready.resolve();
    this.#considerEmptiness();
  }

  #warnOnce(reason: ReasonCode): void {
    if (this.#warnings.includes(reason)) return;
    this.#warnings.push(reason);
    this.#log.warn({ reason }, REASONS[reason].what);
    this.#deps.observer.sessionWarned(reason);
  }

  #newRing(): Ring {
    return new Ring({ bytesMax: this.#deps.limits.bufferBytes, mediaMsMax: this.#deps.limits.bufferMs });
  }
}
