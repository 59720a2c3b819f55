import type { Asking } from '../access/limits/shares.ts';
import type { ReasonCode } from '../base/reasons.ts';
import type { Cursor } from './cursor.ts';
import type { ObservedClient, ViewerOutput } from './ports.ts';
import type { Ring } from './ring.ts';
import type { ViewerWish } from './viewer-wish.ts';

/** Who watches: what is known of a viewer for lists and logs. */
export interface ViewerInfo {
  /** IP address. */
  readonly address: string;
  readonly userAgent: string | undefined;
  /** The id of the request that it came with, for logs and events. */
  readonly request?: string | undefined;
  /** On whose account it watches; undefined: nothing but the address is known. */
  readonly caller?: Asking | undefined;
  /** Takes the stream in pieces, when it likes; `isAway`: it has not come for longer than a player lets pass. */
  readonly segments?: { readonly isAway: boolean } | undefined;
  /** What it calls itself (`?client=living-room`), or is called by its key; undefined: nothing. */
  readonly name?: string | undefined;
  /** Only waits for the stream, to come back for it as a viewer: keeps it going, and is no viewer that was let in. */
  readonly isVisitor?: boolean;
  /** What it asks for beside the stream. */
  readonly wish?: ViewerWish;
}

/** Tells an output what happens to the session that its viewer watches. Methods must not throw. */
export interface SessionListener {
  /** The ring has grown. */
  onAdvance(): void;
  /** The session is over: nothing more will come. */
  onEnd(reason: ReasonCode): void;
}

/** The part of a session that outputs see. */
export interface WatchedSession {
  readonly id: string;
  /** What viewers look at; the same for all who were let in. */
  readonly ring: Ring;
  /** Returns how to stop listening. Of a session that is over, the listener hears so a moment after this call. */
  listen(listener: SessionListener): () => void;
  /** Counts a viewer that was too slow and went on at a newer keyframe. */
  countSkip(client?: ObservedClient): void;
  /** Counts bytes that were handed to a viewer's socket; `nowMs` where the clock has just been read. */
  countBytesOut(bytes: number, output?: ViewerOutput, nowMs?: number): void;
}

/** Where a viewer begins that has asked to begin elsewhere. */
export interface Beginning {
  /** When that was live: the wall clock, milliseconds since the Unix epoch. */
  readonly wallMs: number;
  /** What it asked for is not there: this is as near as there is. */
  readonly isClamped: boolean;
}

/** How fast one viewer may be given bytes. Times are the clock's, milliseconds. */
export interface Pace {
  /** What may be written now; 0: nothing yet, `waitMs` tells when. */
  allowedBytes(nowMs: number): number;
  spend(bytes: number, nowMs: number): void;
  /** How long until something may be written. */
  waitMs(nowMs: number): number;
}

/** What a byte cap does to a viewer. */
export interface Throttle {
  /** Of the tightest cap that it lives on, which others may share. */
  readonly bytesPerSecond: number;
  /** There is something to be sent, and the cap keeps it waiting. */
  readonly isHoldingBack: boolean;
}

/** How a viewer does, as its output sees it: a copy, taken at one moment. */
export interface ViewerProgress {
  readonly output: ViewerOutput;
  /** Where it is in the ring: it has been sent what is before; undefined where the output can't tell. */
  readonly position: number | undefined;
  /** Bytes of media handed to its socket; undefined where the output can't tell whose they are. */
  readonly bytesSent: number | undefined;
  /** The same, per second, lately. */
  readonly bytesPerSecond: number | undefined;
  /** Its socket takes nothing now, and has something to take. */
  readonly isBlocked: boolean;
  /** Times that it was too slow, and went on at a newer keyframe. */
  readonly skips: number;
  /** The longest time that it had nothing to be sent, because the stream stood still, milliseconds. */
  readonly longestPauseMs: number | undefined;
  /** Not the output's to tell, but known to whoever let the viewer in; undefined: no cap. */
  readonly throttle?: Throttle | undefined;
}

/** One viewer's membership in a session, which lives as long as it has any. */
export interface Attachment {
  readonly session: WatchedSession;
  readonly viewer: ViewerInfo;
  /** As observers know it. */
  readonly client?: ObservedClient | undefined;
  /** Aborted, with an AcemuxError, when this viewer's connection must end although the session goes on. */
  readonly expulsion?: AbortSignal;
  /** How fast it may be given bytes; as fast as it takes them if left out. */
  readonly pace?: Pace;
  /** Where it begins, where it has asked for that. */
  readonly beginning?: Beginning;
  /** Begins where a viewer who comes now begins, or where it has asked to. */
  openCursor(): Cursor;
  /** Whether it takes nothing now, and stays because what it needs next is kept; it is no viewer then that counts. */
  notePaused?(isPaused: boolean): void;
  /** How its output tells how it does, to whoever asks. */
  showProgress?(look: () => ViewerProgress): void;
  /** It is sent its first media; each call but the first does nothing. */
  noteServed?(output: ViewerOutput): void;
  /** It had nothing to be sent for so long, because the stream stood still; of a second and more. */
  notePause?(pauseMs: number): void;
  /** Ends the membership; later calls do nothing. */
  leave(reason: ReasonCode): void;
}
