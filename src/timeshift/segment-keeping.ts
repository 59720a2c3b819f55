import type { Clock } from '../base/clock.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { KeptSegment, KeptSegments, SegmentKeeper, SegmentPlace } from '../session/media-segments.ts';
import type { MediaSegments } from './media-segments.ts';

/** Players have as much in reserve: a disk that takes longer is not waited for. */
const WAIT_MS = 8_000;
/** What leaves a playlist is there for so long yet, for who has read it before; of a short window, a part of that. */
const GRACE_MS = 30_000;
const GRACE_PART = 1 / 8;
/** A playlist of more than that is more than players can do with; excerpts reach further back. */
const LISTED_MS_MAX = 12 * 3_600_000;
/** More than a line. */
const LINE_BYTES = 4096;

export interface SegmentKeepingDeps {
  /** A name, of 40 hex digits, by which the stream was asked for. */
  readonly id: string;
  /** The window as it is now, milliseconds. */
  readonly windowMs: () => number;
  readonly clock: Clock;
  makeRoom(bytes: number): Promise<boolean>;
  warn(error: unknown): void;
}

/** Has each media segment of a session kept once its media is on disk, one after the other. */
export class SegmentKeeping implements SegmentKeeper {
  readonly opened: Promise<KeptSegments | undefined>;
  readonly #deps: SegmentKeepingDeps;
  readonly #opening = Promise.withResolvers<MediaSegments | undefined>();
  #segments: MediaSegments | undefined;
  /** Position in the store of the ring's first byte. */
  #base = 0;
  #writtenTo = Number.NEGATIVE_INFINITY;
  #lostTo = Number.NEGATIVE_INFINITY;
  #waiting: { readonly end: number; readonly resolve: () => void }[] = [];
  /** Nothing more will be written; `broken`: although the session goes on. */
  #over: 'no' | 'ended' | 'broken' = 'no';
  /** A disk is at work that has been given up waiting for. */
  #isStuck = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(deps: SegmentKeepingDeps) {
    this.#deps = deps;
    this.opened = this.#opening.promise;
  }

  get listedMs(): number {
    const windowMs = this.#deps.windowMs();
    return Math.min(LISTED_MS_MAX, windowMs - Math.min(GRACE_MS, windowMs * GRACE_PART));
  }

  /** The store is there. */
  open(segments: MediaSegments, base: number): void {
    this.#segments = segments;
    this.#base = base;
    this.#opening.resolve(segments);
    // It was given up while this took its time.
    if (this.#over === 'broken') this.#work = this.#work.then(() => this.#forget());
  }

  /** All of the ring before this position is on disk, or lost. */
  noteWritten(to: number): void {
    this.#writtenTo = to;
    const due = this.#waiting.filter(({ end }) => end <= to);
    this.#waiting = this.#waiting.filter(({ end }) => end > to);
    for (const { resolve } of due) resolve();
  }

  /** What is before this position, and not written yet, is lost. */
  noteLost(to: number): void {
    this.#lostTo = to;
    this.noteWritten(to);
  }

  /** Nothing more will be written. */
  noteOver(how: 'ended' | 'broken'): void {
    if (this.#over === 'no') this.#over = how;
    this.#opening.resolve(undefined);
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  giveUp(): void {
    this.noteOver('broken');
    this.#work = this.#work.then(() => this.#forget());
  }

  /** Resolves when nothing is under way. Never rejects. */
  async idle(): Promise<void> {
    await this.#work;
  }

  async keep(segment: KeptSegment, place: SegmentPlace): Promise<boolean> {
    if (this.#isStuck) return false;
    let isLate = false;
    const work = this.#work.then(async () => {
      const isKept = await this.#keep(segment, place);
      this.#isStuck = false;
      if (isLate || (!isKept && this.#over !== 'ended')) await this.#forget();
      return isKept;
    });
    this.#work = work;
    const late = Promise.withResolvers<boolean>();
    const timer = this.#deps.clock.startTimer(WAIT_MS, () => {
      isLate = true;
      this.#isStuck = true;
      late.resolve(false);
    });
    const isKept = await Promise.race([work, late.promise]);
    timer.cancel();
    return isKept;
  }

  /** Never rejects. */
  async #keep(segment: KeptSegment, place: SegmentPlace): Promise<boolean> {
    const end = Math.max(place.to, ...place.tail.map((position) => position + PACKET_BYTES));
    await this.#written(end);
    const segments = this.#segments;
    if (!segments || this.#over === 'broken' || this.#writtenTo < end || place.from < this.#lostTo)
      return false;
    try {
      if (!(await this.#deps.makeRoom(LINE_BYTES))) return false;
      await segments.add(this.#deps.id, segment, this.#inStore(place));
      return segments.find(segment.streamName, segment.number) !== undefined;
    } catch (error) {
      this.#deps.warn(error);
      return false;
    }
  }

  async #forget(): Promise<void> {
    try {
      await this.#segments?.forget();
    } catch (error) {
      this.#deps.warn(error);
    }
  }

  async #written(end: number): Promise<void> {
    if (this.#writtenTo >= end || this.#over !== 'no') return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ end, resolve });
    await promise;
  }

  #inStore({ from, omit, tables, tail, to }: SegmentPlace): SegmentPlace {
    const inStore = (position: number): number => position + this.#base;
    return { from: inStore(from), to: inStore(to), tables, omit: omit.map(inStore), tail: tail.map(inStore) };
  }
}
