import { createHash, timingSafeEqual } from 'node:crypto';
import type { ClientAddress, RequestHeaders } from './client-address.ts';

/**
 * What a route is about, which decides who may use it. `play`: streams and playlists. `view`: panel, lists, metrics,
 * events, documentation. `admin`: whatever changes something. `open`: tells nothing but yes or no.
 */
export type Area = 'play' | 'view' | 'admin' | 'open';

/** `private`: loopback and private networks need no key, others do; `key`: everybody does; `open`: nobody does. */
export type AccessMode = 'private' | 'key' | 'open';

export interface AccessPolicy {
  /** PLAY_ACCESS */
  readonly play: AccessMode;
  /** VIEW_ACCESS */
  readonly view: AccessMode;
  /** The key that opens every area. */
  readonly key: string;
}

export interface AccessRequest {
  readonly area: Area;
  readonly client: ClientAddress;
  /** The key that came with the request; undefined without one. */
  readonly presentedKey: string | undefined;
  readonly policy: AccessPolicy;
}

/** The two refusals are reason codes. */
export type AccessDecision = 'allow' | 'key_required' | 'key_wrong';

/** Decides whether a request may pass. No address stands in for the admin key. */
export function decideAccess({ area, client, presentedKey, policy }: AccessRequest): AccessDecision {
  if (area === 'open') return 'allow';
  if (area !== 'admin') {
    const mode = area === 'play' ? policy.play : policy.view;
    if (mode === 'open' || (mode === 'private' && client.isPrivate)) return 'allow';
  }
  if (presentedKey === undefined) return 'key_required';
  return isSameKey(presentedKey, policy.key) ? 'allow' : 'key_wrong';
}

/** The key of `Authorization: Bearer KEY` (RFC 6750) or `X-API-Key: KEY`; undefined if there is neither. */
export function presentedKeyOf(headers: RequestHeaders): string | undefined {
  const { authorization } = headers;
  const bearer =
    typeof authorization === 'string' ? /^bearer +(\S+) *$/i.exec(authorization)?.[1] : undefined;
  if (bearer !== undefined) return bearer;
  const apiKey = headers['x-api-key'];
  return typeof apiKey === 'string' && apiKey !== '' ? apiKey : undefined;
}

/** Takes the same time wherever the two differ; hashing makes their lengths equal. */
export function isSameKey(presented: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(presented), digest(expected));
}
