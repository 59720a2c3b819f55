import { hash } from 'node:crypto';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { Attachment, ViewerInfo } from './attachment.ts';
import { BufferMemory } from './buffer-memory.ts';
import type { KnownName } from './known-names.ts';
import { KnownNames } from './known-names.ts';
import type { PastKeeper } from './past-keeper.ts';
import type { EngineDemand, EngineSource, SessionObserver } from './ports.ts';
import { Session } from './session.ts';
import type { SessionOwner } from './session-deps.ts';
import type { SessionLimits } from './session-limits.ts';
import type { SourceAttempt } from './source-attempt.ts';
import type { SessionSnapshot } from './types.ts';

/** A lingering session beyond MAX_LINGERING_SESSIONS ends this long after its last viewer left. */
const CROWDED_LINGER_MS = 10_000;
/** Viewers whose last engine is remembered. */
const LAST_ENGINES_MAX = 1_000;
/** A session that ends just when somebody joins it is followed by another one, but not for ever. */
const JOINS_MAX = 3;
/** A deadline that is so much overdue was forgotten. */
const OVERDUE_MS = 5_000;

export interface DirectoryLimits extends SessionLimits {
  /** MAX_LINGERING_SESSIONS */
  readonly lingeringMax: number;
  /** BUFFER_MEMORY_MAX */
  readonly bufferMemoryBytes: number;
  /** MAX_SESSIONS */
  readonly sessionsMax: number;
  /** SESSION_CLEANUP_INTERVAL */
  readonly sweepIntervalMs: number;
}

export interface DirectoryDeps {
  readonly engines: EngineSource & EngineDemand;
  readonly observer: SessionObserver;
  /** What keeps more of a stream than its ring, where something does. */
  readonly timeshift?: PastKeeper | undefined;
  /** Told of each session as it ends: its last state. Must not throw. */
  readonly onEnded?: ((session: SessionSnapshot) => void) | undefined;
  /** Playbacks of recordings count as sessions, too: how many there are, and how one that nobody reads is ended. */
  readonly recorded?: { readonly count: () => number; readonly giveWay: () => boolean } | undefined;
  readonly limits: DirectoryLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Who is playing what: finds the session of a stream under any of its names, and starts it where there is none,
 * once, however many ask at the same moment (DESIGN invariant 1).
 */
export class SessionDirectory implements SessionOwner<Session> {
  readonly #deps: DirectoryDeps;
  /** Every name of every session that can be joined: hash and identity parameters. */
  readonly #byName = new Map<string, Session>();
  readonly #active = new Set<Session>();
  /** Ended sessions whose engine is not free yet, by every name they had. */
  readonly #closing = new Map<Session, ReadonlySet<string>>();
  readonly #names = new KnownNames();
  readonly #memory: BufferMemory;
  /** The engine that each viewer's last stream was on, by `viewerKeyOf`. */
  readonly #lastEngines = new Map<string, string>();
  #sweep: Timer | undefined;
  #refusal: ReasonCode | undefined;

  constructor(deps: DirectoryDeps) {
    this.#deps = deps;
    this.#memory = new BufferMemory(deps.limits.bufferMemoryBytes);
  }

  start(): void {
    this.#scheduleSweep();
  }

  /** From now on nobody is let in; those who watch go on. */
  refuse(reason: ReasonCode): void {
    this.#refusal = reason;
  }

  /** Ends all sessions and resolves when every engine is free of them. Safe to call twice. */
  async stop(reason: ReasonCode): Promise<void> {
    this.refuse(this.#refusal ?? reason);
    this.#sweep?.cancel();
    for (const session of [...this.#active]) session.end(reason);
    await Promise.all([...this.#closing.keys()].map((session) => session.closed));
  }

  /** Viewers of all sessions, those included that wait for a start. */
  get clientCount(): number {
    let count = 0;
    for (const session of this.#active) count += session.clientCount;
    return count;
  }

  /** Those of them that have paused. */
  get pausedCount(): number {
    let count = 0;
    for (const { viewers } of this.#active) count += viewers.pausedCount;
    return count;
  }

  /** Memory that the buffers of all sessions take. */
  get bufferBytes(): number {
    return this.#memory.usedBytes;
  }

  /** How many sessions there are. */
  get count(): number {
    return this.#active.size;
  }

  list(): readonly SessionSnapshot[] {
    const nowMs = this.#deps.clock.nowMs();
    return [...this.#active].map((session) => session.snapshot(nowMs));
  }

  /** The session that has this 40-hex name, id or infohash. */
  find(hash: string): SessionSnapshot | undefined {
    for (const [name, session] of this.#byName) if (name.split('&')[0] === hash) return session.snapshot();
    return undefined;
  }

  /** Those that can be joined. */
  get sessions(): readonly Session[] {
    return [...this.#active];
  }

  /** Ends a session for all its viewers, at once; false: there is no such. */
  endSession(sessionId: string, reason: ReasonCode): boolean {
    const session = this.sessions.find((each) => each.sessionId === sessionId);
    session?.end(reason);
    return session !== undefined;
  }

  /** What engines have said of a 40-hex name. */
  known(hash: string): KnownName | undefined {
    return this.#names.get(hash);
  }

  /** The session that a stream has now, for those who joined it by the same selector. */
  snapshotOf(selector: StreamSelector): SessionSnapshot | undefined {
    return this.#sessionOf(selector)?.snapshot();
  }

  /**
   * Resolves to the infohash as soon as an engine has told it, which is before there is anything to watch.
   * @throws AcemuxError why the stream's session has ended before; session_unknown if it has none
   */
  identified(selector: StreamSelector): Promise<string> {
    return this.#sessionOf(selector)?.identified ?? Promise.reject(new AcemuxError('session_unknown'));
  }

  /**
   * Lets a viewer in: resolves as soon as there is something to watch.
   * @param onLive called once, at most, as soon as it is known that this is a live stream
   * @param onEntered called at once: who joins here is let in already
   * @throws AcemuxError why not; the signal's reason
   */
  async join(
    selector: StreamSelector,
    viewer: ViewerInfo,
    signal: AbortSignal,
    onLive?: () => void,
    onEntered?: () => void,
  ): Promise<Attachment> {
    onEntered?.();
    let isTold = false;
    const tellOnce = (): void => {
      if (!isTold) onLive?.();
      isTold = true;
    };
    for (let joins = 1; ; joins++) {
      if (this.#refusal) throw new AcemuxError(this.#refusal);
      const session = this.#sessionOf(selector) ?? this.#begin(selector, viewer);
      try {
        const attachment = await session.join(viewer, signal, tellOnce);
        return this.#withLastEngine(attachment, selector);
      } catch (error) {
        const hasLostRace =
          error instanceof AcemuxError && (error.code === 'idle' || error.code === 'abandoned');
        if (!hasLostRace || signal.aborted || joins >= JOINS_MAX) throw error;
      }
    }
  }

  /**
   * Ends a session without viewers for one that has some: the one that has lingered longest, else the oldest start
   * that everybody has left, else the second engine of a stream that is insured. False: there is none.
   * @param infohash only sessions that have this broadcast are meant
   */
  giveWay(infohash?: string): boolean {
    const isMeant = (session: Session): boolean => infohash === undefined || session.infohash === infohash;
    const session =
      this.#lingering().find(isMeant) ??
      [...this.#active].find((session) => session.isAbandonedStart && isMeant(session));
    session?.giveWay();
    return session !== undefined || [...this.#active].some((each) => isMeant(each) && each.giveUpStandby());
  }

  /**
   * Sees to it that there may be one session more, or one playback of a recording: those that nobody watches end for it.
   * @throws AcemuxError too_many_sessions
   */
  makeRoom(): void {
    const { limits, recorded } = this.#deps;
    for (;;) {
      const count = this.#active.size + (recorded?.count() ?? 0);
      if (count < limits.sessionsMax) return;
      const unwatched =
        this.#lingering()[0] ??
        [...this.#active].find((each) => each.state === 'starting' && each.clientCount === 0);
      unwatched?.giveWay();
      if (!unwatched && !recorded?.giveWay()) throw new AcemuxError('too_many_sessions');
    }
  }

  /** The session that plays this, under this name or under what it is known to mean. */
  #sessionOf(selector: StreamSelector): Session | undefined {
    const name = nameOf(selector.hash, selector);
    const session = this.#byName.get(name);
    if (session) return session;
    const known = this.#names.get(selector.hash);
    const same = known && this.#byName.get(nameOf(known.infohash, selector));
    if (same) this.#byName.set(name, same);
    return same;
  }

  #begin(selector: StreamSelector, viewer: ViewerInfo): Session {
    const { clock, engines, limits, log, observer, timeshift } = this.#deps;
    const name = nameOf(selector.hash, selector);
    const refusal = this.#names.refusalOf(name, clock.nowMs());
    if (refusal) throw new AcemuxError(refusal);
    const identity = this.#names.get(selector.hash);
    if (identity?.isLive === false) throw new AcemuxError('vod_not_yet');
    this.makeRoom();
    this.#memory.admit();
    const names = new Set([name, ...(identity ? [nameOf(identity.infohash, selector)] : [])]);
    const session = new Session({
      selector,
      identity,
      preferredEngine: this.#lastEngines.get(viewerKeyOf(viewer)),
      after: this.#whenFree(names),
      engines,
      memory: this.#memory,
      observer,
      owner: this,
      timeshift,
      limits,
      clock,
      log,
    });
    this.#active.add(session);
    for (const name of names) this.#byName.set(name, session);
    session.start();
    return session;
  }

  /** A viewer that goes to another stream finds the place free that it has just left. */
  #withLastEngine(attachment: Attachment, selector: StreamSelector): Attachment {
    return {
      ...attachment,
      leave: (reason) => {
        const engineId = this.#sessionOf(selector)?.engineId;
        if (engineId !== undefined) this.#rememberEngine(viewerKeyOf(attachment.viewer), engineId);
        attachment.leave(reason);
      },
    };
  }

  #rememberEngine(viewerKey: string, engineId: string): void {
    this.#lastEngines.delete(viewerKey);
    this.#lastEngines.set(viewerKey, engineId);
    const oldest = this.#lastEngines.keys().next();
    if (this.#lastEngines.size > LAST_ENGINES_MAX && !oldest.done) this.#lastEngines.delete(oldest.value);
  }

  /** A stream that is being stopped on its engine is not asked for again before that is done. */
  async #whenFree(names: ReadonlySet<string>): Promise<void> {
    for (const [session, taken] of [...this.#closing]) {
      if (!names.isDisjointFrom(taken)) await session.closed;
    }
  }

  /**
   * The name means a broadcast that another session has: they become one. Not while both have asked the same engine:
   * its reply to the later one decides which of them goes on.
   */
  onIdentified(session: Session, name: KnownName): void {
    const { infohash } = name;
    this.#names.learn(session.id, name);
    const twin = this.#byName.get(nameOf(infohash, session.selector));
    if (!twin || twin === session) {
      this.#rename(session, infohash);
      return;
    }
    const isSameEngine = session.engineId !== undefined && twin.usesEngine(session.engineId);
    if (session.state === 'starting' && !isSameEngine) this.#merge(session, twin);
  }

  /**
   * The engine has said which broadcast it has opened. If that is ours already (DESIGN invariant 1):
   * - from another engine: the new playback is stopped, and its viewers join;
   * - from this engine: the new playback has replaced the old one there, so it becomes the source of the session that
   *   has the viewers;
   * - with other parameters from this engine: two streams that can't be on one engine; the newcomer goes elsewhere,
   *   and the other one, whose playback was harmed, is started anew.
   */
  onPlayback(session: Session, attempt: SourceAttempt, infohash: string, kind: SelectorKind): void {
    this.#names.learn(session.id, { infohash, kind, isLive: true });
    const engineId = attempt.slot.engine.id;
    const twin = this.#byName.get(nameOf(infohash, session.selector));
    if (twin && twin !== session && session.state === 'starting') {
      if (twin.usesEngine(engineId)) {
        session.handOver(attempt, twin);
        this.#merge(session, twin);
      } else if (twin.state === 'starting' && !twin.hasPlayback) {
        this.#merge(twin, session);
        this.#rename(session, infohash);
      } else this.#merge(session, twin);
      return;
    }
    if (!twin) this.#rename(session, infohash);
    for (const rival of this.#active) {
      if (rival === session || rival.infohash !== infohash || !rival.usesEngine(engineId)) continue;
      // The newcomer can't come back here. The other one can, and waits for that: else it might take the newcomer's place.
      const left = session.leaveEngine(engineId, 'infohash_in_use');
      void rival.leaveEngine(engineId, 'superseded', left);
      return;
    }
  }

  #merge(session: Session, target: Session): void {
    const names = this.#namesOf(session);
    session.mergeInto(target);
    for (const name of names) this.#byName.set(name, target);
  }

  /** From now on the session is found under this infohash, and under no other that it was thought to be. */
  #rename(session: Session, infohash: string): void {
    for (const name of this.#namesOf(session)) {
      const hash = name.slice(0, 40);
      const meaning = this.#names.get(hash)?.infohash;
      if (meaning !== undefined && meaning !== infohash) this.#byName.delete(name);
    }
    this.#byName.set(nameOf(session.id, session.selector), session);
    this.#byName.set(nameOf(infohash, session.selector), session);
  }

  #namesOf(session: Session): Set<string> {
    const names = new Set<string>();
    for (const [name, owner] of this.#byName) if (owner === session) names.add(name);
    return names;
  }

  onUnwatched(session: Session): void {
    const { clock, engines, limits } = this.#deps;
    if (engines.isCrowded) {
      session.giveWay();
      return;
    }
    const crowd = this.#lingering();
    for (const session of crowd.slice(0, Math.max(0, crowd.length - limits.lingeringMax))) {
      const lingeredMs = clock.nowMs() - (session.lingeringSinceMs ?? clock.nowMs());
      session.lingerAtMost(Math.max(0, Math.min(CROWDED_LINGER_MS, limits.idleTimeoutMs) - lingeredMs));
    }
  }

  onEnded(session: Session): void {
    this.#active.delete(session);
    const names = this.#namesOf(session);
    for (const name of names) this.#byName.delete(name);
    const last = session.snapshot();
    this.#deps.onEnded?.(last);
    const { error } = last;
    if (error) for (const name of names) this.#names.noteEnd(name, error, this.#deps.clock.nowMs());
    this.#closing.set(session, names);
    void session.closed.then(() => this.#closing.delete(session));
  }

  /** Sessions without viewers, the longest so first. */
  #lingering(): Session[] {
    return [...this.#active]
      .filter((session) => session.lingeringSinceMs !== undefined)
      .sort((a, b) => (a.lingeringSinceMs ?? 0) - (b.lingeringSinceMs ?? 0));
  }

  /** Deadlines end sessions; the sweep only proves that none was forgotten. */
  #scheduleSweep(): void {
    const { clock, limits, log } = this.#deps;
    this.#sweep = clock.startTimer(limits.sweepIntervalMs, () => {
      for (const session of this.#lingering()) {
        const lingeredMs = clock.nowMs() - (session.lingeringSinceMs ?? clock.nowMs());
        if (lingeredMs <= limits.idleTimeoutMs + OVERDUE_MS) continue;
        log.error({ session: session.id }, 'a session outlived its deadline: please report this');
        session.end('idle');
      }
      this.#scheduleSweep();
    });
  }
}

/** A stream's identity is its hash and the parameters that reach the engine (DESIGN invariant 1). */
function nameOf(hash: string, selector: StreamSelector): string {
  const parameters = Object.entries(selector.parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return [hash, ...parameters.map(([key, value]) => `${key}=${encodeURIComponent(value)}`)].join('&');
}

/**
 * One viewer as far as can be told: one household behind one address may have several players. Short, whatever a
 * player calls itself.
 */
function viewerKeyOf({ address, userAgent }: ViewerInfo): string {
  return hash('sha1', `${address} ${userAgent ?? ''}`);
}
