import { PTS_HZ } from '../../mpegts/clocks.ts';
import type { Segment } from './segment.ts';

/** So many segments a playlist has, and so many at least where bytes do not allow more. */
const LISTED = 6;
const LISTED_MIN = 3;
/** A playlist is not shortened below so many target durations (RFC 8216 6.2.2). */
const TARGETS_MIN = 3;

/**
 * A stream that begins anew has another discontinuity sequence than before, so that players do not take its time stamps for those
 * of the old one. The number stays small: hls.js has an array as long as it is, and walks through it.
 */
const DISCONTINUITIES_MAX = 10_000;

interface Listed {
  readonly segment: Segment;
  /** Since when, on the clock. */
  readonly sinceMs: number;
}

interface Removed {
  readonly segment: Segment;
  /** Until then it can still be asked for, on the clock. */
  readonly untilMs: number;
}

/** What a window goes by. */
export interface WindowRule {
  readonly targetSeconds: number;
  /** The most that all segments it keeps may take. */
  readonly allowedBytes: number;
  /** The ring has let go of what is before this position. */
  readonly tail: number;
  readonly nowMs: number;
}

/**
 * The segments that a live playlist lists, and those that have left it but may still be asked for by somebody who has just read
 * an older one: for the segment's own duration and that of the longest playlist that had it (RFC 8216 6.2.2).
 */
export class LiveWindow {
  #listed: Listed[] = [];
  #removed: Removed[] = [];
  /** Discontinuities that have left the playlist, on top of the number it began with. */
  #discontinuitySequence: number | undefined;
  #longestSeconds = 0;

  get listed(): readonly Segment[] {
    return this.#listed.map(({ segment }) => segment);
  }

  /** The first and the last that are listed; each reload and each chunk of media asks for them. */
  get first(): Segment | undefined {
    return this.#listed[0]?.segment;
  }

  get newest(): Segment | undefined {
    return this.#listed.at(-1)?.segment;
  }

  get discontinuitySequence(): number {
    return this.#discontinuitySequence ?? 0;
  }

  /** Of the newest segment: all discontinuities up to it, on top of the number it began with. */
  get discontinuities(): number {
    const listed = this.#listed.filter(({ segment }) => segment.isDiscontinuity).length;
    return this.discontinuitySequence + listed;
  }

  /** What the first segment is: how many discontinuities there were before it, if that is known. Before it is added. */
  begin(first: Pick<Segment, 'number'>, discontinuitiesBefore = first.number % DISCONTINUITIES_MAX): void {
    this.#discontinuitySequence ??= discontinuitiesBefore;
  }

  /** The oldest position that is kept for it; undefined without segments. */
  get from(): number | undefined {
    return (this.#removed[0] ?? this.#listed[0])?.segment.from;
  }

  /** The position from which on a player at the live edge finds what it needs; undefined without segments. */
  get needFrom(): number | undefined {
    return (this.#listed.at(-LISTED_MIN - 1) ?? this.#listed[0])?.segment.from;
  }

  /** Adds the newest segment. */
  add(segment: Segment, nowMs: number): void {
    this.begin(segment);
    this.#listed.push({ segment, sinceMs: nowMs });
  }

  find(number: number): Segment | undefined {
    const isMeant = ({ segment }: Listed | Removed): boolean => segment.number === number;
    return (this.#listed.find(isMeant) ?? this.#removed.find(isMeant))?.segment;
  }

  /** Takes out what the rule has no place for. Whether the list has changed. */
  trim({ allowedBytes, nowMs, tail, targetSeconds }: WindowRule): boolean {
    const before = this.#listed[0];
    while (this.#listed[0] && this.#listed[0].segment.from < tail) this.#shift();
    const count = this.#count(allowedBytes);
    while (this.#listed.length > count) {
      const [oldest, ...others] = this.#listed;
      if (!oldest || secondsOf(others) < TARGETS_MIN * targetSeconds) break;
      // An engine begins with a burst: players must have read the list before what they had is gone from it.
      const isNew = nowMs - oldest.sinceMs < TARGETS_MIN * targetSeconds * 1000;
      if (isNew && this.#listed.length <= 2 * count) break;
      this.#shift();
      const untilMs = nowMs + (secondsOf([oldest]) + this.#longestSeconds) * 1000;
      this.#removed.push({ segment: oldest.segment, untilMs });
    }
    this.#longestSeconds = Math.max(this.#longestSeconds, secondsOf(this.#listed));
    this.#removed = this.#removed.filter(({ segment, untilMs }) => untilMs > nowMs && segment.from >= tail);
    return this.#listed[0] !== before;
  }

  /** As many as fit twice, with one more, into the bytes: a window is kept after it has been listed. */
  #count(allowedBytes: number): number {
    if (this.#listed.length === 0) return LISTED;
    const sizeBytes = this.#listed.reduce((sum, { segment }) => sum + segment.sizeBytes, 0);
    const meanBytes = sizeBytes / this.#listed.length;
    // Beside these there is the one under way.
    const fitting = Math.floor((allowedBytes / meanBytes - 2) / 2);
    return Math.min(LISTED, Math.max(LISTED_MIN, fitting));
  }

  #shift(): void {
    const isCounted = this.#listed.shift()?.segment.isDiscontinuity === true;
    if (isCounted) this.#discontinuitySequence = this.discontinuitySequence + 1;
  }
}

function secondsOf(listed: readonly Listed[]): number {
  return listed.reduce((sum, { segment }) => sum + segment.durationTicks, 0) / PTS_HZ;
}
