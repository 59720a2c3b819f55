import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { untilAborted } from '../base/abort.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError, type ReasonCode, reasonOf } from '../base/reasons.ts';
import type { StreamSelector } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { Attachment, ViewerInfo } from './attachment.ts';
import type { SessionSnapshot } from './types.ts';

/** A lease that nobody reads ends after this (DESIGN 2.2). */
const UNREAD_MS = 60_000;
/** Players open the address a second time before they close the first: to look at the stream, or to go on. */
const READERS_MAX = 2;

/** What a lease needs of the directory of sessions. */
export interface LeasedSessions {
  /** `onEntered`: called at most once, when it is let in and may wait for the stream. */
  join(
    selector: StreamSelector,
    viewer: ViewerInfo,
    signal: AbortSignal,
    onLive?: () => void,
    onEntered?: () => void,
  ): Promise<Attachment>;
  /** Resolves to the infohash as soon as an engine has told it. */
  identified(selector: StreamSelector): Promise<string>;
  /** The session of the stream now. */
  snapshotOf(selector: StreamSelector): SessionSnapshot | undefined;
}

/** What a program asks for that opens a stream before anything reads it. */
export interface LeaseRequest {
  readonly selector: StreamSelector;
  readonly viewer: ViewerInfo;
  /** Told again in every reply; -1 if the program gave none (reference 2.1). */
  readonly clientSessionId: number;
}

export interface LeaseOwner {
  /** It can't be read any more. */
  onLeaseEnded(lease: Lease): void;
}

export interface LeaseDeps {
  readonly request: LeaseRequest;
  readonly sessions: LeasedSessions;
  readonly owner: LeaseOwner;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A viewer's place in a session, held by name instead of by a connection: a program opens it, and a player reads it
 * later, stops and comes again. It is one viewer of its session from beginning to end, read or not.
 */
export class Lease {
  /** What its addresses are known by: 128 bits that nobody can guess. */
  readonly token = randomBytes(16).toString('hex');
  /** What engines call a playback; it opens nothing. */
  readonly playbackSessionId = randomBytes(20).toString('hex');
  readonly #deps: LeaseDeps;
  readonly #log: Log;
  /** Ends what waits for the session. */
  readonly #abort = new AbortController();
  /** Each ends one reader; the oldest first. */
  readonly #readers = new Set<AbortController>();
  #joined: Promise<Attachment> | undefined;
  #attachment: Attachment | undefined;
  #stopListening: (() => void) | undefined;
  #infohash: string | undefined;
  #unreadTimer: Timer | undefined;
  #unreadSinceMs: number | undefined;

  constructor(deps: LeaseDeps) {
    this.#deps = deps;
    this.#log = deps.log.child({ session: deps.request.selector.hash, lease: this.playbackSessionId });
  }

  get clientSessionId(): number {
    return this.#deps.request.clientSessionId;
  }

  /** The broadcast's, as the engine told it first; undefined before `open` has resolved. */
  get infohash(): string | undefined {
    return this.#infohash;
  }

  /** Since when nobody reads it, on the clock; undefined while it is read, opened, or over. */
  get unreadSinceMs(): number | undefined {
    return this.#unreadSinceMs;
  }

  /** The session it is a viewer of, as it is now. */
  snapshot(): SessionSnapshot | undefined {
    return this.#deps.sessions.snapshotOf(this.#deps.request.selector);
  }

  /**
   * Joins the stream's session, which begins it if need be, and resolves as soon as its infohash is known. Once it has
   * failed the lease is over.
   * @throws AcemuxError why the stream can't be played; the signal's reason
   */
  async open(signal: AbortSignal): Promise<void> {
    const { selector, viewer } = this.#deps.request;
    const entered = Promise.withResolvers<void>();
    this.#joined = this.#join(entered.resolve);
    const joined = this.#joined.then(() => this.#infohashOfSession());
    joined.catch(entered.reject);
    // A stream that plays is known at once: that says nothing of who is let in.
    const identified = entered.promise.then(() => this.#deps.sessions.identified(selector));
    // Why there is nothing to watch is told to those who join.
    const told = Promise.any([identified, joined]).catch(() => joined);
    told.catch(() => {}); // Heard below, unless the signal has been aborted before.
    try {
      this.#infohash = await untilAborted(told, signal);
      this.#abort.signal.throwIfAborted();
    } catch (error) {
      this.end(reasonOf(error));
      throw error;
    }
    const { address, request, userAgent } = viewer;
    this.#log.info({ address, request, userAgent }, 'lease opened');
    this.#startUnread();
  }

  /**
   * Lets a reader in as soon as there is something to watch. One more than two at a time replaces the one that came
   * first.
   * @throws AcemuxError why there will be nothing to watch; the signal's reason
   */
  async read(viewer: ViewerInfo, signal: AbortSignal): Promise<Attachment> {
    this.#abort.signal.throwIfAborted();
    assert(this.#joined, 'a lease is opened before it is read');
    const reader = new AbortController();
    const [oldest] = this.#readers;
    if (oldest && this.#readers.size >= READERS_MAX) this.#expel(oldest, 'reader_replaced');
    this.#readers.add(reader);
    this.#cancelUnread();
    try {
      const waiting = AbortSignal.any([signal, reader.signal]);
      const attachment = await untilAborted(this.#joined, waiting);
      waiting.throwIfAborted();
      return {
        session: attachment.session,
        viewer,
        client: attachment.client,
        expulsion: reader.signal,
        ...(attachment.pace && { pace: attachment.pace }),
        openCursor: () => attachment.openCursor(),
        notePaused: (isPaused) => attachment.notePaused?.(isPaused),
        // What is shown of the lease's one viewer is how the newest reader does.
        showProgress: (look) => attachment.showProgress?.(look),
        noteServed: (output) => attachment.noteServed?.(output),
        notePause: (pauseMs) => attachment.notePause?.(pauseMs),
        leave: () => this.#onReaderGone(reader),
      };
    } catch (error) {
      this.#onReaderGone(reader);
      throw error;
    }
  }

  /** Ends it and its readers; the session goes on for others. Later calls do nothing. */
  end(reason: ReasonCode): void {
    if (this.#abort.signal.aborted) return;
    this.#cancelUnread();
    this.#stopListening?.();
    this.#abort.abort(new AcemuxError(reason));
    for (const reader of [...this.#readers]) this.#expel(reader, reason);
    this.#attachment?.leave(reason);
    this.#log.info({ reason }, 'lease ended');
    this.#deps.owner.onLeaseEnded(this);
  }

  async #join(onEntered: () => void): Promise<Attachment> {
    const { request, sessions } = this.#deps;
    const { signal } = this.#abort;
    try {
      const attachment = await sessions.join(request.selector, request.viewer, signal, undefined, onEntered);
      if (signal.aborted) attachment.leave(reasonOf(signal.reason));
      signal.throwIfAborted();
      this.#attachment = attachment;
      const { expulsion } = attachment;
      expulsion?.addEventListener('abort', () => this.end(reasonOf(expulsion.reason)), { once: true });
      this.#stopListening = attachment.session.listen({
        onAdvance: () => {},
        onEnd: (reason) => this.end(reason),
      });
      return attachment;
    } catch (error) {
      this.end(reasonOf(error));
      throw error;
    }
  }

  #infohashOfSession(): string {
    const infohash = this.snapshot()?.infohash;
    if (infohash === undefined) throw new AcemuxError('session_unknown');
    return infohash;
  }

  #expel(reader: AbortController, reason: ReasonCode): void {
    this.#readers.delete(reader);
    reader.abort(new AcemuxError(reason));
  }

  #onReaderGone(reader: AbortController): void {
    if (this.#readers.delete(reader) && this.#readers.size === 0) this.#startUnread();
  }

  #startUnread(): void {
    if (this.#abort.signal.aborted) return;
    const { clock } = this.#deps;
    this.#unreadSinceMs = clock.nowMs();
    this.#unreadTimer = clock.startTimer(UNREAD_MS, () => this.end('lease_unread'));
  }

  #cancelUnread(): void {
    this.#unreadTimer?.cancel();
    this.#unreadTimer = undefined;
    this.#unreadSinceMs = undefined;
  }
}
