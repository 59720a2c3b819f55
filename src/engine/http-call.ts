import { type Clock, sleep } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { type Exchange, TransportError, type TransportFailure } from './transport.ts';

/** What an engine does not answer at all may be asked once more after this long (reference 4.3). */
export const RETRY_AFTER_MS = 1_000;
/** Refused is said at once and costs an engine nothing: within that second it may have been started again. */
export const REFUSED_PAUSES_MS = [250, 250, 500] as const;

/** A whole reply, read. */
export interface TextReply {
  readonly statusCode: number;
  /** Present for redirects only, whose body is never read (reference 2.1). */
  readonly location: string | undefined;
  /** UTF-8, without a byte order mark; empty for redirects. */
  readonly text: string;
}

export interface TextCall {
  readonly open: (url: URL, signal: AbortSignal) => Promise<Exchange>;
  readonly url: URL;
  readonly clock: Clock;
  readonly replyBytesMax: number;
  /** Which failures before any reply are worth one more try; a refused connection, three within the same time. */
  readonly retryAfter: readonly TransportFailure[];
  /** Bounds the whole call, its retry and its body included. */
  readonly signal: AbortSignal;
}

/**
 * One bounded call whose reply is text.
 * @throws AcemuxError engine_unreachable, engine_closed, engine_protocol; the signal's reason
 */
export async function callForText(call: TextCall): Promise<TextReply> {
  const exchange = await openWithRetry(call);
  try {
    const { statusCode } = exchange;
    if (isRedirect(statusCode)) {
      return { statusCode, location: exchange.header('location') ?? '', text: '' };
    }
    refuseCompressed(exchange);
    return {
      statusCode,
      location: undefined,
      text: await readText(exchange, call.replyBytesMax, call.signal),
    };
  } catch (error) {
    throw asEngineError(error);
  } finally {
    exchange.destroy();
  }
}

export function isRedirect(statusCode: number): boolean {
  return statusCode >= 300 && statusCode < 400 && statusCode !== 304;
}

/** acemux never asks for compression, so a compressed reply is not for it. */
export function refuseCompressed(exchange: Exchange): void {
  const encoding = exchange.header('content-encoding')?.trim().toLowerCase();
  if (encoding === undefined || encoding === '' || encoding === 'identity') return;
  throw new AcemuxError('engine_protocol', 'The engine compressed its reply without being asked to.');
}

/**
 * The body as text.
 * @throws AcemuxError engine_protocol if it is larger than `bytesMax`; TransportError; the signal's reason
 */
export async function readText(exchange: Exchange, bytesMax: number, signal: AbortSignal): Promise<string> {
  const onAbort = (): void => exchange.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of exchange) {
      sizeBytes += chunk.length;
      if (sizeBytes > bytesMax) {
        throw new AcemuxError('engine_protocol', `The engine's reply is larger than ${bytesMax} bytes.`);
      }
      chunks.push(chunk);
    }
    signal.throwIfAborted();
    return Buffer.concat(chunks)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A failure of the connection as the reason it is before any media has come; anything else unchanged. */
export function asEngineError(error: unknown): unknown {
  if (!(error instanceof TransportError)) return error;
  switch (error.failure) {
    case 'refused':
    case 'unreachable':
      return new AcemuxError('engine_unreachable', undefined, { cause: error });
    case 'closed':
      return new AcemuxError('engine_closed', 'The engine closed the connection without a whole reply.', {
        cause: error,
      });
    case 'syntax':
      return new AcemuxError('engine_protocol', 'The engine answered with malformed HTTP.', { cause: error });
  }
}

async function openWithRetry(call: TextCall): Promise<Exchange> {
  for (let tries = 0; ; tries++) {
    try {
      return await call.open(call.url, call.signal);
    } catch (error) {
      const pauseMs = pauseAfter(error, tries, call.retryAfter);
      if (pauseMs === undefined) throw asEngineError(error);
      await sleep(call.clock, pauseMs, call.signal);
    }
  }
}

/** Undefined: it is not asked again. */
function pauseAfter(error: unknown, tries: number, retryAfter: TextCall['retryAfter']): number | undefined {
  if (!(error instanceof TransportError) || !retryAfter.includes(error.failure)) return undefined;
  return (error.failure === 'refused' ? REFUSED_PAUSES_MS : [RETRY_AFTER_MS])[tries];
}
