import { nextStretch } from '../mpegts/join-prefix.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { AccessPoint } from '../mpegts/scanner.ts';
import { BreakAnnouncer, restOfBegunUnits } from '../mpegts/skip.ts';
import type { Ring } from './ring.ts';

/** How far a skip looks for the ends of what is begun, and for the first packet of each PID behind it. */
const SKIP_LOOK_BYTES = 1024 * 1024;

/**
 * One viewer's place in the ring. It begins at an access point with a private copy of the tables (PAT, PMT);
 * behind it come views of the ring, without the few packets that continue what began before the access point.
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

  /** `behindMs`: how far behind the live edge a skip goes on, milliseconds of media. */
  constructor(ring: Ring, point: AccessPoint, behindMs: number) {
    this.#ring = ring;
    this.#behindMs = behindMs;
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

  /** Whether the ring has let go of what this viewer would need next. */
  get isOverrun(): boolean {
    return this.#position < this.#ring.tail;
  }

  /** Whether the ring is about to let go of what this viewer would need next. */
  get isEndangered(): boolean {
    return this.#ring.isEndangered(this.#position);
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
    const ahead = this.isOverrun ? EMPTY : this.#read(SKIP_LOOK_BYTES);
    const landing = new Cursor(this.#ring, point, this.#behindMs).#read(SKIP_LOOK_BYTES);
    this.#breaks = new BreakAnnouncer();
    this.#prefix = Buffer.concat([restOfBegunUnits(ahead), this.#breaks.announceAll(landing), point.tables]);
    this.#point = point;
    this.#omitIndex = 0;
    this.#position = point.position;
    return true;
  }

  /** What this viewer would be sent next, in one piece. */
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
   * The next whole packets, at most `bytesMax` (at least one); undefined when there are none yet. Not to be called when
   * overrun.
   */
  take(bytesMax: number): Buffer | undefined {
    let count = Math.max(PACKET_BYTES, bytesMax - (bytesMax % PACKET_BYTES));
    if (this.#prefix) {
      const prefix = this.#prefix;
      this.#prefix = prefix.length > count ? prefix.subarray(count) : undefined;
      if (prefix.length > 0) return prefix.subarray(0, count);
    }
    if (this.#point) {
      const { omit, omitComplete } = this.#point;
      const stretch = nextStretch(omit, this.#omitIndex, this.#position, this.#ring.head);
      this.#position = stretch.from;
      this.#omitIndex = stretch.omitIndex;
      count = Math.min(count, stretch.to - stretch.from);
      if (omitComplete && this.#omitIndex >= omit.length) this.#point = undefined;
    }
    let view = this.#ring.view(this.#position, count);
    if (view.length === 0) return undefined;
    if (this.#breaks) {
      const at = this.#breaks.next(view);
      if (at === 0) return this.#breaks.announce(view, at);
      view = view.subarray(0, at);
    }
    this.#position += view.length;
    return view;
  }
}

const EMPTY = Buffer.alloc(0);
