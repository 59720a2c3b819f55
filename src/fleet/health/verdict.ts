/** What is thought of an engine. */
export type Health = 'unknown' | 'healthy' | 'unhealthy';

/** What one probe found: an engine that answers and has a network, or a miss. */
export type ProbeVerdict = 'hit' | 'miss';

/** An engine's health and what it follows from. */
export interface HealthRecord {
  readonly health: Health;
  readonly missesInARow: number;
}

export const UNPROBED: HealthRecord = { health: 'unknown', missesInARow: 0 };

/**
 * The health after one more probe. One hit heals. A healthy engine turns unhealthy only after
 * `failureThreshold` misses in a row, since a busy one answers slowly (reference 8.4); one that was never
 * healthy does at its first.
 */
export function judge(before: HealthRecord, probe: ProbeVerdict, failureThreshold: number): HealthRecord {
  if (probe === 'hit') return { health: 'healthy', missesInARow: 0 };
  const missesInARow = before.missesInARow + 1;
  const isExcused = before.health === 'healthy' && missesInARow < failureThreshold;
  return { health: isExcused ? 'healthy' : 'unhealthy', missesInARow };
}
