import { type Clock, sleep, type Timer } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';
import { startDeadline } from './deadline.ts';
import { saysPlaybackUnknown } from './engine-words.ts';
import { asEngineError, isRedirect, RETRY_AFTER_MS, readText, refuseCompressed } from './http-call.ts';
import type { EngineLimits } from './limits.ts';
import { READ_BYTES } from './media-connection.ts';
import { rewriteToEngine } from './rewrite.ts';
import { type EngineTransport, type Exchange, TransportError } from './transport.ts';
import type { Playback } from './types.ts';

/** Pauses while the engine is not ready yet; the last one repeats. */
const NOT_READY_PAUSES_MS = [250, 500, 1_000];
/**
 * Live media come in many small pieces, and each costs the same whatever its size. So after the burst of the start it is
 * read so often only; what comes meanwhile waits in the kernel. Viewers are that much behind, twice at most.
 */
const GATHER_MS = 90;
/** From the first byte on: whoever waits for a start waits for nothing else. */
const GATHER_AFTER_MS = 2_000;
/** Why an engine is not ready stands in its first words. */
const NOT_READY_TEXT_BYTES_MAX = 4_096;

/** The media of one playback. It has one reader: its owner (reference 0.4). */
export interface MediaStream {
  readonly statusCode: number;
  readonly contentType: string | undefined;
  /** `Content-Length`, bytes: of what this reply carries. */
  readonly lengthBytes?: number | undefined;
  /** `Content-Range` as it was sent, of a 206 or a 416 (RFC 9110 14.4). */
  readonly contentRange?: string | undefined;
  /**
   * Chunks as they come, cut anywhere; ends with the media or after `destroy()`. Not read, it holds the
   * engine back. May be iterated once. A chunk stays as it is until the next one is asked for, and no longer.
   * @throws AcemuxError source_failed
   */
  [Symbol.asyncIterator](): AsyncIterator<Buffer>;
  /** Ends the connection at once; safe to call twice. */
  destroy(): void;
}

export interface MediaDeps {
  readonly transport: Pick<EngineTransport, 'open'>;
  /** The engine's configured address; every redirect is moved to it. */
  readonly root: URL;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Pick<EngineLimits, 'redirectsMax' | 'statTimeoutMs'>;
}

/**
 * Opens the media: follows the engine's redirects by itself, and comes back while the engine is not ready
 * (404 and 5xx before the first byte, reference 4.1) until `signal` aborts.
 * @param range of a recording's file, as the value of a `Range` header; then a reply may be a 416, which has no media
 * @throws AcemuxError playback_unknown, engine_unreachable, engine_closed, engine_protocol; the signal's reason
 */
export async function openMedia(
  deps: MediaDeps,
  playback: Playback,
  signal: AbortSignal,
  range?: string,
): Promise<MediaStream> {
  const { clock, log } = deps;
  let mayRetry = true;
  for (let tries = 0; ; tries++) {
    let pauseMs: number;
    try {
      const exchange = await openOnce(deps, playback, signal, range);
      if (exchange) return new HttpMediaStream(exchange, playback.isLive ? clock : undefined);
      if (tries === 0) log.debug({ infohash: playback.infohash }, 'media not ready yet');
      pauseMs = NOT_READY_PAUSES_MS[Math.min(tries, NOT_READY_PAUSES_MS.length - 1)] ?? 0;
    } catch (error) {
      const broken = error instanceof TransportError && ['refused', 'closed'].includes(error.failure);
      if (!mayRetry || !broken) throw asEngineError(error);
      mayRetry = false;
      pauseMs = RETRY_AFTER_MS;
    }
    await sleep(clock, pauseMs, signal);
  }
}

/** From the playback URL to the reply that carries media; undefined while the engine is not ready. */
async function openOnce(
  deps: MediaDeps,
  { isLive, playbackUrl }: Playback,
  signal: AbortSignal,
  range: string | undefined,
): Promise<Exchange | undefined> {
  const { transport, root, limits } = deps;
  let url = playbackUrl;
  for (let redirects = 0; redirects <= limits.redirectsMax; redirects++) {
    const exchange = await transport.open(url, signal, range, isLive);
    let taken = false;
    try {
      const { statusCode } = exchange;
      if (statusCode === 200 || statusCode === 206 || (statusCode === 416 && range !== undefined)) {
        refuseCompressed(exchange);
        taken = true;
        return exchange;
      }
      if (!isRedirect(statusCode)) {
        await refuseUnlessNotReady(deps, exchange, signal);
        return undefined;
      }
      url = rewriteToEngine(exchange.header('location') ?? '', root);
    } finally {
      // Never read the body of a redirect: it may not end (reference 2.3).
      if (!taken) exchange.destroy();
    }
  }
  throw new AcemuxError('engine_protocol', 'The engine redirects in a circle.');
}

/** Returns where coming back may help. */
async function refuseUnlessNotReady(deps: MediaDeps, exchange: Exchange, signal: AbortSignal): Promise<void> {
  const { statusCode } = exchange;
  if (statusCode === 403) {
    throw new AcemuxError('playback_unknown', 'The engine answered 403 to the media’s address.');
  }
  if (statusCode !== 404 && statusCode < 500) {
    throw new AcemuxError('engine_protocol', `The engine answered ${statusCode} instead of media.`);
  }
  if (saysPlaybackUnknown(await firstWords(deps, exchange, signal)))
    throw new AcemuxError('playback_unknown');
}

async function firstWords(deps: MediaDeps, exchange: Exchange, signal: AbortSignal): Promise<string> {
  using deadline = startDeadline(deps.clock, deps.limits.statTimeoutMs, [signal]);
  try {
    return await readText(exchange, NOT_READY_TEXT_BYTES_MAX, deadline.signal);
  } catch (error) {
    signal.throwIfAborted();
    deps.log.debug({ err: error }, 'no words with a status that is not ready');
    return '';
  }
}

class HttpMediaStream implements MediaStream, AsyncIterator<Buffer, undefined> {
  readonly statusCode: number;
  readonly contentType: string | undefined;
  readonly lengthBytes: number | undefined;
  readonly contentRange: string | undefined;
  readonly #exchange: Exchange;
  readonly #gatherBy: Clock | undefined;
  readonly #gatherFromMs: number;
  /** Whether the kernel may have gathered too little by now to be worth a read. */
  #isEarly = false;
  #timer: Timer | undefined;
  #endPause: () => void = () => {};

  /** `gatherBy`: the clock by which small pieces are gathered; undefined: each is read as it comes. */
  constructor(exchange: Exchange, gatherBy: Clock | undefined) {
    this.#exchange = exchange;
    this.#gatherBy = gatherBy;
    this.#gatherFromMs = gatherBy ? gatherBy.nowMs() + GATHER_AFTER_MS : Number.POSITIVE_INFINITY;
    this.statusCode = exchange.statusCode;
    this.contentType = exchange.header('content-type');
    const length = exchange.header('content-length') ?? '';
    this.lengthBytes = /^\d{1,15}$/.test(length) ? Number(length) : undefined;
    this.contentRange = exchange.header('content-range');
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const clock = this.#gatherBy;
    if (clock && this.#isEarly && clock.nowMs() >= this.#gatherFromMs) await this.#gather(clock);
    try {
      const value = await this.#exchange.read();
      // Where a read was full more is waiting.
      this.#isEarly = value !== undefined && value.length < READ_BYTES;
      return value ? { done: false, value } : { done: true, value };
    } catch (error) {
      throw new AcemuxError('source_failed', undefined, { cause: error });
    }
  }

  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.destroy();
    return Promise.resolve({ done: true, value: undefined });
  }

  destroy(): void {
    this.#timer?.cancel();
    this.#endPause();
    this.#exchange.destroy();
  }

  #gather(clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      this.#endPause = resolve;
      this.#timer = clock.startTimer(GATHER_MS, resolve);
    });
  }
}
