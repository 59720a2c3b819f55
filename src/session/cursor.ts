import { nextStretch } from '../mpegts/join-prefix.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { AccessPoint } from '../mpegts/scanner.ts';
import { BreakAnnouncer, restOfBegunUnits } from '../mpegts/skip.ts';
import type { Past } from './past.ts';
import { type Landing, PastReader } from './past-reader.ts';
import type { Ring } from './ring.ts';
import type { RingReader } from './slab.ts';

/** How far a skip looks for the ends of what is begun, and for the first packet of each PID behind it. */
const SKIP_LOOK_BYTES = 1024 * 1024;

/**
 * One viewer's place in the ring. It begins at an access point with a private copy of the tables (PAT, PMT);
 * behind it come views of the ring, without the few packets that continue what began before the access point. Where there
 * is a past, it may be where the ring is no longer: then the same bytes come from there.
 */
export class Cursor {
  readonly #ring: Ring;
  /** Sent before anything of the ring: the tables and, after a skip, what ends and announces the break. */
  #prefix: Buffer | undefined;
  /** Since the last skip: PIDs that come seldom have their break announced when they do. */
  #breaks: BreakAnnouncer | undefined;
  #point: AccessPoint | undefined;
  #omitIndex = 0;
  #position: number;

  readonly #behindMs: number;
  readonly #past: Past | undefined;
  readonly #ringReader: RingReader;
  readonly #pastReader: PastReader | undefined;
  /** Where it ends; for an excerpt. */
  endPosition = Number.POSITIVE_INFINITY;
  /** Called when `take` had to wait for what is past, and has it now. */
  onReady: () => void = () => {};

  /** `behindMs`: how far behind the live edge a skip goes on, milliseconds of media. */
  constructor(ring: Ring, point: AccessPoint, behindMs: number, past?: Past) {
    this.#ring = ring;
    this.#ringReader = ring.openReader();
    this.#behindMs = behindMs;
    this.#past = past;
    this.#pastReader = past && new PastReader(past, () => this.onReady());
    this.#prefix = point.tables;
    this.#point = point;
    this.#position = point.position;
  }

  get position(): number {
    return this.#position;
  }

  /** Bytes between this viewer and the live edge. */
  get lagBytes(): number {
    return this.#ring.head - this.#position;
  }

  /** Whether there is something that it has not been given yet: then `take` has something, or waits for what is past. */
  get hasMore(): boolean {
    return this.#prefix !== undefined || this.#position < Math.min(this.#ring.head, this.endPosition);
  }

  /** Whether it has been given all up to its end. */
  get isAtEnd(): boolean {
    return this.#position >= this.endPosition;
  }

  /** Whether the ring has let go of what this viewer would need next. */
  get isOverrun(): boolean {
    return this.#position < this.#ring.tail && !this.#isKept;
  }

  /** Whether the ring is about to let go of what this viewer would need next. */
  get isEndangered(): boolean {
    return this.#ring.isEndangered(this.#position) && !this.#isKept;
  }

  /** How long this viewer may take nothing, because what it needs next is kept beyond the ring; milliseconds. */
  get pauseMaxMs(): number {
    return this.#isKept ? (this.#past?.pauseMaxMs ?? 0) : 0;
  }

  get #isKept(): boolean {
    return this.#past?.reaches(this.#position) === true;
  }

  /** Whether the ring keeps less than it should, because all rings together are too big. */
  get isSqueezed(): boolean {
    return this.#ring.isSqueezed;
  }

  /**
   * Leaves the stretch that this viewer is too slow for, and goes on at the newer access point where a joiner
   * would begin: what is begun is ended, the break is announced on every PID, the tables are repeated.
   * @returns false if there is no newer access point; then nothing has changed
   */
  skip(): boolean {
    const point = this.#ring.joinPoint(this.#behindMs);
    if (!point || point.position <= this.#position) return false;
    const ahead = this.#position < this.#ring.tail ? EMPTY : this.#read(SKIP_LOOK_BYTES);
    const there = new Cursor(this.#ring, point, this.#behindMs);
    const landing = there.#read(SKIP_LOOK_BYTES);
    there.letGo();
    this.#breaks = new BreakAnnouncer();
    this.#prefix = Buffer.concat([restOfBegunUnits(ahead), this.#breaks.announceAll(landing), point.tables]);
    this.#point = point;
    this.#omitIndex = 0;
    this.#position = point.position;
    return true;
  }

  /** A copy of what this viewer would be sent next, in one piece. */
  #read(bytesMax: number): Buffer {
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    while (sizeBytes < bytesMax) {
      const part = this.take(bytesMax - sizeBytes);
      if (!part) break;
      parts.push(part);
      sizeBytes += part.length;
    }
    return Buffer.concat(parts);
  }

  /**
   * The next whole packets, at most `bytesMax` (at least one); undefined when there are none yet. They stay as they are until
   * `letGo`. Not to be called when overrun.
   */
  take(bytesMax: number): Buffer | undefined {
    let count = Math.max(PACKET_BYTES, bytesMax - (bytesMax % PACKET_BYTES));
    if (this.#prefix) {
      const prefix = this.#prefix;
      this.#prefix = prefix.length > count ? prefix.subarray(count) : undefined;
      if (prefix.length > 0) return prefix.subarray(0, count);
    }
    if (this.isAtEnd) return undefined;
    count = Math.min(count, this.endPosition - this.#position);
    if (this.#point) {
      const { omit, omitComplete } = this.#point;
      const stretch = nextStretch(omit, this.#omitIndex, this.#position, this.#ring.head);
      this.#position = stretch.from;
      this.#omitIndex = stretch.omitIndex;
      count = Math.min(count, stretch.to - stretch.from);
      if (omitComplete && this.#omitIndex >= omit.length) this.#point = undefined;
    }
    let view = this.#view(count);
    if (view === 'elsewhere') return this.take(bytesMax);
    if (!view || view.length === 0) return undefined;
    if (this.#breaks) {
      const at = this.#breaks.next(view);
      if (at === 0) return this.#breaks.announce(view, at);
      view = view.subarray(0, at);
    }
    this.#position += view.length;
    return view;
  }

  /** Nothing reads any more what was taken so far: neither the caller nor a socket. The memory may be written again. */
  letGo(): void {
    this.#ringReader.letGo();
    this.#pastReader?.letGo();
  }

  /** The same, and nothing more will be taken. */
  close(): void {
    this.#ringReader.letGo();
    this.#pastReader?.close();
  }

  /** Undefined: nothing now. `elsewhere`: there was a gap, and this viewer is behind it now. */
  #view(bytesMax: number): Buffer | 'elsewhere' | undefined {
    if (!this.#pastReader || this.#position >= this.#ring.tail)
      return this.#ringReader.view(this.#position, bytesMax);
    const found = this.#pastReader.take(this.#position, bytesMax);
    if (!found || Buffer.isBuffer(found)) return found;
    // What was sent last may be half of something, and the rest of that is nowhere.
    if (found.landing) this.#land(found.landing);
    else if (!this.skip()) return undefined;
    return 'elsewhere';
  }

  /** Goes on behind a gap: the break is announced on every PID, the tables are repeated. */
  #land({ packets, point }: Landing): void {
    this.#breaks = new BreakAnnouncer();
    this.#prefix = Buffer.concat([this.#breaks.announceAll(packets), point.tables]);
    this.#point = point;
    this.#omitIndex = 0;
    this.#position = point.position;
  }
}

const EMPTY = Buffer.alloc(0);
