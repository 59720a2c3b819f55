import type { ReasonCode } from '../../base/reasons.ts';

/** Failures in a row of one cause. */
export interface FailureStreak {
  readonly failures: number;
  readonly lastAtMs: number;
  /** Nothing is created before this, monotonic milliseconds. */
  readonly pausedUntilMs: number;
  /** What the last one said. */
  readonly detail: string;
}

/**
 * What a pool's failures to create engines have brought about, by cause. Few failures make short pauses, many make long
 * ones, after each of which one engine is tried (*half-open*).
 */
export interface Breaker {
  readonly streaks: ReadonlyMap<ReasonCode, FailureStreak>;
  /** Something that creating needs does not answer. That is no failure of engines, and only pauses for a moment. */
  readonly dependency:
    | { readonly code: ReasonCode; readonly detail: string; readonly untilMs: number }
    | undefined;
}

export interface BreakerRules {
  /** So many failures in a row open it. */
  readonly threshold: number;
  /** The longest pause, milliseconds. */
  readonly pauseMaxMs: number;
}

/** Whether, and when, a pool may create. */
export type BreakerVerdict =
  | { readonly kind: 'closed' }
  /** One engine may be tried; no other before it is known what became of it. */
  | { readonly kind: 'half-open'; readonly cause: ReasonCode; readonly failures: number }
  | {
      /** `backoff`: a short pause after a failure; `open`: after many; `dependency`: until what is needed answers. */
      readonly kind: 'backoff' | 'open' | 'dependency';
      readonly cause: ReasonCode;
      readonly failures: number;
      readonly untilMs: number;
      readonly detail: string;
    };

export const CLOSED_BREAKER: Breaker = { streaks: new Map(), dependency: undefined };

/** The pause after the first failure; it doubles with each, milliseconds. */
const BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 15_000;
/** The first pause of an open breaker; it doubles with each trial that fails, milliseconds. */
const OPEN_MS = 30_000;
/** How soon it is tried again when something that creating needs does not answer, milliseconds. */
const DEPENDENCY_PAUSE_MS = 5_000;
/** Failures longer ago than this are forgotten, milliseconds. An open breaker's pause is never longer. */
const FORGET_MS = 10 * 60_000;
/** Engines that end soon after they were ready: being ready is no proof against that. */
const OUTLIVES_READINESS: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['engine_exited']);

/** After a failure. While the breaker is open, what had been begun before does not count again. */
export function failed(
  before: Breaker,
  cause: ReasonCode,
  detail: string,
  nowMs: number,
  { threshold, pauseMaxMs }: BreakerRules,
): Breaker {
  const streaks = remembered(before, nowMs);
  const streak = streaks.get(cause);
  if (streak && streak.failures >= threshold && nowMs < streak.pausedUntilMs) return before;
  const failures = (streak?.failures ?? 0) + 1;
  const pauseMs =
    failures < threshold
      ? Math.min(BACKOFF_MS * 2 ** (failures - 1), BACKOFF_MAX_MS, pauseMaxMs)
      : Math.min(OPEN_MS * 2 ** Math.min(failures - threshold, 20), pauseMaxMs);
  streaks.set(cause, { failures, lastAtMs: nowMs, pausedUntilMs: nowMs + pauseMs, detail });
  return { ...before, streaks };
}

/** Something that creating needs did not answer. */
export function dependencyDown(before: Breaker, code: ReasonCode, detail: string, nowMs: number): Breaker {
  return { ...before, dependency: { code, detail, untilMs: nowMs + DEPENDENCY_PAUSE_MS } };
}

/** After an engine became ready: whatever had kept others from it does not hold any more. */
export function succeeded(before: Breaker): Breaker {
  const streaks = new Map([...before.streaks].filter(([cause]) => OUTLIVES_READINESS.has(cause)));
  return { streaks, dependency: undefined };
}

/** The gravest of what speaks against creating now. */
export function judgeBreaker(breaker: Breaker, nowMs: number, { threshold }: BreakerRules): BreakerVerdict {
  let worst: BreakerVerdict = { kind: 'closed' };
  const { dependency } = breaker;
  if (dependency && nowMs < dependency.untilMs) {
    const { code, untilMs, detail } = dependency;
    worst = { kind: 'dependency', cause: code, failures: 0, untilMs, detail };
  }
  for (const [cause, { failures, pausedUntilMs, detail }] of remembered(breaker, nowMs)) {
    if (nowMs < pausedUntilMs) {
      if ('untilMs' in worst && worst.untilMs >= pausedUntilMs) continue;
      const kind = failures >= threshold ? 'open' : 'backoff';
      worst = { kind, cause, failures, untilMs: pausedUntilMs, detail };
    } else if (failures >= threshold && worst.kind === 'closed')
      worst = { kind: 'half-open', cause, failures };
  }
  return worst;
}

function remembered({ streaks }: Breaker, nowMs: number): Map<ReasonCode, FailureStreak> {
  return new Map(
    [...streaks].filter(([, { lastAtMs, pausedUntilMs }]) => {
      return nowMs - lastAtMs < FORGET_MS || nowMs < pausedUntilMs;
    }),
  );
}
