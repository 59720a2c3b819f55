import type { AccessPoint, CutPlace } from '../mpegts/scanner.ts';
import { type BufferShare, UNBOUNDED } from './buffer-share.ts';
import { RingReader, Slab, type SlabView } from './slab.ts';

/** Packets in one block. */
const BLOCK_PACKETS = 1394;
/** Bytes in one block: the largest number of whole packets within 256 KiB. */
export const BLOCK_BYTES = BLOCK_PACKETS * 188;
/**
 * Blocks that lie side by side in memory, so that a view may reach from one into the next: a batch that is cut at the end
 * of a block costs a second write for each viewer. A slab is used again, or freed, once its last block is gone.
 */
const SLAB_BYTES = 4 * BLOCK_BYTES;
/** What the next slab begins with stands at the end of a slab once more, for a batch that reaches over its end: 188 KiB. */
const OVERHANG_BYTES = 1024 * 188;
/** Memory of one slab. */
const SLAB_MEMORY_BYTES = SLAB_BYTES + OVERHANG_BYTES;
/** Memory of one block, with its share of what stands twice: what it counts for (BUFFER_MEMORY_MAX). */
export const BLOCK_MEMORY_BYTES = SLAB_MEMORY_BYTES / 4;

/** The memory of the blocks that so many bytes of a stream take. */
export function memoryFor(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_MEMORY_BYTES;
}

/** More than one chunk from an engine can push out at once. */
const ENDANGERED_BLOCKS_MAX = 3;
/** The share of its time after which a block will soon be let go of. */
const NEARLY = 0.9;
/** So many of the newest GOPs tell how large one is. */
const GOPS_MEASURED = 8;

interface Block {
  /** Where its bytes are: each byte of the stream at its position modulo the slab's size. */
  readonly slab: Slab;
  /** Media clock when its first byte was written, milliseconds. */
  readonly mediaMs: number;
  /** The clock at that moment, milliseconds. */
  readonly arrivedMs: number;
  /** The view that was last asked for of those that begin in it, and where in the slab that begins. */
  lastView: SlabView;
  lastViewFrom: number;
}

export interface RingLimits {
  /** The ring never holds more than this (rounded up to a whole block). */
  readonly bytesMax: number;
  /** How much media it keeps where the bytes allow it, and for how long it keeps any, milliseconds. */
  readonly mediaMsMax: number;
}

/** Somebody's wish that a ring keep more than its seconds: as far as the bytes allow. */
export interface RingHold {
  /** What is behind this position is kept. */
  from: number;
  /** What is behind this position is let go of last when memory is short. */
  needFrom: number;
  /** The wish is over. Later calls do nothing. */
  release(): void;
}

/**
 * The last seconds of one stream, stored once for all its viewers.
 *
 *            tail                                   head
 *   ──────────┼──────────────────────────────────────┼────►  position: bytes since the session began
 *     gone    │ block │ block │ block │ block │ bloc·│
 *                 ▲       ▲                     ▲
 *             access points (indexed)        cursors of viewers
 *
 * Bytes are appended to the newest block and not written again while anybody may see them, so a view of them may be handed
 * to any number of sockets (`openReader`). Old blocks are let go whole. A slab without blocks is written again if no reader
 * holds it; otherwise it is left to those who do.
 */
export class Ring {
  #limits: RingLimits;
  readonly #share: BufferShare;
  readonly #blocks: Block[] = [];
  readonly #holds = new Set<RingHold>();
  /** That of the newest block, and the one before it. */
  #slab: Slab | undefined;
  #slabBefore: Slab | undefined;
  /** The next one, if one was left over. */
  #spare: Slab | undefined;
  #accessPoints: AccessPoint[] = [];
  #cutPlaces: CutPlace[] = [];
  #head = 0;
  #tail = 0;
  #mediaMs = 0;
  #nowMs = 0;
  /** Whether bytes, not seconds, decided how far back it reaches: the stream is too big for its ring. */
  #cutByBytes = false;

  /** `share`: where the memory for its blocks comes from. */
  constructor(limits: RingLimits, share = UNBOUNDED) {
    this.#limits = limits;
    this.#share = share;
  }

  /** Position behind the newest byte. */
  get head(): number {
    return this.#head;
  }

  /** Position of the oldest byte that can still be read. */
  get tail(): number {
    return this.#tail;
  }

  /** Bytes of memory that the blocks take. Beside them lie up to six more in their slabs: three before the oldest, three behind the newest. */
  get memoryBytes(): number {
    return this.#blocks.length * BLOCK_MEMORY_BYTES;
  }

  /** Bytes of memory of the slab that waits to be used again. */
  get spareBytes(): number {
    return this.#spare ? SLAB_MEMORY_BYTES : 0;
  }

  get cutByBytes(): boolean {
    return this.#cutByBytes;
  }

  /** Whether it had to let go of something because all rings together are too big. */
  get isSqueezed(): boolean {
    return this.#share.capBytes < memoryFor(this.#limits.bytesMax);
  }

  /** The media clock at the head, milliseconds. */
  get mediaMs(): number {
    return this.#mediaMs;
  }

  /** What it may keep from now on; what is too much goes with the next bytes. */
  setLimits(limits: RingLimits): void {
    this.#limits = limits;
    this.#cutByBytes = false;
  }

  /** The media clock at a position, as far as it is held: exact where a block begins. */
  mediaMsAt(position: number): number {
    const index = Math.floor((position - this.#tail) / BLOCK_BYTES);
    const block = this.#blocks[Math.max(0, index)];
    if (!block || position >= this.#head) return this.#mediaMs;
    const next = this.#blocks[Math.max(0, index) + 1];
    const from = this.#tail + Math.max(0, index) * BLOCK_BYTES;
    const to = next ? from + BLOCK_BYTES : this.#head;
    const endMs = next?.mediaMs ?? this.#mediaMs;
    return block.mediaMs + (endMs - block.mediaMs) * Math.max(0, (position - from) / (to - from));
  }

  /** The most of the stream that it may hold now. */
  get allowedBytes(): number {
    return Math.min(this.#limits.bytesMax, (this.#share.capBytes / BLOCK_MEMORY_BYTES) * BLOCK_BYTES);
  }

  /**
   * Bytes of memory that two GOPs take, the largest of the newest ones counted, or what somebody holds as needed, if that
   * is more; 0 before the first GOP.
   */
  get neededBytes(): number {
    const points = this.#accessPoints;
    let largest = 0;
    let end = this.#head;
    for (let index = points.length - 1; index >= Math.max(0, points.length - GOPS_MEASURED); index--) {
      const { position } = points[index]!;
      largest = Math.max(largest, end - position);
      end = position;
    }
    let needed = 2 * largest;
    for (const { needFrom } of this.#holds) needed = Math.max(needed, this.#head - needFrom);
    return memoryFor(needed);
  }

  /** Milliseconds of media between the oldest block and the live edge. */
  get mediaMsHeld(): number {
    return this.#mediaMs - (this.#blocks[0]?.mediaMs ?? this.#mediaMs);
  }

  /** Ascending by position; every one can still be read. */
  get accessPoints(): readonly AccessPoint[] {
    return this.#accessPoints;
  }

  /** Places to cut at, ascending by position; every one can still be read. */
  get cutPlaces(): readonly CutPlace[] {
    return this.#cutPlaces;
  }

  /**
   * Keeps what is behind `from`, for longer than its seconds, until released.
   * Whoever is too slow for the stream has no more time for that: `isEndangered` goes by the seconds.
   */
  hold(from: number): RingHold {
    const hold = { from, needFrom: from, release: () => void this.#holds.delete(hold) };
    this.#holds.add(hold);
    return hold;
  }

  /**
   * Copies whole packets in behind the head.
   * @param mediaMs the media clock at their end
   * @param nowMs the clock
   */
  append(packets: Buffer, mediaMs: number, nowMs: number): void {
    this.#mediaMs = mediaMs;
    this.#nowMs = nowMs;
    for (let from = 0; from < packets.length; ) {
      const used = this.#head % BLOCK_BYTES;
      if (used === 0) this.#openBlock();
      const block = this.#blocks[this.#blocks.length - 1]!;
      const count = Math.min(packets.length - from, BLOCK_BYTES - used);
      const at = this.#head % SLAB_BYTES;
      packets.copy(block.slab.bytes, at, from, from + count);
      const overhang = Math.min(count, OVERHANG_BYTES - at);
      if (overhang > 0) this.#slabBefore?.bytes.set(packets.subarray(from, from + overhang), SLAB_BYTES + at);
      from += count;
      this.#head += count;
    }
    this.#trim(0);
  }

  #openBlock(): void {
    this.#trim(1);
    this.#share.takeAnyway(BLOCK_MEMORY_BYTES);
    if (this.#head % SLAB_BYTES === 0) {
      this.#slabBefore = this.#slab;
      this.#slab = undefined;
    }
    this.#slab ??= this.#takeSpare() ?? new Slab(SLAB_MEMORY_BYTES);
    this.#slab.blocks++;
    this.#blocks.push({
      slab: this.#slab,
      mediaMs: this.#mediaMs,
      arrivedMs: this.#nowMs,
      lastView: NO_VIEW,
      lastViewFrom: 0,
    });
  }

  /** Lets go of the slab that it keeps for later, else of its oldest block, unless that is being written. */
  shed(): void {
    const spare = this.#takeSpare();
    spare?.giveUp();
    if (spare) return;
    const written = this.#head % BLOCK_BYTES === 0 ? 0 : 1;
    if (this.#blocks.length > written) this.#letGo(1);
  }

  /** Lets go of everything. */
  clear(): void {
    this.#share.give(this.memoryBytes);
    const slabs = new Set(this.#blocks.map(({ slab }) => slab));
    for (const slab of [...slabs, this.#takeSpare()]) slab?.giveUp();
    this.#blocks.length = 0;
    this.#slab = undefined;
    this.#slabBefore = undefined;
    this.#accessPoints = [];
    this.#cutPlaces = [];
    this.#tail = this.#head;
  }

  /** Indexes a place where viewers can begin. One that is gone already, or not newer than the last, is ignored. */
  addAccessPoint(point: AccessPoint): void {
    const last = this.#accessPoints.at(-1);
    if (point.position < this.#tail || (last && point.position <= last.position)) return;
    this.#accessPoints.push(point);
  }

  /** The same for a place to cut at. */
  addCutPlace(place: CutPlace): void {
    const last = this.#cutPlaces.at(-1);
    if (place.point.position < this.#tail || (last && place.point.position <= last.point.position)) return;
    this.#cutPlaces.push(place);
  }

  /**
   * Whether the bytes at `position` are gone, or may be after the next chunks: who is there should leave in time.
   */
  isEndangered(position: number): boolean {
    if (position < this.#tail) return true;
    const { mediaMsMax } = this.#limits;
    const bytesMax = this.allowedBytes;
    const index = Math.floor(position / BLOCK_BYTES) - this.#tail / BLOCK_BYTES;
    const margin = Math.min(ENDANGERED_BLOCKS_MAX, Math.floor(bytesMax / BLOCK_BYTES / 4));
    if ((this.#blocks.length - index + margin) * BLOCK_BYTES > bytesMax) return true;
    const next = this.#blocks[index + 1];
    return next !== undefined && this.#isOld(next, mediaMsMax * NEARLY);
  }

  /** Somebody who will look at its bytes. */
  openReader(): RingReader {
    return new RingReader(this.#view);
  }

  readonly #view = (position: number, bytesMax: number): SlabView => {
    const first = this.#tail / BLOCK_BYTES;
    const block = this.#blocks[Math.floor(position / BLOCK_BYTES) - first];
    // Everyone who has caught up asks once more: that must not take the place of the last view.
    if (!block || position >= this.#head) return NO_VIEW;
    const from = position % SLAB_BYTES;
    const to = Math.min(from + bytesMax, SLAB_MEMORY_BYTES, from + (this.#head - position));
    // Viewers of one phase ask for the same bytes one after the other: they share one object.
    if (from !== block.lastViewFrom || to - from !== block.lastView.bytes.length) {
      block.lastView = { bytes: block.slab.bytes.subarray(from, to), slab: block.slab };
      block.lastViewFrom = from;
    }
    return block.lastView;
  };

  /**
   * Where a viewer who comes now begins: the newest access point at least `behindMs` of media behind the live edge, or
   * the oldest there is, but none that is about to be let go of while there is a newer one. Undefined where there is
   * none at all.
   */
  joinPoint(behindMs: number): AccessPoint | undefined {
    const points = this.#accessPoints;
    let index = points.length - 1;
    while (index > 0 && this.#mediaMs - points[index]!.mediaMs < behindMs) index--;
    while (index < points.length - 1 && this.isEndangered(points[index]!.position)) index++;
    return points[index];
  }

  /**
   * Whether a block is `ageMs` old both by the media's clock and by ours: an engine begins with a burst, and
   * viewers need time to take it.
   */
  #isOld({ arrivedMs, mediaMs }: Block, ageMs: number): boolean {
    return this.#mediaMs - mediaMs >= ageMs && this.#nowMs - arrivedMs >= ageMs;
  }

  /** Lets go of what is older than the limits allow, in whole blocks, `adding` more being due; one stays at least. */
  #trim(adding: 0 | 1): void {
    let gone = 0;
    while (this.#blocks.length - gone + adding > 1) {
      const tooBig = (this.#blocks.length - gone + adding) * BLOCK_BYTES > this.#limits.bytesMax;
      const second = this.#blocks[gone + 1];
      const isOld = second !== undefined && this.#isOld(second, this.#limits.mediaMsMax);
      if (!tooBig && !(isOld && !this.#isHeld(this.#tail + (gone + 1) * BLOCK_BYTES))) break;
      if (!isOld) this.#cutByBytes = true;
      gone++;
    }
    if (gone > 0) this.#letGo(gone);
  }

  /** Whether somebody holds what is before `end`. */
  #isHeld(end: number): boolean {
    for (const { from } of this.#holds) if (from < end) return true;
    return false;
  }

  #letGo(count: number): void {
    for (const { slab } of this.#blocks.splice(0, count)) if (--slab.blocks === 0) this.#onEmptied(slab);
    this.#share.give(count * BLOCK_MEMORY_BYTES);
    this.#tail += count * BLOCK_BYTES;
    const kept = this.#accessPoints.findIndex((point) => point.position >= this.#tail);
    this.#accessPoints = kept === -1 ? [] : this.#accessPoints.slice(kept);
    const keptPlaces = this.#cutPlaces.findIndex(({ point }) => point.position >= this.#tail);
    this.#cutPlaces = keptPlaces === -1 ? [] : this.#cutPlaces.slice(keptPlaces);
  }

  /** New memory of such a size has to be had from the kernel page by page. */
  #onEmptied(slab: Slab): void {
    if (slab === this.#slabBefore) this.#slabBefore = undefined;
    if (slab === this.#slab) return;
    if (this.#spare || this.isSqueezed || slab.isHeld || !this.#share.takeFree(SLAB_MEMORY_BYTES)) {
      slab.giveUp();
      return;
    }
    slab.spare();
    this.#spare = slab;
  }

  /** The slab that waits to be used again, which does so no longer. */
  #takeSpare(): Slab | undefined {
    const spare = this.#spare;
    if (spare) this.#share.give(SLAB_MEMORY_BYTES);
    this.#spare = undefined;
    return spare;
  }
}

const NO_VIEW: SlabView = { bytes: Buffer.alloc(0), slab: undefined };
