import { randomUUID } from 'node:crypto';
import { type Clock, sleep } from '../base/clock.ts';
import { AcemuxError, reasonOf } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';
import { ConnectWatch } from './connect-watch.ts';
import { parseMediaFilesReply, parseSearchReply } from './content-reply.ts';
import { linkSignals, startDeadline } from './deadline.ts';
import { openHls } from './hls-media.ts';
import { isPlaylist, offersOnlyHls } from './hls-playlist.ts';
import { callForText, type TextReply } from './http-call.ts';
import { DEFAULT_ENGINE_LIMITS, type EngineLimits } from './limits.ts';
import { type MediaStream, openMedia } from './media.ts';
import {
  parseCommandReply,
  parseNetworkReply,
  parseStartReply,
  parseStatReply,
  parseVersionReply,
} from './reply.ts';
import { authorityOf, engineRoot } from './rewrite.ts';
import { BackgroundStart, type StartAttempt } from './start-attempt.ts';
import type { AskedStart, LeftStart, StartJournal, StartNote } from './start-journal.ts';
import { EngineTransport, type Headers, type TransportFailure } from './transport.ts';
import type {
  EngineAddress,
  EngineVersion,
  MediaFiles,
  Playback,
  PlaybackStat,
  SearchRequest,
  SearchResult,
  StreamSelector,
} from './types.ts';

export type { EngineLimits } from './limits.ts';
export type { MediaStream } from './media.ts';
export type { StartAttempt } from './start-attempt.ts';

/** `forgotten`: the engine did not know the playback any more. */
export type StopOutcome = 'stopped' | 'forgotten' | 'failed';

/** A stop that an engine is too busy for is repeated after these: not longer than a shutdown can wait for it. */
const STOP_AGAIN_PAUSES_MS = [250, 500, 1_000] as const;

export interface EngineClientDeps {
  readonly address: EngineAddress;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<EngineLimits>;
  /** In which form media is taken; `auto` if left out. */
  readonly ingest?: Ingest;
  /** What requests have beside what acemux says: for a stream by its names, as far as they are known; for no stream by none. */
  readonly headersFor?: (names: readonly string[]) => Headers;
  /** Remembers what the engine is asked for; nobody does if left out. */
  readonly journal?: StartJournal;
}

/**
 * `ts`: as progressive MPEG-TS; `hls`: as HLS; `auto`: as MPEG-TS, and as HLS what the engine offers in no other form.
 */
export type Ingest = 'auto' | 'ts' | 'hls';

/**
 * The client of one engine: its HTTP API as reference 10 wants it used. It connects to its configured address
 * and to nothing else, whatever the engine's replies say (DESIGN invariant 9).
 *
 * It opens what it is told to and stops what it is told to; matching each start with a stop is its user's.
 */
export class EngineClient {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: EngineLimits;
  readonly #root: URL;
  readonly #ingest: Ingest;
  readonly #address: EngineAddress;
  readonly #journal: StartJournal | undefined;
  /** Of the playbacks that are open. */
  readonly #notes = new WeakMap<Playback, StartNote>();
  readonly #transport: EngineTransport;
  readonly #headersFor: (names: readonly string[]) => Headers;
  /** Those of playbacks, which are known by the name that was asked for as well. */
  readonly #playbackHeaders = new WeakMap<Playback, Headers>();
  readonly #connectWatch: ConnectWatch;
  readonly #closing = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(deps: EngineClientDeps) {
    const { address, clock, log, limits } = deps;
    this.#clock = clock;
    this.#log = log.child({ engineAddress: authorityOf(address) });
    this.#limits = { ...DEFAULT_ENGINE_LIMITS, ...limits };
    this.#root = engineRoot(address);
    this.#ingest = deps.ingest ?? 'auto';
    this.#headersFor = deps.headersFor ?? (() => ({}));
    this.#address = address;
    this.#journal = deps.journal;
    this.#transport = new EngineTransport({ address, clock, limits: this.#limits });
    this.#connectWatch = new ConnectWatch({ accepts: (signal) => this.#transport.accepts(signal), clock });
  }

  /**
   * Asks the engine to open a playback, as soon as the journal has it.
   * @param wanted a file is asked for as such even where `ingest` is `hls`: it is read in parts, which playlists have not
   * @param infohash the broadcast, where that is known
   */
  start(
    selector: StreamSelector,
    wanted: AskedStart['wanted'] = 'stream',
    infohash?: string | undefined,
  ): StartAttempt {
    const asked = { address: this.#address, selector, wanted, infohash };
    return new BackgroundStart(this.#track(this.#start(asked)), (playback) => this.stopPlayback(playback));
  }

  /**
   * Opens the media of a playback. It waits as long as the engine prepares; how long that may be is the
   * caller's to say, by `signal`, which does not reach beyond the headers: the body is ended by `destroy()`.
   * @param range of a recording's file, as the value of a `Range` header
   * @throws AcemuxError playback_unknown, engine_unreachable, engine_closed, engine_protocol; the signal's reason
   */
  openMedia(playback: Playback, signal: AbortSignal, range?: string): Promise<MediaStream> {
    return this.#track(this.#openMedia(playback, signal, range));
  }

  /**
   * How a playback is doing. Asking does not keep it alive.
   * @throws AcemuxError playback_unknown, engine_…; the signal's reason
   */
  async stat(playback: Playback, signal?: AbortSignal): Promise<PlaybackStat> {
    const url = new URL(playback.statUrl);
    url.searchParams.set('skip_player_activity', '1');
    const reply = await this.#call(url, this.#limits.statTimeoutMs, signal, this.#headersOf(playback));
    if (reply.statusCode === 404 && !reply.text.trimStart().startsWith('{')) {
      throw new AcemuxError('playback_unknown', 'The engine answered 404 to the playback’s address.');
    }
    return parseStatReply(reply);
  }

  /**
   * Stops a playback. Resolves also when that failed, which is logged: the engine ends an unread playback by
   * itself, and viewers must not wait for it. A playback that the engine does not know counts as stopped.
   * @returns `forgotten` for such a one
   */
  async stopPlayback(playback: Playback): Promise<StopOutcome> {
    const { infohash, playbackSessionId } = playback;
    const outcome = await this.#stopAt(playback.commandUrl, this.#headersOf(playback));
    const stopped = outcome !== 'failed';
    const note = this.#notes.get(playback);
    if (stopped) note?.over();
    else note?.left();
    if (stopped) this.#log.info({ infohash, playbackSessionId }, 'playback stopped');
    return outcome;
  }

  /**
   * Stops what a process before this one has left. Where the reply to its start has not come, the engine is asked again by the
   * same player: it answers with what it has opened, or opens it anew (reference 9, 18 and 19), and that is stopped.
   * Resolves to whether the engine has nothing of it any more; never rejects.
   */
  stopLeft({ commandUrl, pid, selector, wanted }: LeftStart): Promise<boolean> {
    const url = commandUrl === undefined ? undefined : URL.parse(commandUrl);
    // Only what is at this engine: the file may have been anybody's.
    const hasNothing = async (command: URL): Promise<boolean> => (await this.#stopAt(command)) !== 'failed';
    if (url && url.origin === this.#root.origin) return this.#track(hasNothing(url));
    return this.#track(
      this.#ask(selector, this.#ingestFor(wanted), pid).then(
        (playback) => hasNothing(playback.commandUrl),
        (error: unknown) => !mayHaveOpened(error),
      ),
    );
  }

  /** @throws AcemuxError engine_…; the signal's reason */
  async version(signal?: AbortSignal): Promise<EngineVersion> {
    const url = this.#url('/webui/api/service', { method: 'get_version' });
    return parseVersionReply(await this.#call(url, this.#limits.probeTimeoutMs, signal));
  }

  /**
   * Whether the engine has a network; undefined: it does not tell (access denied, unknown method).
   * @throws AcemuxError engine_… when it does not answer at all; the signal's reason
   */
  async networkConnected(signal?: AbortSignal): Promise<boolean | undefined> {
    const url = this.#url('/server/api', { api_version: '3', method: 'get_network_connection_status' });
    return parseNetworkReply(await this.#call(url, this.#limits.probeTimeoutMs, signal));
  }

  /**
   * What a content is, without playing it: no session is opened, and it works with zero peers (reference 2.8).
   * @throws AcemuxError content_unknown; engine_refuses_call when this engine does not answer such questions;
   * engine_… when it does not answer; the signal's reason
   */
  async mediaFiles(
    selector: Pick<StreamSelector, 'kind' | 'hash'>,
    signal?: AbortSignal,
  ): Promise<MediaFiles> {
    const { kind, hash } = selector;
    const url = this.#url('/server/api', {
      api_version: '3',
      method: 'get_media_files',
      [kind === 'id' ? 'content_id' : 'infohash']: hash,
      mode: 'full',
    });
    const reply = await this.#call(url, this.#limits.contentTimeoutMs, signal, this.#headersFor([hash]));
    return parseMediaFilesReply(reply, selector, this.#root);
  }

  /**
   * Searches the channels that the engine knows of (reference 2.9). It opens no session.
   * @throws AcemuxError engine_refuses_call, engine_…; the signal's reason
   */
  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResult> {
    const url = this.#url('/search', {
      query: request.query,
      ...(request.category !== undefined && { category: request.category }),
      page: String(request.page),
      page_size: String(request.pageSize),
    });
    return parseSearchReply(await this.#call(url, this.#limits.contentTimeoutMs, signal), this.#root);
  }

  /**
   * Resolves when the engine accepts connections, asking it nothing. Not at once: for when it has just refused one.
   * @throws the signal's reason; `shutdown`
   */
  untilAccepting(signal: AbortSignal): Promise<void> {
    return this.#track(this.#untilAccepting(signal));
  }

  async #untilAccepting(signal: AbortSignal): Promise<void> {
    using linked = linkSignals([signal, this.#closing.signal]);
    await this.#connectWatch.until(linked.signal);
  }

  /** Ends everything in flight; resolves when no connection and no timer of this client remains. */
  async close(): Promise<void> {
    this.#closing.abort(new AcemuxError('shutdown'));
    await Promise.allSettled(this.#inFlight);
    await this.#transport.close();
  }

  async #start(asked: AskedStart): Promise<Playback> {
    const { selector, wanted } = asked;
    const note = this.#journal && (await this.#journal.note(asked));
    const pid = note?.pid ?? randomUUID();
    const fields = { kind: selector.kind, hash: selector.hash, playerPid: pid };
    try {
      const playback = await this.#ask(selector, this.#ingestFor(wanted), pid);
      note?.opened(playback);
      if (note) this.#notes.set(playback, note);
      const { infohash, playbackSessionId } = playback;
      this.#log.info({ ...fields, infohash, playbackSessionId }, 'playback started');
      return playback;
    } catch (error) {
      if (mayHaveOpened(error)) note?.left();
      else note?.over();
      this.#log.info({ ...fields, reason: reasonOf(error), err: error }, 'playback not started');
      throw error;
    }
  }

  #ingestFor(wanted: AskedStart['wanted']): Ingest {
    return wanted === 'file' && this.#ingest === 'hls' ? 'auto' : this.#ingest;
  }

  async #ask(selector: StreamSelector, ingest: Ingest, pid: string): Promise<Playback> {
    // The same pid also for the retry: should the first request have opened a playback after all, the engine
    // takes the second for the same player and does not open another one (reference 1).
    const query = { ...selector.parameters, [selector.kind]: selector.hash, format: 'json', pid };
    const headers = this.#headersFor([selector.hash]);
    let text = await this.#askToStart(
      ingest === 'hls' ? '/ace/manifest.m3u8' : '/ace/getstream',
      query,
      headers,
    );
    if (ingest === 'auto' && offersOnlyHls(text)) {
      this.#log.info({ hash: selector.hash, playerPid: pid }, 'offered as HLS only');
      text = await this.#askToStart('/ace/manifest.m3u8', query, headers);
    }
    const reply = parseStartReply(text, selector, this.#root);
    if (reply.ok) {
      const { infohash } = reply.playback;
      this.#playbackHeaders.set(reply.playback, this.#headersFor([selector.hash, infohash]));
      return reply.playback;
    }
    if (reply.openedCommandUrl) await this.#stopAt(reply.openedCommandUrl, headers);
    throw reply.error;
  }

  #headersOf(playback: Playback): Headers {
    return this.#playbackHeaders.get(playback) ?? this.#headersFor([playback.infohash]);
  }

  #askToStart(path: string, query: Readonly<Record<string, string>>, headers: Headers): Promise<TextReply> {
    const limitMs = this.#limits.startReplyTimeoutMs;
    return this.#call(this.#url(path, query), limitMs, undefined, headers, ['refused', 'closed']);
  }

  async #openMedia(playback: Playback, signal: AbortSignal, range: string | undefined): Promise<MediaStream> {
    using linked = linkSignals([signal, this.#closing.signal]);
    const deps = {
      transport: this.#transport.withHeaders(this.#headersOf(playback)),
      root: this.#root,
      clock: this.#clock,
      log: this.#log,
      limits: this.#limits,
      closing: this.#closing.signal,
    };
    const { playbackUrl } = playback;
    // A range is of a file.
    const takesHls = this.#ingest !== 'ts' && range === undefined;
    if (takesHls && isPlaylist(playbackUrl, undefined))
      return await openHls(deps, playbackUrl, linked.signal);
    const media = await openMedia(deps, playback, linked.signal, range);
    if (!takesHls || !isPlaylist(playbackUrl, media.contentType)) return media;
    media.destroy();
    return await openHls(deps, playbackUrl, linked.signal);
  }

  /** An engine that is too busy is asked again. Never rejects. */
  async #stopAt(commandUrl: URL, headers: Headers = this.#headersFor([])): Promise<StopOutcome> {
    const url = new URL(commandUrl);
    url.searchParams.set('method', 'stop');
    for (const pauseMs of [...STOP_AGAIN_PAUSES_MS, undefined]) {
      try {
        parseCommandReply(await this.#call(url, this.#limits.stopTimeoutMs, undefined, headers));
        return 'stopped';
      } catch (error) {
        const reason = reasonOf(error);
        if (reason === 'playback_unknown') return 'forgotten';
        if (reason !== 'engine_busy' || pauseMs === undefined || !(await this.#pause(pauseMs))) {
          this.#log.warn({ reason, err: error }, 'playback not stopped');
          return 'failed';
        }
      }
    }
    return 'failed';
  }

  /** False: the client has been closed meanwhile. */
  #pause(pauseMs: number): Promise<boolean> {
    return this.#track(
      sleep(this.#clock, pauseMs, this.#closing.signal).then(
        () => true,
        () => false,
      ),
    );
  }

  #call(
    url: URL,
    limitMs: number,
    signal: AbortSignal | undefined,
    headers: Headers = this.#headersFor([]),
    retryAfter: readonly TransportFailure[] = ['closed'],
  ): Promise<TextReply> {
    return this.#track(this.#callOnce(url, limitMs, signal, headers, retryAfter));
  }

  async #callOnce(
    url: URL,
    limitMs: number,
    signal: AbortSignal | undefined,
    headers: Headers,
    retryAfter: readonly TransportFailure[],
  ): Promise<TextReply> {
    const transport = this.#transport.withHeaders(headers);
    using deadline = startDeadline(this.#clock, limitMs, [signal, this.#closing.signal]);
    return await callForText({
      open: (target, openSignal) => transport.open(target, openSignal),
      untilAccepting: (waitSignal) => this.#connectWatch.until(waitSignal),
      url,
      clock: this.#clock,
      replyBytesMax: this.#limits.replyBytesMax,
      retryAfter,
      signal: deadline.signal,
    });
  }

  #url(path: string, query: Readonly<Record<string, string>>): URL {
    const url = new URL(path, this.#root);
    url.search = new URLSearchParams(query).toString();
    return url;
  }

  /** Remembers what runs, so that `close()` can wait for it. The caller handles how it ends. */
  #track<T>(promise: Promise<T>): Promise<T> {
    const settled = promise.then(
      () => {},
      () => {},
    );
    this.#inFlight.add(settled);
    void settled.then(() => this.#inFlight.delete(settled));
    return promise;
  }
}

/** Whether an engine may have opened a playback although the start has failed so: it has not answered. */
function mayHaveOpened(error: unknown): boolean {
  const reason = reasonOf(error);
  return reason === 'engine_timeout' || reason === 'engine_closed' || reason === 'shutdown';
}
