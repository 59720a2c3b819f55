import type { ReasonCode } from '../base/reasons.ts';

/** The first pause; each is twice the one before, and up to half as much again, so that streams spread. Milliseconds. */
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 15_000;
/** The same where no engine was there to be asked anything. */
const AWAY_MIN_MS = 50;
const AWAY_MAX_MS = 1_000;

/** Nobody was asked for the stream: an engine that is started again may be there any moment, and a connect costs nothing. */
const NOBODY_THERE: ReadonlySet<ReasonCode> = new Set(['engine_unreachable', 'no_engine_available']);

/**
 * How long the next search waits after `failures` others in a row before the one that failed for `reason`. Pure but for
 * `random`, from 0 to 1. The bound while engines are away: a search a second for each stream that has no source, and what a
 * search costs then are two connects (http-call.ts) or, once the fleet knows, none (Fleet).
 */
export function searchPauseMs(failures: number, reason: ReasonCode | undefined, random: number): number {
  const isAway = reason !== undefined && NOBODY_THERE.has(reason);
  const [minMs, maxMs] = isAway ? [AWAY_MIN_MS, AWAY_MAX_MS] : [PAUSE_MIN_MS, PAUSE_MAX_MS];
  return Math.min(maxMs, minMs * 2 ** failures) * (1 + random / 2);
}
