import { AcemuxError } from '../base/reasons.ts';
import { isRedirect, refuseCompressed } from './http-call.ts';
import { rewriteToEngine } from './rewrite.ts';
import type { EngineTransport, Exchange } from './transport.ts';

/** Why an engine refuses stands in its first words. */
const WORDS_BYTES_MAX = 4_096;

/** A whole reply of an engine's HLS. */
export interface Fetched {
  readonly statusCode: number;
  /** Where it came from, behind all redirects, at the engine's address. */
  readonly url: URL;
  /** Of a reply that is not 200 no more than the first words. */
  readonly bytes: Buffer;
}

export interface Fetch {
  readonly transport: Pick<EngineTransport, 'open'>;
  /** The engine's configured address; every redirect is moved to it. */
  readonly root: URL;
  readonly redirectsMax: number;
  /** How large a reply may be. */
  readonly bytesMax: number;
  /** Bounds the whole of it, the body included. */
  readonly signal: AbortSignal;
}

/**
 * Gets the whole of a playlist or segment from the engine and from nobody else.
 * @throws AcemuxError engine_protocol; RangeError where it is larger than allowed; TransportError; the signal's reason
 */
export async function fetchWhole(start: URL, fetch: Fetch): Promise<Fetched> {
  let url = start;
  for (let redirects = 0; redirects <= fetch.redirectsMax; redirects++) {
    const exchange = await fetch.transport.open(url, fetch.signal);
    try {
      const { statusCode } = exchange;
      if (!isRedirect(statusCode)) {
        if (statusCode === 200) refuseCompressed(exchange);
        return { statusCode, url, bytes: await readBytes(exchange, fetch) };
      }
      // Never read the body of a redirect: it may not end (reference 2.3).
      url = rewriteToEngine(exchange.header('location') ?? '', fetch.root);
    } finally {
      exchange.destroy();
    }
  }
  throw new AcemuxError('engine_protocol', 'The engine redirects in a circle.');
}

async function readBytes(exchange: Exchange, { bytesMax, signal }: Fetch): Promise<Buffer> {
  const isWanted = exchange.statusCode === 200;
  const onAbort = (): void => exchange.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of exchange) {
      sizeBytes += chunk.length;
      if (isWanted && sizeBytes > bytesMax) {
        throw new RangeError(`more than ${bytesMax} bytes`);
      }
      chunks.push(chunk);
      if (!isWanted && sizeBytes >= WORDS_BYTES_MAX) break;
    }
    signal.throwIfAborted();
    return Buffer.concat(chunks);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
