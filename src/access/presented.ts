import type { RequestHeaders } from './client-address.ts';

/** The cookie of a login. */
export const SESSION_COOKIE = 'acemux_session';

/** What a request brought to identify itself with; the first of these counts. */
export type Presented =
  /** `Authorization: Bearer`, `X-API-Key` or `?token=`: a key or a signed token. */
  | { readonly kind: 'token'; readonly text: string }
  /** The id of a login. */
  | { readonly kind: 'session'; readonly text: string }
  | { readonly kind: 'nothing' };

/** A request as far as it may hold a key. */
export interface PresentingRequest {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly headers: RequestHeaders;
}

/**
 * The key of a request: a header, else `token` in the query, else the cookie of a login. In URLs only of requests that
 * change nothing: URLs are written into histories and passed on.
 */
export function presentedBy({ headers, method, url }: PresentingRequest): Presented {
  const text = keyInHeaders(headers) ?? (isSafe(method) ? tokenInUrl(url) : undefined);
  if (text !== undefined) return { kind: 'token', text };
  const session = cookieOf(headers['cookie'], SESSION_COOKIE);
  return session === undefined ? { kind: 'nothing' } : { kind: 'session', text: session };
}

/** The key of `Authorization: Bearer KEY` (RFC 6750) or `X-API-Key: KEY`; undefined if there is neither. */
function keyInHeaders(headers: RequestHeaders): string | undefined {
  const { authorization } = headers;
  const bearer =
    typeof authorization === 'string' ? /^bearer +(\S+) *$/i.exec(authorization)?.[1] : undefined;
  if (bearer !== undefined) return bearer;
  const apiKey = headers['x-api-key'];
  return typeof apiKey === 'string' && apiKey !== '' ? apiKey : undefined;
}

/** Given twice it says two things, and means neither: the whole of it is presented, and is wrong. */
function tokenInUrl(url: string): string | undefined {
  const start = url.indexOf('?');
  if (start < 0 || !url.includes('token=', start)) return undefined;
  const tokens = new URLSearchParams(url.slice(start + 1)).getAll('token').filter((each) => each !== '');
  return tokens.length === 0 ? undefined : tokens.join(' ');
}

/** The first cookie of a name (RFC 6265 4.2). */
export function cookieOf(header: string | readonly string[] | undefined, name: string): string | undefined {
  if (typeof header !== 'string') return undefined;
  for (const pair of header.split(';')) {
    const equalsAt = pair.indexOf('=');
    if (equalsAt >= 0 && pair.slice(0, equalsAt).trim() === name)
      return pair.slice(equalsAt + 1).trim() || undefined;
  }
  return undefined;
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
