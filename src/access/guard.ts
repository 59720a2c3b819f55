import type { AddressLists, ListedPart } from './address-lists.ts';
import type { ClientAddress } from './client-address.ts';
import type { Role } from './roles.ts';

/** `private`: loopback and private networks need no key, others do; `key`: everybody does; `open`: nobody does. */
export type AccessMode = 'private' | 'key' | 'open';

/** Which areas need no key of whom. */
export interface AccessPolicy {
  /** PLAY_ACCESS */
  readonly play: AccessMode;
  /** VIEW_ACCESS */
  readonly view: AccessMode;
}

interface AreaRule {
  /** Who may come without a key: as a setting says, everybody, nobody. */
  readonly withoutKey: 'PLAY_ACCESS' | 'VIEW_ACCESS' | 'everybody' | 'nobody';
  /** Whose keys open it. */
  readonly roles: readonly Role[];
  /** The address lists that it goes by: `PLAY_ALLOW`, `VIEW_DENY` and so on. */
  readonly lists: ListedPart | undefined;
  /** Whether pages of other hosts may ask for it (`web-page.ts`). */
  readonly isForAllPages: boolean;
  /** For the documentation. */
  readonly what: string;
}

/** The one table of who may do what: a route declares its area, and nothing else. */
export const AREAS = {
  open: {
    withoutKey: 'everybody',
    roles: [],
    lists: undefined,
    isForAllPages: true,
    what: 'Health: tells nothing but yes or no.',
  },
  entry: {
    withoutKey: 'everybody',
    roles: [],
    lists: 'view',
    isForAllPages: false,
    what: 'Logging in and out, and who one is.',
  },
  play: {
    withoutKey: 'PLAY_ACCESS',
    roles: ['admin', 'operator', 'viewer'],
    lists: 'play',
    isForAllPages: true,
    what: 'Streams, playlists, and the calls of an engine that players make.',
  },
  overview: {
    withoutKey: 'VIEW_ACCESS',
    roles: ['admin', 'operator', 'viewer'],
    lists: 'view',
    isForAllPages: false,
    what: 'How it is as a whole, in numbers: no viewer, no stream, no engine by name. The documentation.',
  },
  metrics: {
    withoutKey: 'VIEW_ACCESS',
    roles: ['admin', 'operator', 'metrics'],
    lists: 'view',
    isForAllPages: false,
    what: '`/metrics`.',
  },
  view: {
    withoutKey: 'VIEW_ACCESS',
    roles: ['admin', 'operator'],
    lists: 'view',
    isForAllPages: false,
    what: 'Who watches what: sessions, streams, engines, VPNs, events.',
  },
  operate: {
    withoutKey: 'nobody',
    roles: ['admin', 'operator'],
    lists: 'admin',
    isForAllPages: false,
    what: 'What changes streams and engines.',
  },
  admin: {
    withoutKey: 'nobody',
    roles: ['admin'],
    lists: 'admin',
    isForAllPages: false,
    what: 'Keys, signed URLs, settings.',
  },
} as const satisfies Readonly<Record<string, AreaRule>>;

/** What a route is about, which decides who may use it. */
export type Area = keyof typeof AREAS;

/** Why a signed URL does not let pass; each is a reason code. */
export type SignedProblem = 'signed_url_wrong' | 'signed_url_expired' | 'signed_url_elsewhere';

/** What a request came with, and what that is worth. */
export type Credential =
  | { readonly kind: 'none' }
  /** Not the right one, or none any more. */
  | { readonly kind: 'wrong' }
  /** Too many wrong ones came from there (`LoginAttempts`): nobody knows whether it is the right one. */
  | { readonly kind: 'unexamined' }
  | { readonly kind: 'key'; readonly role: Role }
  | { readonly kind: 'signed'; readonly problem: SignedProblem | undefined };

export interface AccessRequest {
  readonly area: Area;
  readonly client: ClientAddress;
  readonly credential: Credential;
  /** Whether nobody knows this very address but whom acemux gave it, and it is good now. */
  readonly isUnguessable: boolean;
  readonly policy: AccessPolicy;
  readonly lists: AddressLists;
}

/** The refusals are reason codes. */
export type AccessDecision =
  | 'allow'
  | 'address_not_allowed'
  | 'proxy_not_trusted'
  | 'key_required'
  | 'key_wrong'
  | 'too_many_wrong_keys'
  | 'role_not_enough'
  | SignedProblem;

/**
 * Decides whether a request may pass. A list that refuses an address refuses it with any key. Whoever comes with a key is
 * who that key says, at home too: a viewer's is for playing. Where no key is needed, nothing else that came with a request
 * matters, a wrong key included; and no address stands in for the admin key.
 */
export function decideAccess(request: AccessRequest): AccessDecision {
  const { area, client, credential, lists } = request;
  const rule: AreaRule = AREAS[area];
  if (rule.lists !== undefined) {
    const verdict = lists.judge(rule.lists, client);
    if (verdict !== 'allow') return verdict;
  }
  if (request.isUnguessable || rule.withoutKey === 'everybody') return 'allow';
  if (credential.kind !== 'key' && needsNoKey(rule, request)) return 'allow';
  switch (credential.kind) {
    case 'none':
      // Without the proxy in between it might have been private.
      return client.isBehindUnknownProxy && modeOf(rule, request.policy) === 'private'
        ? 'proxy_not_trusted'
        : 'key_required';
    case 'wrong':
      return 'key_wrong';
    case 'unexamined':
      return 'too_many_wrong_keys';
    case 'key':
      return rule.roles.includes(credential.role) ? 'allow' : 'role_not_enough';
    case 'signed':
      if (area !== 'play') return 'role_not_enough';
      return credential.problem ?? 'allow';
  }
}

function needsNoKey(rule: AreaRule, { client, policy }: AccessRequest): boolean {
  const mode = modeOf(rule, policy);
  return mode === 'open' || (mode === 'private' && client.isPrivate);
}

/** Undefined where no setting decides. */
function modeOf({ withoutKey }: AreaRule, policy: AccessPolicy): AccessMode | undefined {
  if (withoutKey === 'PLAY_ACCESS') return policy.play;
  return withoutKey === 'VIEW_ACCESS' ? policy.view : undefined;
}
