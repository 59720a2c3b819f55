/** What can be played at this moment, in seconds of the player's own clock. */
export interface PlayableRange {
  readonly fromSeconds: number;
  /** Where a player is that follows what is live. */
  readonly liveSeconds: number;
}

/** Less than this is what a live playlist lists anyhow: nobody calls it a past. */
const PAST_MIN_SECONDS = 30;
/** Nobody is nearer to what is live than a segment or two. */
const LIVE_WITHIN_SECONDS = 8;
/** The oldest segment may be gone before the player has asked for it. */
const MARGIN_SECONDS = 2;

export function isRewindable({ fromSeconds, liveSeconds }: PlayableRange): boolean {
  return liveSeconds - fromSeconds >= PAST_MIN_SECONDS;
}

export function isAtLive(position: number, { liveSeconds }: PlayableRange): boolean {
  return position > liveSeconds - LIVE_WITHIN_SECONDS;
}

/** Where one is after so many seconds on, or back where they are negative; never outside of what there is. */
export function positionAfter(
  position: number,
  seconds: number,
  { fromSeconds, liveSeconds }: PlayableRange,
): number {
  return Math.min(liveSeconds, Math.max(fromSeconds + MARGIN_SECONDS, position + seconds));
}
