import { PTS_HZ, wrappedDifference } from '../../mpegts/clocks.ts';
import type { AccessPoint, TimelineBreak } from '../../mpegts/scanner.ts';

/** Where a segment may begin. */
export interface Start {
  readonly point: AccessPoint;
  /** The break that it is the first place behind. */
  readonly breakBefore: TimelineBreak | undefined;
}

/** Whether a decoder can begin there; of a picture whose beginning has just come it may not be known yet. */
export function isRandomAccess({ point }: Start): boolean {
  return point.kind !== 'fallback';
}

export interface CutRule {
  /** HLS_SEGMENT_SECONDS: a segment ends at the first access point that makes it so long. */
  readonly wantedSeconds: number;
  /** Rounded to whole seconds, no segment is longer (RFC 8216 4.3.3.1). */
  readonly targetSeconds: number;
  /** A GOP that lasts longer is cut where there is no access point. */
  readonly gopMaxSeconds: number;
}

/** The end of a segment. */
export interface Cut {
  /** Where the next segment begins. */
  readonly next: Start;
  /** Behind the last byte of this one: before `next`, should there be a break between them. */
  readonly end: number;
  /** From the first picture's PTS to the next segment's, or to the end of the timeline; 90 kHz ticks. */
  readonly durationTicks: number;
}

/**
 * Decides where the segment that begins at `start` ends, or that what has come so far does not tell. Pure.
 * @param places those behind `start`, ascending by position
 */
export function nextCut(start: Start, places: readonly Start[], rule: CutRule): Cut | undefined {
  const ticksTo = (pts: number | undefined): number =>
    pts === undefined || start.point.pts === undefined ? 0 : wrappedDifference(pts, start.point.pts);
  const cutAt = (next: Start): Cut => ({
    next,
    end: next.point.position,
    durationTicks: ticksTo(next.point.pts),
  });
  let access: Start | undefined;
  let other: Start | undefined;
  let accessTicks = 0;
  for (const place of places) {
    const { breakBefore } = place;
    const ticks = ticksTo(breakBefore ? breakBefore.endPts : place.point.pts);
    const isTooLong = exceeds(ticks, rule.targetSeconds);
    if (isTooLong && access) return cutAt(access);
    if (exceeds(ticks, rule.gopMaxSeconds) && other) return cutAt(other);
    if (exceeds(ticks, rule.gopMaxSeconds)) return cutAtBreak(place, rule.gopMaxSeconds * PTS_HZ);
    if (breakBefore) return { next: place, end: breakBefore.position, durationTicks: Math.max(0, ticks) };
    // What is shown before the first picture of the segment can't begin the next one.
    if (ticks <= 0) continue;
    if (!isRandomAccess(place)) {
      other = place;
      continue;
    }
    // The next access point is expected as far away as this one; should that be too far, waiting for it is in vain.
    const isLast = exceeds(ticks + (ticks - accessTicks), rule.targetSeconds);
    if (ticks >= rule.wantedSeconds * PTS_HZ || isLast) return cutAt(place);
    access = place;
    accessTicks = ticks;
  }
  return undefined;
}

/** There is one picture alone: the segment says less than it lasts, so that it may be there at all, and what follows is behind a break. */
function cutAtBreak({ point, breakBefore }: Start, durationTicks: number): Cut {
  const { position, pts = 0 } = point;
  const end = breakBefore?.position ?? position;
  return { next: { point, breakBefore: breakBefore ?? { position, endPts: pts } }, end, durationTicks };
}

/** EXT-X-TARGETDURATION counts durations as rounded to the nearest second. */
function exceeds(ticks: number, seconds: number): boolean {
  return Math.round(ticks / PTS_HZ) > seconds;
}

/**
 * The longest time between consecutive access points, seconds; 0 where there are not two. What lies on both sides of a break
 * is not compared.
 */
export function longestIntervalSeconds(places: readonly Start[]): number {
  let longest = 0;
  let last: number | undefined;
  for (const place of places) {
    const { breakBefore, point } = place;
    if (breakBefore) last = undefined;
    if (!isRandomAccess(place) || point.pts === undefined) continue;
    if (last !== undefined) longest = Math.max(longest, wrappedDifference(point.pts, last));
    last = point.pts;
  }
  return longest / PTS_HZ;
}

/**
 * The access points and the places to cut at of a ring behind `position`, as one list, ascending by position.
 */
export function placesBehind(
  position: number,
  accessPoints: readonly AccessPoint[],
  cutPlaces: readonly Start[],
): Start[] {
  const places = new Map<number, Start>();
  for (let index = cutPlaces.length - 1; index >= 0; index--) {
    const { point, breakBefore } = cutPlaces[index]!;
    if (point.position <= position) break;
    places.set(point.position, { point, breakBefore });
  }
  for (let index = accessPoints.length - 1; index >= 0; index--) {
    const point = accessPoints[index]!;
    if (point.position <= position) break;
    places.set(point.position, { point, breakBefore: places.get(point.position)?.breakBefore });
  }
  return [...places.values()].sort((one, other) => one.point.position - other.point.position);
}
