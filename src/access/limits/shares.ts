import { networkOf } from '../ip-address.ts';
import type { KeyLimits } from '../key-limits.ts';

/** What limits need to know of who asks; a `Caller` has all of it. */
export interface Asking {
  /** Normalised IP address. */
  readonly address: string;
  readonly role?: string;
  readonly key?: { readonly id: string; readonly limits: KeyLimits | undefined } | undefined;
  /** A signed URL that the request came with. */
  readonly signed?: { readonly id: string; readonly limits: KeyLimits | undefined } | undefined;
}

/** What is configured; what is undefined has no limit. */
export interface LimitRules {
  /** All viewers together. */
  readonly all: Omit<KeyLimits, 'onLimit'>;
  /** Those of one address; of IPv6, of one /64. */
  readonly address: Omit<KeyLimits, 'onLimit'>;
  /** Those of one key, where it has no limit of its own. An admin's key has its own only. */
  readonly key: KeyLimits;
  /** BYTES_PER_SECOND_PER_VIEWER */
  readonly viewerBytesPerSecond: number | undefined;
}

/** Viewers that are counted together, and what they may take together. */
export interface Share {
  readonly kind: 'key' | 'address' | 'all';
  /** Opaque; what is counted together has it alike. */
  readonly name: string;
  readonly limits: KeyLimits;
}

/**
 * With whom somebody is counted: the narrowest first, so that what gives way for it there is gone when the wider ones are
 * looked at. What a signed URL limits is counted by the URL, and not by its key.
 */
export function sharesOf({ address, key, role, signed }: Asking, rules: LimitRules): readonly Share[] {
  const shares: Share[] = [];
  if (signed?.limits) shares.push({ kind: 'key', name: `url ${signed.id}`, limits: signed.limits });
  if (key) {
    const ofKeys = role === 'admin' ? {} : rules.key;
    const limits: KeyLimits = {
      streamsMax: key.limits?.streamsMax ?? ofKeys.streamsMax,
      viewersMax: key.limits?.viewersMax ?? ofKeys.viewersMax,
      startsPerMinute: key.limits?.startsPerMinute ?? ofKeys.startsPerMinute,
      bytesPerSecond: key.limits?.bytesPerSecond ?? ofKeys.bytesPerSecond,
      onLimit: key.limits?.onLimit ?? ofKeys.onLimit,
    };
    shares.push({ kind: 'key', name: `key ${key.id}`, limits: without(limits, signed?.limits) });
  }
  shares.push({ kind: 'address', name: `address ${networkOf(address)}`, limits: rules.address });
  shares.push({ kind: 'all', name: 'all', limits: rules.all });
  return shares;
}

function without(limits: KeyLimits, narrower: KeyLimits | undefined): KeyLimits {
  if (!narrower) return limits;
  return {
    ...limits,
    ...(narrower.streamsMax !== undefined && { streamsMax: undefined }),
    ...(narrower.viewersMax !== undefined && { viewersMax: undefined }),
    ...(narrower.startsPerMinute !== undefined && { startsPerMinute: undefined }),
    ...(narrower.bytesPerSecond !== undefined && { bytesPerSecond: undefined }),
  };
}
