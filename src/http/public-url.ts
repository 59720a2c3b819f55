import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RequestHeaders } from '../access/client-address.ts';
import { type AddressSet, normalizeAddress } from '../access/ip-address.ts';

/** What decides under which address acemux shows itself. */
export interface PublicUrlRules {
  /** PUBLIC_URL, without a slash at its end; it may have a path. */
  readonly publicUrl: string | undefined;
  /** Whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: AddressSet;
}

declare module 'fastify' {
  interface FastifyInstance {
    publicUrlRules: PublicUrlRules;
  }
}

/** What a URL can be made from. */
export interface UrlSource {
  readonly headers: RequestHeaders;
  readonly peerAddress: string;
  /** Where the request arrived: what is shown if nothing better is known. */
  readonly localAddress: string;
  readonly localPort: number;
}

/** A name or an address as it may stand in a URL, with a port or without: nothing that could end the host. */
const HOST = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::\d{1,5})?$/i;
const HOST_LENGTH_MAX = 260;
const PREFIX = /^(?:\/[\w.~-]+)+\/?$/;
const PREFIX_LENGTH_MAX = 200;

/** To be called before any route that makes URLs is added. */
export function installPublicUrl(app: FastifyInstance, rules: PublicUrlRules): void {
  app.decorate('publicUrlRules', rules);
}

/**
 * The base of every absolute URL in a reply, without a slash at its end: `https://tv.example.org/ace`. It is
 * PUBLIC_URL; or else what the request was sent to, as `Host` says, or the X-Forwarded-Host, -Proto and -Prefix of a
 * trusted proxy.
 */
export function publicUrlOf(request: FastifyRequest): string {
  const { remoteAddress = '', localAddress = '127.0.0.1', localPort = 80 } = request.socket;
  return buildPublicUrl(
    { headers: request.headers, peerAddress: remoteAddress, localAddress, localPort },
    request.server.publicUrlRules,
  );
}

/** The same, as a pure function. Headers that could not stand in a URL count as not sent. */
export function buildPublicUrl(source: UrlSource, { publicUrl, trustedProxies }: PublicUrlRules): string {
  if (publicUrl !== undefined) return publicUrl;
  const { headers, peerAddress, localAddress, localPort } = source;
  const isForwarded = trustedProxies.contains(peerAddress);
  const forwarded = (name: string): string | undefined =>
    isForwarded ? listedIn(headers[name])[0] : undefined;
  const host = validHost(forwarded('x-forwarded-host')) ?? validHost(listedIn(headers['host'])[0]);
  const scheme = forwarded('x-forwarded-proto')?.toLowerCase() === 'https' ? 'https' : 'http';
  const prefix = validPrefix(forwarded('x-forwarded-prefix'));
  return `${scheme}://${host ?? authorityOf(localAddress, localPort)}${prefix}`;
}

/** The path and query of a request target, which may be a whole URL (RFC 9112 3.2.2). */
export function pathAndQueryOf(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return rest.startsWith('/') || rest === '*' ? rest : `/${rest}`;
}

/**
 * The URL of a request without the path of PUBLIC_URL, if it has it: some proxies take it off, some do not.
 * @param isRoute whether there is something at a path as it stands; then it is meant so
 */
export function withoutPrefix(
  url: string,
  publicUrl: string | undefined,
  isRoute: (path: string) => boolean,
): string {
  const prefix = publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '');
  if (prefix === '' || !url.startsWith(prefix)) return url;
  const rest = url.slice(prefix.length);
  if (rest !== '' && !/^[/?]/.test(rest)) return url;
  if (isRoute(url.replace(/\?.*$/s, ''))) return url;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** The values of a header that may be a list, from the client's on. */
export function listedIn(header: string | readonly string[] | undefined): string[] {
  const text = typeof header === 'string' ? header : (header ?? []).join(',');
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** A `Host` value that can stand in a URL, in lower case; undefined for anything else. */
export function validHost(text: string | undefined): string | undefined {
  if (text === undefined || text.length > HOST_LENGTH_MAX || !HOST.test(text)) return undefined;
  // What the URL standard takes for something else, such as `1.2.3.4.5` or port 99999, is no host.
  return URL.canParse(`http://${text}`) ? text.toLowerCase() : undefined;
}

function validPrefix(text: string | undefined): string {
  if (text === undefined || text.length > PREFIX_LENGTH_MAX || !PREFIX.test(text)) return '';
  if (text.split('/').some((segment) => segment === '.' || segment === '..')) return '';
  return text.replace(/\/$/, '');
}

function authorityOf(address: string, port: number): string {
  const normalized = normalizeAddress(address) ?? '127.0.0.1';
  return `${normalized.includes(':') ? `[${normalized}]` : normalized}:${port}`;
}
