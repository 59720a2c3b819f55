/** The playback sessions of one engine and the rules between them (reference 5; items 17–21). */
import type { Clock, Timer } from '../base/clock.ts';
import type { Journal } from './journal.ts';
import { PlaybackSession, type SessionEnd, type SessionRequest } from './playback-session.ts';
import type { EngineProfile, ReaderEnd } from './profile.ts';

export interface SessionTableDeps {
  readonly clock: Clock;
  readonly profile: EngineProfile;
  readonly journal: Journal;
  /** How long a session lives without a reader, milliseconds. */
  readonly idleExpiryMs: number;
  /** Called when there is a session more. */
  readonly onOpened: () => void;
}

const ENDED_MAX = 1_000;

export class SessionTable {
  readonly #deps: SessionTableDeps;
  readonly #byToken = new Map<string, PlaybackSession>();
  readonly #expiry = new Map<PlaybackSession, Timer>();
  /** How sessions ended, of the newest ENDED_MAX. */
  readonly #endReasons = new Map<string, SessionEnd>();

  constructor(deps: SessionTableDeps) {
    this.#deps = deps;
  }

  /** The open session with this token. */
  get(token: string): PlaybackSession | undefined {
    return this.#byToken.get(token);
  }

  /** How the session with this token ended; undefined while it is open, and when it is not known any more. */
  endReasonOf(token: string): SessionEnd | undefined {
    return this.#endReasons.get(token);
  }

  /** The newest session that plays the infohash as HLS. */
  hlsOf(infohash: string): PlaybackSession | undefined {
    return this.open().findLast((one) => one.infohash === infohash && one.request.form === 'hls');
  }

  open(): PlaybackSession[] {
    return [...this.#byToken.values()];
  }

  /** Opens a session for the request, or gives the one that its player has on this content already. */
  start(request: SessionRequest): PlaybackSession {
    const { clock, profile, journal, idleExpiryMs } = this.#deps;
    const { infohash } = request.content;
    const rivals = this.open().filter((session) => session.infohash === infohash && session.isLive);
    const own = rivals.find(({ request: { pid, form } }) => pid === request.pid && form === request.form);
    if (own !== undefined) {
      this.touch(own);
      return own;
    }

    // One player plays one thing: whoever names no pid is one and the same anonymous player.
    for (const session of this.open()) {
      if (session.request.pid === request.pid && session.infohash !== infohash) this.end(session, 'stopped');
    }
    const isLive = request.content.files === undefined;
    const share = isLive && profile.secondSession === 'share';
    const session = new PlaybackSession(request, {
      openedMs: clock.nowMs(),
      idleExpiryMs,
      sharedWith: share ? rivals.at(-1) : undefined,
    });
    if (isLive && !share) for (const rival of rivals) this.end(rival, 'superseded');

    journal.counters.sessionsOpened++;
    const { sessionsAtOnceMax } = journal.counters;
    sessionsAtOnceMax.set(infohash, Math.max(sessionsAtOnceMax.get(infohash) ?? 0, rivals.length + 1));
    this.#byToken.set(session.token, session);
    this.touch(session);
    this.#deps.onOpened();
    return session;
  }

  /** Counts as activity of the player: the session's idle time begins anew. */
  touch(session: PlaybackSession): void {
    this.#expiry.get(session)?.cancel();
    this.#expiry.delete(session);
    if (session.endReason !== undefined || session.readers.size > 0) return;
    const timer = this.#deps.clock.startTimer(session.idleExpiryMs, () => this.end(session, 'expired'));
    this.#expiry.set(session, timer);
  }

  /** Ends a session and all that share its playback. Ending what has ended is no error. */
  end(session: PlaybackSession, reason: SessionEnd): void {
    const { journal } = this.#deps;
    for (const member of session.shared.members) {
      if (member.endReason !== undefined) continue;
      member.endReason = reason;
      this.#byToken.delete(member.token);
      this.#remember(member.token, reason);
      this.#expiry.get(member)?.cancel();
      this.#expiry.delete(member);
      if (reason === 'superseded') journal.counters.sessionsSuperseded++;
      if (reason === 'expired') journal.counters.sessionsExpired++;
      for (const reader of [...member.readers]) reader.end(this.#readerEnd(reason));
      member.ended.abort();
    }
  }

  endAll(reason: SessionEnd): void {
    for (const session of this.open()) this.end(session, reason);
  }

  #remember(token: string, reason: SessionEnd): void {
    this.#endReasons.set(token, reason);
    for (const oldest of this.#endReasons.keys()) {
      if (this.#endReasons.size <= ENDED_MAX) break;
      this.#endReasons.delete(oldest);
    }
  }

  #readerEnd(reason: SessionEnd): ReaderEnd {
    if (reason === 'superseded') return this.#deps.profile.supersededReader;
    if (reason === 'restarted') return 'reset';
    return this.#deps.profile.stoppedReader;
  }
}
