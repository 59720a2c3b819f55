import { type AddressSet, isPrivateAddress, normalizeAddress } from './ip-address.ts';

/** Headers by which reverse proxies tell for whom they ask. */
const FORWARDING_HEADERS = [
  'x-forwarded-for',
  'forwarded',
  'x-real-ip',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
] as const;

/** Who asks, as far as it can be known. */
export interface ClientAddress {
  /** Normalised IP address, for lists and logs. */
  readonly address: string;
  /** Whether the request surely comes from this machine or a private network. */
  readonly isPrivate: boolean;
  /** A reverse proxy that is not in TRUSTED_PROXIES stands in between, so `address` is the proxy's. */
  readonly isBehindUnknownProxy: boolean;
}

/** Request headers as node:http gives them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Finds the address that a request comes from.
 *
 * Forwarding headers are believed of trusted proxies only; there X-Forwarded-For counts, read from the right, and the
 * first address that is not a trusted proxy is the client. A request that carries such headers from anyone else may
 * come from anywhere: it counts as public, or a proxy in the same network would open the house to the world.
 */
export function clientAddressOf(
  peerAddress: string,
  headers: RequestHeaders,
  trustedProxies: AddressSet,
): ClientAddress {
  const peer = normalizeAddress(peerAddress) ?? peerAddress;
  if (!isForwarded(headers))
    return { address: peer, isPrivate: isPrivateAddress(peer), isBehindUnknownProxy: false };
  if (!trustedProxies.contains(peer)) return { address: peer, isPrivate: false, isBehindUnknownProxy: true };

  const hops = hopsOf(headers['x-forwarded-for']);
  let nearest: string | undefined;
  for (const hop of hops.toReversed()) {
    nearest = normalizeAddress(hop);
    if (nearest === undefined || !trustedProxies.contains(nearest)) break;
  }
  // A trusted proxy that does not say for whom it asks, or says it in a way that cannot be read.
  if (nearest === undefined) return { address: peer, isPrivate: false, isBehindUnknownProxy: false };
  return { address: nearest, isPrivate: isPrivateAddress(nearest), isBehindUnknownProxy: false };
}

/** Whether a request carries anything by which proxies tell for whom they ask. */
export function isForwarded(headers: RequestHeaders): boolean {
  return FORWARDING_HEADERS.some((name) => headers[name] !== undefined);
}

function hopsOf(header: string | readonly string[] | undefined): string[] {
  const text = typeof header === 'string' ? header : (header ?? []).join(',');
  return text.split(',').map(withoutPort);
}

/** Some proxies write `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  const text = hop.trim();
  return /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
}
