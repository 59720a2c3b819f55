import type { ReasonCode } from '../../base/reasons.ts';
import type { Share } from './shares.ts';

/** Somebody who watches now, and what that takes. */
export interface Watching {
  /** The names of the shares that it is counted in. */
  readonly shares: ReadonlySet<string>;
  /** The measured rate of its stream; undefined: it is not known, and counts as nothing. */
  readonly bytesPerSecond: number | undefined;
  readonly isPaused: boolean;
}

export interface RateQuestion {
  readonly shares: readonly Share[];
  /** The measured rate of the stream that is asked for. */
  readonly bytesPerSecond: number;
  /** What one viewer may take; undefined: as much as there is. */
  readonly viewerBytesPerSecond: number | undefined;
}

export type RateAdmission =
  | { readonly kind: 'admit' }
  | { readonly kind: 'refuse'; readonly code: ReasonCode; readonly detail: string };

/**
 * Decides whether a live stream fits through what somebody may take. It comes at its own rate, so that one which does not fit
 * would stutter until it is given up: that is told before the first byte.
 */
export function decideRate(
  { bytesPerSecond, shares, viewerBytesPerSecond }: RateQuestion,
  watching: readonly Watching[],
): RateAdmission {
  const refuse = (capBytesPerSecond: number, whose: string, code: ReasonCode): RateAdmission => {
    const rates = `The stream has ${Math.round(bytesPerSecond)} bytes a second, and ${whose} ${Math.round(capBytesPerSecond)}.`;
    return { kind: 'refuse', code, detail: rates };
  };
  if (viewerBytesPerSecond !== undefined && viewerBytesPerSecond < bytesPerSecond) {
    return refuse(viewerBytesPerSecond, 'a viewer may take', 'bandwidth_below_stream');
  }
  for (const { kind, limits, name } of shares) {
    const cap = limits.bytesPerSecond;
    if (cap === undefined) continue;
    const taken = watching
      .filter((each) => each.shares.has(name) && !each.isPaused)
      .reduce((sum, each) => sum + (each.bytesPerSecond ?? 0), 0);
    if (taken + bytesPerSecond <= cap) continue;
    if (kind === 'all') return refuse(cap - taken, 'all viewers together have left', 'overloaded');
    const whose = kind === 'key' ? 'this key has left' : 'this address has left';
    return refuse(Math.max(0, cap - taken), whose, 'bandwidth_below_stream');
  }
  return { kind: 'admit' };
}
