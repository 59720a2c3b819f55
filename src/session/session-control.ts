import { AcemuxError } from '../base/reasons.ts';
import type { Session } from './session.ts';
import { type PlacedViewer, placeViewer, type SessionDetail, type StreamChanges } from './session-detail.ts';

/** What is needed of the directory of sessions. */
export interface ControlledSessions {
  /** Those that can be joined. */
  readonly sessions: readonly Session[];
}

/** A viewer, and the stream that it watches. */
export interface ListedViewer extends PlacedViewer {
  /** The 40-hex name that its stream was first asked for. */
  readonly streamId: string;
  readonly sessionId: string;
}

/** A live stream in a few numbers. */
export interface StreamPulse {
  readonly state: string;
  readonly clients: number;
  /** Media in memory, milliseconds. */
  readonly bufferMs: number;
  /** How long nothing new has come, milliseconds. */
  readonly heldMs: number;
}

/** What an operator sees of live streams, and may do with them while they play. Sessions go by their own ids. */
export class SessionControl {
  readonly #directory: ControlledSessions;

  constructor(directory: ControlledSessions) {
    this.#directory = directory;
  }

  /** Everything about a session; undefined: there is none with this id that can be joined. */
  detail(sessionId: string): SessionDetail | undefined {
    return this.#find(sessionId)?.detail();
  }

  /** How each live stream is, in a few numbers. */
  pulses(): readonly StreamPulse[] {
    return this.#directory.sessions.map((session) => ({
      state: session.state,
      clients: session.clientCount,
      bufferMs: session.ring.mediaMsHeld,
      heldMs: session.heldMs,
    }));
  }

  /** All viewers that were let in. */
  viewers(): readonly ListedViewer[] {
    return this.#directory.sessions.flatMap(({ id, ring, sessionId, viewers }) =>
      viewers.list().map((viewer) => ({ ...placeViewer(viewer, ring), streamId: id, sessionId })),
    );
  }

  /**
   * Ends one viewer's connection; its stream goes on for others.
   * @throws AcemuxError client_unknown
   */
  kick(clientId: string): void {
    const found = this.#directory.sessions.some((session) =>
      session.viewers.expel(clientId, 'kicked_by_operator'),
    );
    if (!found) throw new AcemuxError('client_unknown');
  }

  /**
   * Goes on at another engine, this one if one is named, as soon as that delivers; viewers stay.
   * @throws AcemuxError stream_not_active, move_impossible
   */
  move(sessionId: string, engineId: string | undefined): void {
    this.#playing(sessionId).move(engineId);
  }

  /**
   * Changes what holds for a stream, until its session ends.
   * @throws AcemuxError stream_not_active
   */
  change(sessionId: string, changes: StreamChanges): SessionDetail['settings'] {
    const session = this.#playing(sessionId);
    session.change(changes);
    return session.detail().settings;
  }

  /** What is set for all streams has another value: those that play follow, as far as nothing was set for them alone. */
  followSettings(): void {
    for (const session of this.#directory.sessions) session.change({});
  }

  #playing(sessionId: string): Session {
    const session = this.#find(sessionId);
    if (!session) throw new AcemuxError('stream_not_active');
    return session;
  }

  #find(sessionId: string): Session | undefined {
    return this.#directory.sessions.find((session) => session.sessionId === sessionId);
  }
}
