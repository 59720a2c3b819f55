import type { ReasonCode } from '../base/reasons.ts';

/** Times are milliseconds. */
const SUSPECT_MIN_MS = 2_000;
const SUSPECT_MAX_MS = 5_000;
/** Silence is suspect when it is so many times as long as the longest of the last minute. */
const SUSPECT_FACTOR = 4;
/** Silence for which a source is given up. The fleet holds what plays there for a sign of life no longer (`fleet/place.ts`). */
export const CONDEMNED_MS = 15_000;
/** An only engine that still works at it gets so long: warm peers are worth more than a new start. */
const CONDEMNED_ALONE_MS = 30_000;
/** Slower than this share of the media's own rate, over the window, is too slow to go on for ever. */
const SLOW_RATE = 0.8;
const RATE_WINDOW_MS = 20_000;
/** So many counter gaps, bad packets and losses of sync within the window are more than a few lost pieces. */
const DAMAGE_MAX = 100;
const DAMAGE_WINDOW_MS = 10_000;
const GAPS_REMEMBERED_MS = 60_000;
/** The engine's own position this far below the highest of the last minute, twice in a row, plays what was (reference 3.3). */
const BACK_MIN = 10;
const BACK_ANSWERS_MIN = 2;
const POSITIONS_REMEMBERED_MS = 60_000;

/** What is known of the source in use when it is judged. */
export interface SourceFacts {
  /** Since it last brought media that viewers did not have: bytes alone are none, nor are old ones again. */
  readonly silentMs: number;
  /** The longest such silence of the last minute, which it overcame. */
  readonly longestGapMs: number;
  /** Media per time over the last 20 s; undefined: too early to tell. */
  readonly rate: number | undefined;
  /** Counter gaps, bad packets and losses of sync of the last 10 s. */
  readonly damage: number;
  /** Whether bytes came in that silence. */
  readonly bytesCame: boolean;
  /** The engine says that it fills its buffer, or that data come in. */
  readonly engineWorks: boolean;
  /** The engine says that this playback has failed. */
  readonly engineGaveUp: boolean;
  /** The engine's own position in the broadcast has gone back, and stays there. */
  readonly wentBack: boolean;
  /** No other engine has a place for it. */
  readonly isAlone: boolean;
}

/**
 * `suspect`: another engine is asked, while this one is kept; the first to bring new media wins. `condemned`: it is
 * given up now.
 */
export type SourceVerdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'suspect' | 'condemned'; readonly reason: ReasonCode };

/**
 * Judges the source in use. Gaps of 10 s are normal between peers, and throwing warm peers away costs more than
 * waiting: so there are two thresholds. Pure.
 */
export function judgeSource(facts: SourceFacts): SourceVerdict {
  const { silentMs, longestGapMs, isAlone, engineWorks } = facts;
  if (facts.engineGaveUp) return { kind: 'condemned', reason: 'source_failed' };
  const reason: ReasonCode = facts.bytesCame ? 'source_stuck' : 'source_silent';
  const condemnedMs = isAlone && engineWorks ? CONDEMNED_ALONE_MS : CONDEMNED_MS;
  if (silentMs >= condemnedMs) return { kind: 'condemned', reason };
  const suspectMs = Math.min(SUSPECT_MAX_MS, Math.max(SUSPECT_MIN_MS, SUSPECT_FACTOR * longestGapMs));
  if (silentMs >= suspectMs) return { kind: 'suspect', reason };
  if (facts.wentBack) return { kind: 'suspect', reason: 'source_stuck' };
  if (facts.rate !== undefined && facts.rate < SLOW_RATE) return { kind: 'suspect', reason: 'source_slow' };
  if (facts.damage >= DAMAGE_MAX) return { kind: 'suspect', reason: 'source_damaged' };
  return { kind: 'fine' };
}

interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** How a source has come on: what `judgeSource` wants to know of its past. */
export class SourceProgress {
  #lastMs: number;
  readonly #beganMs: number;
  #gaps: Sample[] = [];
  #media: Sample[] = [];
  #damage: Sample[] = [];
  #positions: Sample[] = [];
  #answersBack = 0;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
    this.#beganMs = nowMs;
  }

  /** When it last brought new media, on the clock. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** New media has come; `mediaMs` is the media clock behind it. */
  noteMedia(nowMs: number, mediaMs: number): void {
    this.#gaps = recent(this.#gaps, nowMs, GAPS_REMEMBERED_MS);
    // Until its first media it starts: how long that took says nothing about how it goes on.
    const gapMs = this.#media.length === 0 ? 0 : nowMs - this.#lastMs;
    // Only what is longer than all later ones can ever be the longest.
    if (gapMs >= 100) {
      while ((this.#gaps.at(-1)?.value ?? Number.POSITIVE_INFINITY) <= gapMs) this.#gaps.pop();
      this.#gaps.push({ atMs: nowMs, value: gapMs });
    }
    this.#lastMs = nowMs;
    const last = this.#media.at(-1);
    if (!last || nowMs - last.atMs >= 500) this.#media.push({ atMs: nowMs, value: mediaMs });
    while (this.#media[1] && nowMs - this.#media[1].atMs > RATE_WINDOW_MS) this.#media.shift();
  }

  /** `total` is a count that only grows. */
  noteDamage(nowMs: number, total: number): void {
    if (this.#damage.at(-1)?.value === total) return;
    this.#damage.push({ atMs: nowMs, value: total });
    if (this.#damage.length > 1_000) this.#damage.shift();
  }

  /**
   * The engine has said where its playback is: seconds since the epoch, or a number of pieces; once for each answer.
   * A new playback may begin anywhere: each has its own past.
   */
  notePosition(nowMs: number, position: number): void {
    this.#positions = recent(this.#positions, nowMs, POSITIONS_REMEMBERED_MS);
    const highest = this.#positions.reduce((high, { value }) => Math.max(high, value), position);
    this.#answersBack = highest - position >= BACK_MIN ? this.#answersBack + 1 : 0;
    this.#positions.push({ atMs: nowMs, value: position });
  }

  /** Whether the engine's own position has gone back and stays there; for a minute at most, then that is where it is. */
  get wentBack(): boolean {
    return this.#answersBack >= BACK_ANSWERS_MIN;
  }

  longestGapMs(nowMs: number): number {
    this.#gaps = recent(this.#gaps, nowMs, GAPS_REMEMBERED_MS);
    return this.#gaps.reduce((longest, { value }) => Math.max(longest, value), 0);
  }

  /** Media per time over the last 20 s; undefined: it has not been here that long. */
  rate(nowMs: number): number | undefined {
    const [first] = this.#media;
    const last = this.#media.at(-1);
    if (!first || !last || nowMs - this.#beganMs < RATE_WINDOW_MS) return undefined;
    const elapsedMs = nowMs - first.atMs;
    return elapsedMs < RATE_WINDOW_MS / 2 ? undefined : (last.value - first.value) / elapsedMs;
  }

  damage(nowMs: number): number {
    const old = this.#damage.findLast(({ atMs }) => nowMs - atMs > DAMAGE_WINDOW_MS);
    return (this.#damage.at(-1)?.value ?? 0) - (old?.value ?? 0);
  }
}

function recent(samples: Sample[], nowMs: number, windowMs: number): Sample[] {
  const [oldest] = samples;
  if (!oldest || nowMs - oldest.atMs <= windowMs) return samples;
  return samples.filter(({ atMs }) => nowMs - atMs <= windowMs);
}
