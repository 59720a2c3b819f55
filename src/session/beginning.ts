import type { AccessPoint } from '../mpegts/access-point.ts';
import type { Beginning } from './attachment.ts';
import type { Past } from './past.ts';
import type { Ring } from './ring.ts';
import type { StartWish } from './viewer-wish.ts';

/** Where a viewer begins that has asked for a time. */
export interface FoundBeginning extends Beginning {
  readonly point: AccessPoint;
}

/**
 * The access point at or before a time, in the ring or in what is kept; the nearest there is where there is none.
 * @param nowWallMs the wall clock, where nothing is kept
 * @returns undefined if there is nothing to begin with at all
 */
export async function findBeginning(
  start: StartWish,
  ring: Ring,
  past: Past | undefined,
  nowWallMs: number,
): Promise<FoundBeginning | undefined> {
  const liveWallMs = past?.wallMs ?? nowWallMs;
  const wantedMs = start.kind === 'behind' ? start.seconds * 1000 : liveWallMs - start.wallMs;
  const behindMs = Math.max(0, wantedMs);
  const inRing = (): FoundBeginning | undefined => {
    const point = ring.joinPoint(behindMs);
    const pointBehindMs = point ? ring.mediaMs - point.mediaMs : 0;
    const isClamped = wantedMs < 0 || pointBehindMs < behindMs;
    return point && { point, wallMs: liveWallMs - pointBehindMs, isClamped };
  };
  const recent = inRing();
  if (recent && (wantedMs < 0 || !recent.isClamped)) return recent;
  const wallMs = liveWallMs - behindMs;
  const kept = await past?.pointAt(wallMs);
  // The disk has taken its time: what the ring had then may be gone, and is kept by now.
  if (kept && past?.reaches(kept.point.position)) return { ...kept, isClamped: kept.wallMs > wallMs };
  return inRing();
}
