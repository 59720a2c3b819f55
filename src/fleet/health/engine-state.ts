/**
 * How an engine is. `starting`: it has not answered yet, and may still come. `healthy`. `degraded`: it can be used, and is
 * taken last. `unhealthy`: it can't be used, and its streams move. `draining`: it gets no new streams. `gone`: it has
 * left the fleet.
 */
export type EngineState = 'starting' | 'healthy' | 'degraded' | 'unhealthy' | 'draining' | 'gone';

/** What programs of the orchestrator know as `health_status`. */
export type Health = 'unknown' | 'healthy' | 'unhealthy';

/** What one probe found: an engine that answers and has a network, or a miss. */
export type ProbeVerdict = 'hit' | 'miss';

/** What the probes of an engine's API have come to. */
export interface ApiRecord {
  /** `shaky`: it misses probes, or has only just begun to answer again. `silent`: so many that it can't be used. */
  readonly kind: 'unknown' | 'well' | 'shaky' | 'silent';
  readonly missesInARow: number;
  readonly hitsInARow: number;
}

export const UNPROBED: ApiRecord = { kind: 'unknown', missesInARow: 0, hitsInARow: 0 };

/** An engine that was silent is well again after so many hits in a row; it can be used from the first. */
const HITS_TO_TRUST = 2;

export interface ApiRules {
  /** HEALTH_FAILURE_THRESHOLD: so many misses in a row turn an engine that was well silent. */
  readonly failureThreshold: number;
  /** It was started lately, so that it need not answer yet. */
  readonly maybeStarting: boolean;
}

/**
 * What is thought of an engine's API after one more probe. A busy engine answers slowly (reference 8.4), so one that was
 * well is forgiven some misses; one that has never answered is not, unless it may still be starting.
 */
export function judgeProbe(before: ApiRecord, probe: ProbeVerdict, rules: ApiRules): ApiRecord {
  if (probe === 'hit') {
    const hitsInARow = before.hitsInARow + 1;
    const isTrusted =
      before.kind === 'unknown' ||
      before.kind === 'well' ||
      before.missesInARow < rules.failureThreshold ||
      hitsInARow >= HITS_TO_TRUST;
    return isTrusted
      ? { kind: 'well', missesInARow: 0, hitsInARow }
      : { kind: 'shaky', missesInARow: before.missesInARow, hitsInARow };
  }
  const missesInARow = (before.hitsInARow > 0 ? 0 : before.missesInARow) + 1;
  const missed = { missesInARow, hitsInARow: 0 };
  if (before.kind === 'unknown') return { kind: rules.maybeStarting ? 'unknown' : 'silent', ...missed };
  if (before.kind === 'silent') return { kind: 'silent', ...missed };
  return { kind: missesInARow < rules.failureThreshold ? 'shaky' : 'silent', ...missed };
}

/** Everything that an engine's state follows from. */
export interface EngineFacts {
  readonly api: ApiRecord['kind'];
  /** Of its container; undefined: nobody knows of any. */
  readonly container: 'created' | 'running' | 'paused' | undefined;
  /** It delivers media now, whatever its API says. */
  readonly isDelivering: boolean;
  /** By the rule on whose fault failures are (`Suspicion`). */
  readonly isSuspected: boolean;
  /** Its provider can't be asked about it. */
  readonly isUnseen: boolean;
  readonly isDraining: boolean;
  readonly isCutOff: boolean;
  readonly isGone: boolean;
}

/** The three layers together: the container, the API, and whether it delivers. Pure. */
export function stateOf(facts: EngineFacts): EngineState {
  if (facts.isGone) return 'gone';
  if (facts.isDraining) return 'draining';
  return conditionOf(facts);
}

/** The state apart from whether it is being drained. */
export function conditionOf(facts: EngineFacts): Exclude<EngineState, 'draining' | 'gone'> {
  // What is frozen, or has no network left, says so before any probe could.
  if (facts.container === 'paused' || facts.isCutOff) return 'unhealthy';
  if (facts.api === 'silent') return facts.isDelivering ? 'degraded' : 'unhealthy';
  if (facts.api === 'unknown') return 'starting';
  return facts.api === 'shaky' || facts.isSuspected || facts.isUnseen ? 'degraded' : 'healthy';
}

/** Whether an engine takes new streams, its VPN apart: one whose API is silent does not, though it may still deliver. */
export function isUsable(facts: EngineFacts): boolean {
  const state = stateOf(facts);
  return state === 'healthy' || (state === 'degraded' && facts.api !== 'silent');
}
