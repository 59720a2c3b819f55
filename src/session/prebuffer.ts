import type { SessionLimits } from './session-limits.ts';

/** The oldest part of the ring is let go of soon: nobody can begin there. */
const RING_PART = 0.75;

/**
 * How far behind the live edge a viewer begins, milliseconds of media: what it asks for, else what is set for its stream,
 * else what is set for all; bounded by what the ring keeps.
 */
export function prebufferMsOf(
  limits: Pick<SessionLimits, 'bufferMs' | 'prebufferMs' | 'prebufferStreams'>,
  names: readonly (string | undefined)[],
  wishMs: number | undefined,
): number {
  const { bufferMs, prebufferMs, prebufferStreams } = limits;
  const own = names.map((name) => prebufferStreams.get(name ?? '')).find((ms) => ms !== undefined);
  return Math.min(wishMs ?? own ?? prebufferMs, Math.max(prebufferMs, bufferMs * RING_PART));
}
