import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { SelectorKind, StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { Attachment, ViewerInfo } from './attachment.ts';
import type { EngineDemand, EngineSource, SessionObserver } from './ports.ts';
import { Session, type SessionLimits, type SessionOwner } from './session.ts';
import type { SessionSnapshot } from './types.ts';

/** A lingering session beyond MAX_LINGERING_SESSIONS ends this long after its last viewer left. */
const CROWDED_LINGER_MS = 10_000;
/** Names whose kind is remembered. */
const KNOWN_KINDS_MAX = 10_000;
/** A deadline that is so much overdue was forgotten. */
const OVERDUE_MS = 5_000;

export interface DirectoryLimits extends SessionLimits {
  /** MAX_LINGERING_SESSIONS */
  readonly lingeringMax: number;
  /** SESSION_CLEANUP_INTERVAL */
  readonly sweepIntervalMs: number;
}

export interface DirectoryDeps {
  readonly engines: EngineSource & EngineDemand;
  readonly observer: SessionObserver;
  readonly limits: DirectoryLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Who is playing what: finds the session of a stream under any of its names, and starts it where there is none,
 * once, however many ask at the same moment (DESIGN invariant 1).
 */
export class SessionDirectory implements SessionOwner {
  readonly #deps: DirectoryDeps;
  /** Every name of every session that can be joined: hash and identity parameters. */
  readonly #byName = new Map<string, Session>();
  readonly #active = new Set<Session>();
  /** Ended sessions whose engine is not free yet, by every name they had. */
  readonly #closing = new Map<Session, ReadonlySet<string>>();
  readonly #knownKinds = new Map<string, SelectorKind>();
  #sweep: Timer | undefined;
  #refusal: ReasonCode | undefined;

  constructor(deps: DirectoryDeps) {
    this.#deps = deps;
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

  /** Bytes of memory that the rings of all sessions take. */
  get bufferBytes(): number {
    let sum = 0;
    for (const session of this.#active) sum += session.bufferBytes;
    return sum;
  }

  list(): readonly SessionSnapshot[] {
    return [...this.#active].map((session) => session.snapshot());
  }

  /** The session that has this 40-hex name, id or infohash. */
  find(hash: string): SessionSnapshot | undefined {
    for (const session of this.#active) {
      if (session.id === hash || session.infohash === hash) return session.snapshot();
    }
    return undefined;
  }

  /**
   * Lets a viewer in: resolves as soon as there is something to watch.
   * @throws AcemuxError why not; the signal's reason
   */
  join(selector: StreamSelector, viewer: ViewerInfo, signal: AbortSignal): Promise<Attachment> {
    if (this.#refusal) return Promise.reject(new AcemuxError(this.#refusal));
    const session = this.#byName.get(nameOf(selector.hash, selector)) ?? this.#begin(selector);
    return session.join(viewer, signal);
  }

  /**
   * Ends a session without viewers for one that has some: the one that has lingered longest, else the oldest start
   * that everybody has left. False: there is none.
   */
  giveWay(): boolean {
    const session =
      this.#lingering()[0] ?? [...this.#active].find(({ isAbandonedStart }) => isAbandonedStart);
    session?.giveWay();
    return session !== undefined;
  }

  #begin(selector: StreamSelector): Session {
    const { clock, engines, limits, log, observer } = this.#deps;
    const knownKind = this.#knownKinds.get(selector.hash);
    const session = new Session({
      selector: { ...selector, kind: knownKind ?? selector.kind },
      kindIsKnown: knownKind !== undefined,
      after: this.#whenFree(nameOf(selector.hash, selector)),
      engines,
      observer,
      owner: this,
      limits,
      clock,
      log,
    });
    this.#active.add(session);
    this.#byName.set(nameOf(selector.hash, selector), session);
    session.start();
    return session;
  }

  /** A stream that is being stopped on its engine is not asked for again before that is done. */
  async #whenFree(name: string): Promise<void> {
    for (const [session, names] of [...this.#closing]) if (names.has(name)) await session.closed;
  }

  onIdentified(session: Session, infohash: string, kind: SelectorKind): void {
    this.#byName.set(nameOf(infohash, session.selector), session);
    this.#remember(session.id, kind);
    this.#remember(infohash, 'infohash');
  }

  #remember(hash: string, kind: SelectorKind): void {
    this.#knownKinds.delete(hash);
    this.#knownKinds.set(hash, kind);
    const oldest = this.#knownKinds.keys().next();
    if (this.#knownKinds.size > KNOWN_KINDS_MAX && !oldest.done) this.#knownKinds.delete(oldest.value);
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
    const names = new Set<string>();
    for (const [name, owner] of this.#byName) if (owner === session) names.add(name);
    for (const name of names) this.#byName.delete(name);
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
