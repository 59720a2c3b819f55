import { isIPv6 } from 'node:net';
import { AcemuxError } from '../base/reasons.ts';
import type { EngineAddress } from './types.ts';

/** Longer URLs than this are nonsense, not links. */
const URL_LENGTH_MAX = 8_192;

/** The host without the brackets that an IPv6 literal may have been written with. */
export function bareHost(address: EngineAddress): string {
  return address.host.replace(/^\[(.*)\]$/, '$1');
}

/** `host:port` as an engine is addressed: IPv6 literals in brackets, the port always there. */
export function authorityOf(address: EngineAddress): string {
  const host = bareHost(address);
  return `${isIPv6(host) ? `[${host}]` : host}:${address.port}`;
}

/** The root of the engine's HTTP API. Throws TypeError if the address can't stand in a URL. */
export function engineRoot(address: EngineAddress): URL {
  return new URL(`http://${authorityOf(address)}/`);
}

/**
 * Any URL that an engine sends, moved to the engine's configured address: scheme, host and port are replaced
 * always, path and query are kept (reference 10.4, DESIGN invariant 9). What stood for the host need not
 * even be a valid name: engines build it from the `Host` header they saw.
 * @throws AcemuxError engine_protocol for other schemes than http(s) and for what is no URL
 */
export function rewriteToEngine(raw: string, root: URL): URL {
  if (raw.length > URL_LENGTH_MAX)
    throw new AcemuxError('engine_protocol', 'The engine sent an endless URL.');
  const absolute = /^\s*([a-z][a-z0-9+.-]*):\/\/[^/?#\\]*(.*)$/is.exec(raw);
  if (absolute && !isHttp(`${absolute[1]}:`)) throw foreignScheme();
  let parsed: URL;
  try {
    // The leading slash keeps a path that begins with two of them from being read as a host.
    parsed = absolute ? new URL(`${root.origin}${pathOf(absolute[2] ?? '')}`) : new URL(raw, root);
  } catch (error) {
    throw new AcemuxError('engine_protocol', 'The engine sent a malformed URL.', { cause: error });
  }
  if (!isHttp(parsed.protocol)) throw foreignScheme();
  const rewritten = new URL(root);
  rewritten.pathname = parsed.pathname;
  rewritten.search = parsed.search;
  return rewritten;
}

function isHttp(protocol: string): boolean {
  return /^https?:$/i.test(protocol);
}

function foreignScheme(): AcemuxError {
  return new AcemuxError('engine_protocol', 'The engine sent a URL of another scheme than http.');
}

/** What follows the authority, as a path: it may begin with `?` or be empty. */
function pathOf(rest: string): string {
  return /^[/\\]/.test(rest) ? rest : `/${rest}`;
}
