import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import type { Attachment, ViewerInfo, WatchedSession } from '../../session/attachment.ts';
import type { SegmentArchive } from '../../session/media-segments.ts';
import type { Past } from '../../session/past.ts';
import type { StreamSelector } from '../../session/types.ts';
import type { StartWish } from '../../session/viewer-wish.ts';
import type { Log } from '../../telemetry/log.ts';
import { Excerpt, rangeOf, type TimeRange } from './excerpt.ts';
import { HlsStream } from './hls-stream.ts';
import { HlsViewer } from './hls-viewer.ts';
import { endWallMs } from './kept-list.ts';
import { KeptSegmentReply } from './kept-segment-reply.ts';
import type { Playlist } from './playlist.ts';
import { SegmentReply } from './segment-reply.ts';
import { wantedWallMs } from './start-offset.ts';
import { selectorQuery, ViewerNames } from './viewer-path.ts';

/** A viewer is gone when it has asked for nothing for so many target durations. */
const SILENT_TARGETS = 3;
/** So many viewers at once. */
const VIEWERS_MAX = 20_000;

/** So many names of disconnected viewers are remembered. */
const DISMISSED_MAX = 1_000;
/** Who went for one of these is told so when it asks again, and is not let in anew. */
const DISMISSALS: ReadonlySet<ReasonCode> = new Set(['kicked_by_operator', 'stream_replaced', 'key_revoked']);

/** What is needed of the directory of sessions. */
/**
 * What a stream's first segment is numbered by: one number for so much time since then. An engine may begin with half a minute of media,
 * so a second has to have several numbers, or an acemux that is restarted at once would give the same ones again. Players that
 * count in 32 bits, with a sign, do so until 2039.
 */
const NUMBERS_SINCE_MS = Date.UTC(2026, 0, 1);
const NUMBER_MS = 200;

export interface HlsSessions {
  join(selector: StreamSelector, viewer: ViewerInfo, signal: AbortSignal): Promise<Attachment>;
}

export interface HlsOutputDeps {
  readonly sessions: HlsSessions;
  /** What there is on disk. */
  readonly archive: SegmentArchive;
  /** Signs the paths of viewers; kept over restarts, so that they stay valid. */
  readonly secret: string;
  /** HLS_SEGMENT_SECONDS */
  readonly segmentSeconds: number;
  /** CLIENT_TIMEOUT, milliseconds. */
  readonly clientTimeoutMs: number;
  /** START_TIMEOUT, milliseconds. */
  readonly startTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A stream and who keeps it going. */
interface Watched {
  readonly stream: HlsStream;
  readonly users: Set<object>;
  /** Ends it a while after the last one has left: a player may be about to come. */
  timer: Timer | undefined;
}

/** HLS from the rings of sessions: a playlist for each viewer, the same segments for all. */
export class HlsOutput {
  readonly #deps: HlsOutputDeps;
  readonly #names: ViewerNames;
  readonly #watched = new Map<WatchedSession, Watched>();
  readonly #byName = new Map<string, HlsStream>();
  /** A session has one name for all its life. */
  readonly #sessionNames = new WeakMap<WatchedSession, string>();
  readonly #viewers = new Map<string, HlsViewer>();
  readonly #replies = new Set<SegmentReply | KeptSegmentReply>();
  /** Names of viewers that an operator has disconnected, or whose place somebody else got, the newest: they are not let in again. */
  readonly #dismissed = new Map<string, ReasonCode>();
  #highestNumber = 0;
  #isStopped = false;

  constructor(deps: HlsOutputDeps) {
    this.#deps = deps;
    this.#names = new ViewerNames(deps.secret);
  }

  /** Viewers now, those included that wait to be let in. */
  get viewerCount(): number {
    return this.#viewers.size;
  }

  /**
   * A playlist that leads to a media playlist of the viewer's own, as soon as there is a segment. It makes nobody a viewer:
   * players open a stream more than once to look at it. An excerpt is of what is on disk: for that no engine is asked.
   * @param folder where the viewers' folders are, relative to this playlist
   * @param token what the viewer's address needs so that it is let in, if anything
   * @throws AcemuxError why there is nothing to play; the signal's reason
   */
  async multivariantPlaylist(
    selector: StreamSelector,
    visitor: ViewerInfo,
    folder: string,
    signal: AbortSignal,
    token?: string,
  ): Promise<Playlist> {
    const { wish, ...who } = visitor;
    const pass = token === undefined ? '' : `&token=${encodeURIComponent(token)}`;
    // The viewer that comes of this calls itself the same.
    const called = who.name === undefined ? '' : `&client=${encodeURIComponent(who.name)}`;
    const address = (query: string): string =>
      `${folder}/${this.#names.create(selector)}/index.m3u8?${selectorQuery(selector)}${query}${called}${pass}`;
    if (wish?.start && wish.end) {
      // Seconds before live are so from now on: the viewer's address has the times.
      const { excerpt, range } = await this.#excerpt(selector, wish.start, wish.end);
      const query = `&start=${isoTime(range.fromWallMs)}&end=${isoTime(range.toWallMs)}`;
      return excerpt.multivariantPlaylist(address(query));
    }
    return this.#withinStartTimeout(signal, async (signal) => {
      const attachment = await this.#join(selector, { ...who, isVisitor: true }, signal);
      const visit = {};
      try {
        const stream = this.#use(attachment.session, visit);
        await stream.ready(signal);
        const beginning = wish?.start && stream.beginningAt(wish.start);
        const query = beginning ? `&start=${isoTime(beginning.wallMs)}` : '';
        return stream.multivariantPlaylist(address(query), beginning);
      } finally {
        this.#leave(attachment.session, visit);
        attachment.leave('client_left');
      }
    });
  }

  /**
   * The media playlist of a viewer; the first request for it makes it one.
   * @param folder where the streams' folders are, relative to this playlist
   * @throws AcemuxError playlist_unknown; why there is nothing to play; the signal's reason
   */
  async mediaPlaylist(
    name: string,
    selector: StreamSelector,
    viewer: ViewerInfo,
    folder: string,
    signal: AbortSignal,
  ): Promise<Playlist> {
    const { wish, ...who } = viewer;
    const { end, start } = wish ?? {};
    const startWallMs = start && wantedWallMs(start, this.#deps.clock.wallMs());
    const known = end ? undefined : this.#viewers.get(name);
    // Its name was looked at when it came; most requests are of this kind, and need nothing else.
    const current = known?.query === selectorQuery(selector) ? known.askNow() : undefined;
    if (current) return current.mediaPlaylist(folder, startWallMs);
    this.checkName(name, selector);
    const dismissed = this.#dismissed.get(name);
    if (dismissed) throw new AcemuxError(dismissed);
    if (start && end) return (await this.#excerpt(selector, start, end)).excerpt.mediaPlaylist(folder);
    return this.#withinStartTimeout(signal, async (signal) => {
      const stream = await this.#viewerOf(name, selector, who).ask(signal);
      return stream.mediaPlaylist(folder, startWallMs);
    });
  }

  /** Cuts the session from now on, for as long as it plays, so that all that is kept of it can be listed. */
  keep(session: WatchedSession, past: Past): void {
    this.#use(session, past, past);
  }

  async #excerpt(
    selector: StreamSelector,
    start: StartWish,
    end: StartWish,
  ): Promise<{ readonly excerpt: Excerpt; readonly range: TimeRange }> {
    const kept = await this.#deps.archive.segmentsOf(selector);
    const newest = kept?.listed.at(-1);
    // The burst that an engine begins with has dates that are still to come.
    const liveWallMs = Math.max(this.#deps.clock.wallMs(), newest ? endWallMs(newest) : 0);
    const range = rangeOf(start, end, liveWallMs);
    if (!kept) throw new AcemuxError('past_unknown');
    return { excerpt: new Excerpt(kept, range), range };
  }

  /** @throws AcemuxError playlist_unknown: this name was not given out for this stream */
  checkName(name: string, selector: StreamSelector): void {
    if (!this.#names.isValid(name, selector)) throw new AcemuxError('playlist_unknown');
  }

  /** The stream that a segment's folder is of, as its session is called; undefined: none that plays. */
  streamOf(streamName: string): string | undefined {
    return this.#byName.get(streamName)?.session.id;
  }

  /** Whether somebody watches by this name now. */
  isWatching(name: string): boolean {
    return this.#viewers.has(name);
  }

  /**
   * The size of a segment.
   * @throws AcemuxError segment_unknown
   */
  segmentSize(streamName: string, number: number): number {
    const segment =
      this.#byName.get(streamName)?.find(number) ??
      this.#deps.archive.findSegment(streamName, number)?.segment;
    if (!segment) throw new AcemuxError('segment_unknown');
    return segment.sizeBytes;
  }

  /**
   * Takes a hijacked response over and sends a segment, from the status line to the end.
   * @throws AcemuxError segment_unknown; then the response is still the caller's
   */
  sendSegment(response: ServerResponse, streamName: string, number: number): void {
    const stream = this.#byName.get(streamName);
    const segment = stream?.find(number);
    if (this.#isStopped) throw new AcemuxError('segment_unknown');
    const { clientTimeoutMs: timeoutMs, clock } = this.#deps;
    const common = {
      response,
      timeoutMs,
      clock,
      onOver: (reply: SegmentReply | KeptSegmentReply) => void this.#replies.delete(reply),
    };
    let reply: SegmentReply | KeptSegmentReply;
    if (stream && segment) reply = new SegmentReply({ ...common, segment, session: stream.session });
    else {
      const found = this.#deps.archive.findSegment(streamName, number);
      if (!found) throw new AcemuxError('segment_unknown');
      const onSent = (bytes: number): void => stream?.session.countBytesOut(bytes, 'hls');
      reply = new KeptSegmentReply({ ...common, ...found, onSent });
    }
    this.#replies.add(reply);
    reply.start();
  }

  /** Ends everything at once; nobody is let in after. */
  stop(): void {
    this.#isStopped = true;
    for (const viewer of [...this.#viewers.values()]) viewer.leave('shutdown');
    for (const { stream } of [...this.#watched.values()]) this.#end(stream, 'shutdown');
    for (const reply of [...this.#replies]) reply.abort();
  }

  async #withinStartTimeout<T>(signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, startTimeoutMs } = this.#deps;
    const late = new AbortController();
    const timer = clock.startTimer(startTimeoutMs, () => late.abort(new AcemuxError('no_media')));
    try {
      return await run(AbortSignal.any([signal, late.signal]));
    } finally {
      timer.cancel();
    }
  }

  async #join(selector: StreamSelector, viewer: ViewerInfo, signal: AbortSignal): Promise<Attachment> {
    const attachment = await this.#deps.sessions.join(selector, viewer, signal);
    if (!this.#isStopped) return attachment;
    attachment.leave('shutdown');
    throw new AcemuxError('draining');
  }

  #viewerOf(name: string, selector: StreamSelector, info: ViewerInfo): HlsViewer {
    const known = this.#viewers.get(name);
    if (known) return known;
    if (this.#viewers.size >= VIEWERS_MAX) throw new AcemuxError('overloaded');
    const { clientTimeoutMs, clock, log } = this.#deps;
    const { address, request } = info;
    const fields = { stream: selector.hash, address, request };
    const viewers = this.#viewers;
    // It asks to be let in as it is made.
    const segments = {
      get isAway(): boolean {
        return viewers.get(name)?.isAway === true;
      },
    };
    const viewer: HlsViewer = new HlsViewer({
      query: selectorQuery(selector),
      clock,
      admit: async (signal) => {
        const attachment = await this.#join(selector, { ...info, segments }, signal);
        const { userAgent } = info;
        log.info(
          { ...fields, session: attachment.session.id, client: attachment.client?.id, userAgent },
          'HLS viewer joined',
        );
        return { attachment, stream: this.#use(attachment.session, viewer) };
      },
      expiryMs: (stream) => Math.max(clientTimeoutMs, SILENT_TARGETS * 1000 * (stream?.targetSeconds ?? 0)),
      onGone: (viewer, reason) => {
        this.#viewers.delete(name);
        if (DISMISSALS.has(reason)) this.#noteDismissed(name, reason);
        const { attachment } = viewer;
        if (!attachment) return;
        const client = attachment.client?.id;
        log.info({ ...fields, session: attachment.session.id, client, reason }, 'HLS viewer gone');
        this.#leave(attachment.session, viewer);
      },
    });
    this.#viewers.set(name, viewer);
    return viewer;
  }

  #noteDismissed(name: string, reason: ReasonCode): void {
    this.#dismissed.set(name, reason);
    const oldest = this.#dismissed.keys().next();
    if (this.#dismissed.size > DISMISSED_MAX && !oldest.done) this.#dismissed.delete(oldest.value);
  }

  /** The session's stream, which goes on for as long as somebody uses it. */
  #use(session: WatchedSession, user: object, past?: Past): HlsStream {
    let watched = this.#watched.get(session);
    if (!watched) {
      watched = { stream: this.#begin(session, past), users: new Set(), timer: undefined };
      this.#watched.set(session, watched);
      this.#byName.set(watched.stream.name, watched.stream);
    }
    watched.timer?.cancel();
    watched.timer = undefined;
    watched.users.add(user);
    return watched.stream;
  }

  #leave(session: WatchedSession, user: object): void {
    const watched = this.#watched.get(session);
    if (!watched?.users.delete(user) || watched.users.size > 0) return;
    const { clientTimeoutMs, clock } = this.#deps;
    watched.timer = clock.startTimer(clientTimeoutMs, () => this.#end(watched.stream, 'idle'));
  }

  #begin(session: WatchedSession, past: Past | undefined): HlsStream {
    const { clock, segmentSeconds } = this.#deps;
    const name = this.#sessionNames.get(session) ?? randomBytes(16).toString('hex');
    this.#sessionNames.set(session, name);
    // Above all numbers of this process, whatever its clock has done, and of those before it.
    const firstNumber = (): number => {
      const byClock = Math.floor((clock.wallMs() - NUMBERS_SINCE_MS) / NUMBER_MS);
      return Math.max(byClock, this.#highestNumber + 1);
    };
    const onEnded = (stream: HlsStream, reason: ReasonCode): void => this.#end(stream, reason);
    return new HlsStream({
      session,
      name,
      segmentSeconds,
      firstNumber,
      ...(past && { past }),
      clock,
      onEnded,
    });
  }

  #end(stream: HlsStream, reason: ReasonCode): void {
    const watched = this.#watched.get(stream.session);
    if (watched?.stream !== stream) return;
    this.#watched.delete(stream.session);
    this.#byName.delete(stream.name);
    this.#highestNumber = Math.max(this.#highestNumber, (stream.nextNumber ?? 0) - 1);
    watched.timer?.cancel();
    stream.stop(reason);
    for (const user of watched.users) if (user instanceof HlsViewer) user.leave(reason);
  }
}

/** As a query has it. */
function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
