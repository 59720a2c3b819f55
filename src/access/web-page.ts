import type { RequestHeaders } from './client-address.ts';
import { AREAS, type Area } from './guard.ts';
import { normalizeAddress } from './ip-address.ts';

/** A request as far as it tells whether a web page sent it, and which. */
export interface WebRequest {
  readonly area: Area;
  readonly method: string;
  /** All names that the request was sent to: `Host`, and what trusted proxies forwarded. Players' requests need them not. */
  readonly hosts: () => readonly string[];
  readonly headers: RequestHeaders;
  /** PUBLIC_URL */
  readonly publicUrl: string | undefined;
}

/** The two refusals are reason codes. */
export type WebDecision = 'allow' | 'host_not_allowed' | 'cross_site';

/** Methods that change nothing (RFC 9110 9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Names that no server of the public DNS answers for (RFC 6761, 6762, 8375, ICANN's .internal; routers use .lan). */
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|lan|internal|home\.arpa)$/;

/**
 * Decides whether a request may pass as far as web pages are concerned: the pages of other hosts may play, and may
 * neither read nor change anything else.
 *
 * A page can give its own name the address of acemux (DNS rebinding); its requests are then "same-origin", and come
 * from the viewer's own private address. What it cannot hide is its name in `Host`. Every other page tells by `Origin`
 * or `Sec-Fetch-Site` (Fetch Metadata) that it is another one. Programs send neither and may be believed: no page can
 * leave these headers out.
 */
export function decideWebAccess({ area, method, hosts, headers, publicUrl }: WebRequest): WebDecision {
  const changes = !SAFE_METHODS.has(method);
  const isPrivateMatter = !AREAS[area].isForAllPages;
  if (isPrivateMatter && !hosts().every((host) => isOwnHost(host, publicUrl))) return 'host_not_allowed';
  if (!isPrivateMatter && !changes) return 'allow';

  const site = headers['sec-fetch-site'];
  if (typeof site === 'string') {
    if (site === 'same-origin' || site === 'none') return 'allow';
    if (changes) return 'cross_site';
    // Following a link shows a page to the person who followed it, and to nobody else.
    const isLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
    return site === 'same-site' || isLink ? 'allow' : 'cross_site';
  }
  // Browsers send Sec-Fetch-Site to https and to this machine only.
  const { origin } = headers;
  if (typeof origin !== 'string') return 'allow';
  return isOwnOrigin(origin, hosts(), publicUrl) ? 'allow' : 'cross_site';
}

/** Whether a `Host` value names this house: an address, a name that only a local network knows, or PUBLIC_URL's. */
function isOwnHost(host: string, publicUrl: string | undefined): boolean {
  const name = nameOf(host);
  if (name === undefined) return false;
  if (normalizeAddress(name) !== undefined) return true;
  if (!name.includes('.') || LOCAL_NAME.test(name)) return true;
  return publicUrl !== undefined && name === new URL(publicUrl).hostname.replace(/\.$/, '');
}

function isOwnOrigin(origin: string, hosts: readonly string[], publicUrl: string | undefined): boolean {
  if (!URL.canParse(origin)) return false; // `null`: a page that hides where it is from.
  const { host } = new URL(origin);
  const own = [...hosts, ...(publicUrl === undefined ? [] : [new URL(publicUrl).host])];
  return own.some((each) => withoutUsualPort(each) === withoutUsualPort(host));
}

/** The name or address of a `Host` value, without port, brackets and the dot of the root. */
function nameOf(host: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  return (bracketed ?? plain)?.toLowerCase().replace(/\.$/, '');
}

/** Which of the two is the usual one depends on TLS, which a proxy may have taken off. */
function withoutUsualPort(host: string): string {
  return host.toLowerCase().replace(/:(?:80|443)$/, '');
}
