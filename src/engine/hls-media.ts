import { type Clock, sleep } from '../base/clock.ts';
import { AcemuxError, asAcemuxError } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';
import { linkSignals, startDeadline } from './deadline.ts';
import { saysPlaybackUnknown } from './engine-words.ts';
import { type Fetched, fetchWhole } from './hls-fetch.ts';
import { Pace } from './hls-pace.ts';
import { type HlsSegment, type MediaPlaylist, parsePlaylist } from './hls-playlist.ts';
import { SegmentQueue } from './hls-queue.ts';
import { asEngineError, RETRY_AFTER_MS } from './http-call.ts';
import type { EngineLimits } from './limits.ts';
import type { MediaStream } from './media.ts';
import { type EngineTransport, TransportError } from './transport.ts';

/** Pauses while the engine is not ready yet; the last one repeats. */
const NOT_READY_PAUSES_MS = [250, 500, 1_000];
/** A playlist that is read again, and a segment, are there by then (reference 4.2). */
const PLAYLIST_TIMEOUT_MS = 5_000;
const SEGMENT_TIMEOUT_MS = 15_000;
/** More than 20 Mb/s for 10 s; engines have about 3 MB (reference 6.2). */
const SEGMENT_BYTES_MAX = 32 * 1024 * 1024;
/**
 * So many segments are fetched ahead of the one that is given out: about what is held back (Pace). Should the engine die, viewers
 * still get them, and another engine, whose young session lists three, the more easily goes on behind them.
 */
const AHEAD_MAX = 3;
/** No further one is fetched while those ahead have so much: three at 8 Mb/s. */
const AHEAD_BYTES_MAX = 16 * 1024 * 1024;
/** So many failures in a row, of playlists or of segments, end the source. */
const FAILURES_MAX = 3;

export interface HlsDeps {
  readonly transport: Pick<EngineTransport, 'open'>;
  /** The engine's configured address: nothing is fetched from elsewhere. */
  readonly root: URL;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Pick<EngineLimits, 'redirectsMax' | 'replyBytesMax'>;
  /** Aborts when the engine's client is closed. */
  readonly closing: AbortSignal;
}

/**
 * Opens an engine's HLS as one stream of MPEG-TS. It waits for the first playlist as long as the engine prepares (404 and 5xx
 * before the first, reference 2.2 and 4.1), until `signal` aborts, which does not reach beyond it.
 * @throws AcemuxError hls_unsupported, playback_unknown, engine_unreachable, engine_closed, engine_protocol; the signal's
 * reason
 */
export async function openHls(deps: HlsDeps, playbackUrl: URL, signal: AbortSignal): Promise<MediaStream> {
  const { clock, log } = deps;
  let url = playbackUrl;
  let isVariant = false;
  let mayRetry = true;
  for (let tries = 0; ; tries++) {
    let pauseMs = NOT_READY_PAUSES_MS[Math.min(tries, NOT_READY_PAUSES_MS.length - 1)] ?? 0;
    try {
      const loadedAtMs = clock.nowMs();
      const fetched = await fetchPlaylist(deps, url, signal);
      if (fetched.statusCode === 200) {
        const playlist = parsePlaylist(fetched.bytes.toString('utf8'), fetched.url, deps.root);
        if (playlist.kind === 'media') {
          return new HlsMediaStream(deps, { url, playlist, loadedAtMs });
        }
        if (isVariant)
          throw new AcemuxError('engine_protocol', 'The engine’s HLS variants lead to variants.');
        url = playlist.best;
        isVariant = true;
        continue;
      }
      refuseUnlessNotReady(fetched);
      if (tries === 0) log.debug({ path: 'hls' }, 'playlist not ready yet');
    } catch (error) {
      const isBroken = error instanceof TransportError && ['refused', 'closed'].includes(error.failure);
      if (!mayRetry || !isBroken) throw asEngineError(error);
      mayRetry = false;
      pauseMs = RETRY_AFTER_MS;
    }
    await sleep(clock, pauseMs, signal);
  }
}

async function fetchPlaylist(deps: HlsDeps, url: URL, signal: AbortSignal): Promise<Fetched> {
  const { transport, root, limits } = deps;
  const { redirectsMax, replyBytesMax } = limits;
  try {
    return await fetchWhole(url, { transport, root, redirectsMax, bytesMax: replyBytesMax, signal });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AcemuxError('engine_protocol', `The engine’s HLS playlist has ${error.message}.`);
  }
}

/** Returns where coming back may help. */
function refuseUnlessNotReady({ statusCode, bytes }: Fetched): void {
  if (statusCode === 403 || saysPlaybackUnknown(bytes.toString('utf8'))) {
    throw new AcemuxError('playback_unknown', `The engine answered ${statusCode} to the playlist’s address.`);
  }
  if (statusCode === 404 || statusCode >= 500) return;
  throw new AcemuxError('engine_protocol', `The engine answered ${statusCode} instead of a playlist.`);
}

interface FirstPlaylist {
  /** Where it is read again. */
  readonly url: URL;
  readonly playlist: MediaPlaylist;
  /** When it was asked for, on the clock. */
  readonly loadedAtMs: number;
}

/** A segment that is being fetched, or has been. */
interface Ahead {
  readonly segment: HlsSegment;
  /** Undefined: it can't be had. */
  readonly bytes: Promise<Buffer | undefined>;
}

/**
 * The segments of a playlist that grows, put together. What is not taken is not fetched, but for some segments behind the one that
 * is being taken, one after the other; the playlist is read again between two that are given out.
 */
class HlsMediaStream implements MediaStream {
  readonly statusCode = 200;
  readonly contentType = 'video/mp2t';
  readonly #deps: HlsDeps;
  readonly #url: URL;
  readonly #abort = new AbortController();
  readonly #queue = new SegmentQueue();
  readonly #pace: Pace;
  /** When the playlist may be read again. */
  #reloadAtMs: number;
  readonly #ahead: Ahead[] = [];
  #aheadBytes = 0;
  #isFetching = false;
  /** Why it is over. */
  #failure: AcemuxError | undefined;
  #failedReloads = 0;
  #failedSegments = 0;

  constructor(deps: HlsDeps, { url, playlist, loadedAtMs }: FirstPlaylist) {
    this.#deps = deps;
    this.#url = url;
    this.#pace = new Pace(deps.clock);
    this.#reloadAtMs = this.#take(playlist, loadedAtMs);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    using linked = linkSignals([this.#abort.signal, this.#deps.closing]);
    try {
      yield* this.#read(linked.signal);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      throw asAcemuxError(error);
    } finally {
      this.#abort.abort();
    }
  }

  destroy(): void {
    this.#abort.abort();
  }

  async *#read(signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    const { clock } = this.#deps;
    while (this.#failure === undefined || this.#ahead.length > 0) {
      signal.throwIfAborted();
      if (this.#failure === undefined && !this.#queue.isEnded) {
        const hasNone = this.#ahead.length === 0 && this.#queue.isEmpty;
        const waitMs = this.#reloadAtMs - clock.nowMs();
        if (hasNone && waitMs > 0) await sleep(clock, waitMs, signal);
        if (hasNone || waitMs <= 0) await this.#reload(signal);
      }
      void this.#fetchAhead(signal);
      const current = this.#ahead.shift();
      if (!current && this.#queue.isEnded) return;
      if (!current) continue;
      const bytes = await current.bytes;
      signal.throwIfAborted();
      this.#aheadBytes -= bytes?.length ?? 0;
      void this.#fetchAhead(signal);
      if (bytes) yield* this.#pace.give(bytes, current.segment.durationMs, signal);
    }
    throw this.#failure;
  }

  /** No more will come; what is there already is given out first. */
  #fail(error: unknown): void {
    this.#failure ??= asAcemuxError(error);
    this.#pace.hurry();
  }

  // ── the playlist ────────────────────────────────────────────────────────────────────────────────────────

  async #reload(signal: AbortSignal): Promise<void> {
    try {
      this.#reloadAtMs = await this.#readAgain(signal);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Resolves to when it may be read again. */
  async #readAgain(signal: AbortSignal): Promise<number> {
    const { clock, log, root } = this.#deps;
    const askedAtMs = clock.nowMs();
    try {
      using deadline = startDeadline(clock, PLAYLIST_TIMEOUT_MS, [signal]);
      const fetched = await fetchPlaylist(this.#deps, this.#url, deadline.signal);
      if (fetched.statusCode === 200) {
        const playlist = parsePlaylist(fetched.bytes.toString('utf8'), fetched.url, root);
        if (playlist.kind === 'master')
          throw new AcemuxError('engine_protocol', 'A playlist became a list of variants.');
        this.#failedReloads = 0;
        return this.#take(playlist, askedAtMs);
      }
      // What was ready and answers 500 is stopped (reference 4.1).
      if (fetched.statusCode === 500) throw new AcemuxError('playback_unknown');
      refuseUnlessNotReady(fetched);
      this.#failedReloads++;
      log.debug({ statusCode: fetched.statusCode }, 'playlist not there');
    } catch (error) {
      signal.throwIfAborted();
      const isPassing = error instanceof TransportError || isTimeout(error);
      if (!isPassing) throw error;
      this.#failedReloads++;
      log.debug({ err: error }, 'playlist not read');
      // Where nobody listens, once more is enough (reference 4.3).
      if (this.#failedReloads >= (isRefused(error) ? 2 : FAILURES_MAX)) {
        throw new AcemuxError('source_failed', undefined, { cause: error });
      }
      return clock.nowMs() + RETRY_AFTER_MS;
    }
    if (this.#failedReloads >= FAILURES_MAX) {
      throw new AcemuxError('source_failed', 'The engine does not give its playlist any more.');
    }
    return askedAtMs + this.#queue.targetMs / 2;
  }

  /** Tells when it may be read again: the rules of RFC 8216 6.3.4, both counted from when it was asked for. */
  #take(playlist: MediaPlaylist, askedAtMs: number): number {
    const { log } = this.#deps;
    const { missed } = this.#queue;
    const hasChanged = this.#queue.take(playlist);
    if (this.#queue.missed > missed) {
      log.warn({ count: this.#queue.missed - missed }, 'segments left the playlist before they were read');
    }
    const aheadMs = this.#ahead.reduce((sum, { segment }) => sum + segment.durationMs, 0);
    this.#pace.note(this.#queue.waitingMs + aheadMs, playlist.targetMs);
    return askedAtMs + (hasChanged ? playlist.targetMs : playlist.targetMs / 2);
  }

  // ── segments ────────────────────────────────────────────────────────────────────────────────────────────

  /** Never rejects. */
  async #fetchAhead(signal: AbortSignal): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    while (this.#ahead.length < AHEAD_MAX && this.#aheadBytes < AHEAD_BYTES_MAX) {
      const next = this.#fetchNext(signal);
      if (!next) break;
      this.#ahead.push(next);
      this.#aheadBytes += (await next.bytes)?.length ?? 0;
    }
    this.#isFetching = false;
  }

  #fetchNext(signal: AbortSignal): Ahead | undefined {
    if (this.#failure) return undefined;
    const segment = this.#queue.shift();
    if (!segment) return undefined;
    if (segment.isGap) return { segment, bytes: Promise.resolve(undefined) };
    const bytes = this.#fetch(segment, signal).catch((error: unknown) => {
      this.#fail(error);
      return undefined;
    });
    return { segment, bytes };
  }

  /** Undefined: it can't be had, and what follows is next. */
  async #fetch(segment: HlsSegment, signal: AbortSignal): Promise<Buffer | undefined> {
    let failure = await this.#tryToFetch(segment, signal);
    if (failure instanceof Error) {
      await sleep(this.#deps.clock, RETRY_AFTER_MS, signal);
      failure = await this.#tryToFetch(segment, signal);
    }
    if (Buffer.isBuffer(failure)) {
      this.#failedSegments = 0;
      return failure;
    }
    this.#deps.log.warn({ sequence: segment.sequence, why: failure }, 'a segment was skipped');
    if (++this.#failedSegments < FAILURES_MAX && !isRefused(failure)) return undefined;
    // Segments of a playback that has ended are gone, all of them (reference 4.1).
    if (failure === 'gone') throw new AcemuxError('playback_unknown', 'The engine has none of its segments.');
    throw new AcemuxError('source_failed', undefined, { cause: failure });
  }

  /** The segment; or that there is none; or why asking again may help. */
  async #tryToFetch(segment: HlsSegment, signal: AbortSignal): Promise<Buffer | 'gone' | Error> {
    const { clock, limits, root, transport } = this.#deps;
    const { redirectsMax } = limits;
    try {
      using deadline = startDeadline(clock, SEGMENT_TIMEOUT_MS, [signal]);
      const { statusCode, bytes } = await fetchWhole(segment.url, {
        transport,
        root,
        redirectsMax,
        bytesMax: SEGMENT_BYTES_MAX,
        signal: deadline.signal,
      });
      if (statusCode === 200) return bytes;
      return statusCode < 500 ? 'gone' : new Error(`The engine answered ${statusCode} to a segment.`);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RangeError) {
        throw new AcemuxError('hls_unsupported', `A segment of the engine’s HLS has ${error.message}.`);
      }
      if (error instanceof TransportError || isTimeout(error)) return error;
      throw error;
    }
  }
}

function isTimeout(error: unknown): error is AcemuxError {
  return error instanceof AcemuxError && error.code === 'engine_timeout';
}

/** Nobody listens there any more. */
function isRefused(failure: unknown): boolean {
  return failure instanceof TransportError && ['refused', 'unreachable'].includes(failure.failure);
}
