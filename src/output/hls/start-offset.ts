import { PTS_HZ } from '../../mpegts/clocks.ts';
import type { Beginning } from '../../session/attachment.ts';
import type { KeptSegment } from '../../session/media-segments.ts';
import type { StartWish } from '../../session/viewer-wish.ts';
import { endWallMs } from './kept-list.ts';

/** Players begin so many target durations before the end of a playlist, at most (RFC 8216 6.3.3). */
const LIVE_TARGETS = 3;

/** When what is asked for was live, or will be: wall clock, milliseconds since the Unix epoch. */
export function wantedWallMs(wish: StartWish, liveWallMs: number): number {
  return wish.kind === 'at' ? wish.wallMs : liveWallMs - wish.seconds * 1000;
}

/**
 * How far before the end of a playlist that is which was on air at a time: of its media, so that a break in between counts nothing.
 * Before the playlist’s beginning it is that. Pure.
 * @param newestFirst its segments, from the last to the first; no more are taken than needed
 */
export function secondsBeforeEnd(newestFirst: Iterable<KeptSegment>, wallMs: number): number {
  let ticks = 0;
  for (const segment of newestFirst) {
    if (segment.wallMs <= wallMs) {
      const intoMs = Math.min(wallMs, endWallMs(segment)) - segment.wallMs;
      return (ticks + segment.durationTicks) / PTS_HZ - intoMs / 1000;
    }
    ticks += segment.durationTicks;
  }
  return ticks / PTS_HZ;
}

/**
 * Where a player begins that asks for a time, in a playlist that goes on: what is not there is as near as there is. Pure.
 * @param newestFirst its segments, from the last to the first; at least one
 */
export function beginningAt(
  newestFirst: Iterable<KeptSegment>,
  start: StartWish,
  targetSeconds: number,
): Beginning {
  let wallMs: number | undefined;
  let liveSeconds = LIVE_TARGETS * targetSeconds;
  let oldest: KeptSegment | undefined;
  let next: KeptSegment | undefined;
  for (const segment of newestFirst) {
    oldest = segment;
    // What stands at its end is live.
    wallMs ??= wantedWallMs(start, endWallMs(segment));
    const latestMs = endWallMs(segment) - Math.max(0, liveSeconds) * 1000;
    liveSeconds -= segment.durationTicks / PTS_HZ;
    if (liveSeconds > 0) continue;
    // Too near to live, or where there is nothing.
    if (wallMs > latestMs) return { wallMs: next?.wallMs ?? latestMs, isClamped: true };
    if (wallMs >= segment.wallMs) return { wallMs, isClamped: false };
    next = segment;
  }
  return { wallMs: oldest?.wallMs ?? 0, isClamped: true };
}
