import { randomBytes } from 'node:crypto';
import type { Content } from './catalogue.ts';
import type { ReaderEnd } from './profile.ts';

export type SessionEnd = 'stopped' | 'superseded' | 'expired' | 'restarted';

/** Somebody who reads the session's media address. */
export interface Reader {
  /** Ends the response in this way. */
  end(how: ReaderEnd): void;
}

/** Sessions that stand for one playback and end together (profile `share`). */
export interface SharedPlayback {
  /** The id that the stat of each of them shows: that of the newest. */
  currentPlaybackSessionId: string;
  readonly members: Set<PlaybackSession>;
}

export interface SessionRequest {
  readonly content: Content;
  /** What it plays as: one endless TS response, or a playlist and its segments. */
  readonly form: 'ts' | 'hls';
  /** Index of the file, for recordings. */
  readonly fileIndex: number | undefined;
  /** undefined: the anonymous player. */
  readonly pid: string | undefined;
  readonly clientSessionId: number;
  /** A new reader ends the one before it (`stop_prev_read_thread=1`). */
  readonly newReaderCutsOld: boolean;
  readonly wantsEvents: boolean;
}

/** One playback that was opened on the engine. */
export class PlaybackSession {
  /** 32 hex, in the session's addresses; unrelated to the playback session id (item 2). */
  readonly token = randomBytes(16).toString('hex');
  readonly playbackSessionId = randomBytes(20).toString('hex');
  readonly request: SessionRequest;
  readonly openedMs: number;
  readonly readers = new Set<Reader>();
  readonly shared: SharedPlayback;
  /** Aborts when the session ends. */
  readonly ended = new AbortController();
  endReason: SessionEnd | undefined;
  bytesSent = 0;
  statReplies = 0;
  /** How long it lives without a reader, milliseconds. */
  idleExpiryMs: number;

  constructor(
    request: SessionRequest,
    at: { openedMs: number; idleExpiryMs: number; sharedWith: PlaybackSession | undefined },
  ) {
    this.request = request;
    this.openedMs = at.openedMs;
    this.idleExpiryMs = at.idleExpiryMs;
    this.shared = at.sharedWith?.shared ?? { currentPlaybackSessionId: '', members: new Set() };
    this.shared.currentPlaybackSessionId = this.playbackSessionId;
    this.shared.members.add(this);
  }

  get infohash(): string {
    return this.request.content.infohash;
  }

  get isLive(): boolean {
    return this.request.content.files === undefined;
  }
}
