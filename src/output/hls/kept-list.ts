import { PTS_HZ } from '../../mpegts/clocks.ts';
import type { KeptSegment, KeptSegments } from '../../session/media-segments.ts';
import type { Past } from '../../session/past.ts';
import type { Segment } from './segment.ts';

/** When a segment has ended: wall clock, milliseconds since the Unix epoch. */
export function endWallMs({ durationTicks, wallMs }: KeptSegment): number {
  return wallMs + (durationTicks * 1000) / PTS_HZ;
}

/** Those of a stream's segments that are on disk, as far as its playlist may list them: none is missing up to the newest. */
export class KeptList {
  readonly #past: Past;
  #segments: KeptSegments | undefined;
  #firstNumber = 0;

  constructor(past: Past) {
    this.#past = past;
  }

  /** Resolves when it is known what there is of before. Never rejects. */
  async open(): Promise<void> {
    this.#segments = await this.#past.segments.opened;
  }

  get newest(): KeptSegment | undefined {
    return this.#segments?.listed.at(-1);
  }

  /** @returns when it is on disk, or can't be; never rejects */
  async keep(listed: KeptSegment, { from, omit, tables, tailAt, to }: Segment): Promise<void> {
    await this.#past.segments.keep(listed, { from, to, tables, omit, tail: tailAt });
  }

  find(number: number): KeptSegment | undefined {
    const listed = this.#segments?.listed;
    const first = listed?.[0];
    return first && listed[number - first.number];
  }

  /** The number of the oldest one that may stand in a list right before the one with this number; it never goes back. */
  firstBefore(number: number): number {
    const listed = this.#segments?.listed ?? [];
    const [oldest] = listed;
    const newest = listed.at(-1);
    if (!oldest || !newest || newest.number < number - 1) return number;
    const fromWallMs = this.#past.wallMs - this.#past.segments.listedMs;
    let first = Math.max(oldest.number, this.#firstNumber);
    for (let each = this.find(first); each && each.wallMs < fromWallMs; each = this.find(first)) first++;
    this.#firstNumber = first;
    return Math.min(first, number);
  }
}
