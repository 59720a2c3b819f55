import { type Clock, sleep } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { startDeadline } from './deadline.ts';
import { type Exchange, TransportError, type TransportFailure } from './transport.ts';

/**
 * What an engine does not answer at all may be asked once more after this long (reference 4.3). One that refuses connections
 * says so at once: within that time it may have been started again.
 */
export const RETRY_AFTER_MS = 1_000;

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
  /** Resolves when the engine, which refuses connections now, accepts them. */
  readonly untilAccepting: (signal: AbortSignal) => Promise<void>;
  readonly url: URL;
  readonly clock: Clock;
  readonly replyBytesMax: number;
  /** Which failures before any reply are worth one more try. */
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
  const { clock, open, retryAfter, signal, url } = call;
  let refusedUntilMs: number | undefined;
  for (let tries = 0; ; tries++) {
    try {
      return await open(url, signal);
    } catch (error) {
      if (!(error instanceof TransportError) || !retryAfter.includes(error.failure))
        throw asEngineError(error);
      if (error.failure === 'refused') {
        refusedUntilMs ??= clock.nowMs() + RETRY_AFTER_MS;
        if (!(await acceptsBefore(refusedUntilMs, call))) throw asEngineError(error);
      } else if (tries === 0) await sleep(clock, RETRY_AFTER_MS, signal);
      else throw asEngineError(error);
    }
  }
}

/** @throws the call's signal's reason */
async function acceptsBefore(endMs: number, { clock, signal, untilAccepting }: TextCall): Promise<boolean> {
  using deadline = startDeadline(clock, endMs - clock.nowMs(), [signal]);
  try {
    await untilAccepting(deadline.signal);
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
