import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { PastPage } from '../session/past.ts';
import { Slab } from '../session/slab.ts';
import { mediaFileOf, type Segment } from './segment.ts';
import { SharedFiles, type UsedFile } from './shared-files.ts';

/** What is read at a time, and what a viewer has in memory of the past: whole packets, not quite 128 KiB. */
const PAGE_BYTES = 696 * PACKET_BYTES;
/**
 * So many are given a page in one turn of the loop. What each sends of it is copied by the kernel as soon as its socket has room, whoever else
 * waits: with two hundred at once nothing else had its turn for 50 ms and more.
 */
const AT_ONCE = 8;
/** So many pages that nobody holds stay, for whoever reads there next, and for their memory: 4 MiB. */
const IDLE_PAGES = 32;

interface Page {
  readonly key: string;
  readonly slab: Slab;
  /** Its bytes, in the slab; whole packets. */
  readonly bytes: Buffer;
  holders: number;
}

/** The store that is read. */
export interface PagedStore {
  segmentAt(position: number): Segment | undefined;
}

/**
 * What viewers of the past read from disk, in pages that all share who are at the same place: one read, and one piece of memory. A page that
 * nobody holds any more is written again, so that memory is as much as viewers hold, and a little more, however much they read.
 */
export class SharedReads {
  /** Held by somebody. */
  readonly #held = new Map<string, Page>();
  /** Held by nobody, the longest idle first. */
  readonly #idle = new Map<string, Page>();
  readonly #files = new SharedFiles();
  /** Of each segment that was read: a store that was emptied begins again with the same names and positions. */
  readonly #numbers = new WeakMap<Segment, number>();
  #numbered = 0;
  readonly #reading = new Map<string, Promise<Page | undefined>>();
  readonly #waiting: (() => void)[] = [];
  #atOnce = 0;

  /** Bytes of memory that all pages take. */
  get memoryBytes(): number {
    return (this.#held.size + this.#idle.size + this.#reading.size) * PAGE_BYTES;
  }

  /**
   * The page that has this position, at the store's positions; undefined: there is a gap. It stays as it is until the caller lets go of it.
   * Never rejects.
   */
  async at(store: PagedStore, position: number): Promise<PastPage | undefined> {
    const segment = store.segmentAt(position);
    if (!segment) return undefined;
    // Who waits has the file stay open, which costs more to open than to read.
    const number = this.#numberOf(segment);
    using file = this.#files.use(number, mediaFileOf(segment.file));
    await this.#turn();
    const at = position - segment.from;
    const from = segment.from + at - (at % PAGE_BYTES);
    // Of the segment that is being written the last page grows: then it is another one.
    const to = Math.min(from + PAGE_BYTES, segment.to);
    const key = `${number} ${from} ${to}`;
    const page =
      this.#held.get(key) ??
      this.#idle.get(key) ??
      (await this.#read(key, file, from - segment.from, to - from));
    if (!page) return undefined;
    this.#hold(page);
    let isHeld = true;
    const letGo = (): void => {
      if (isHeld) this.#letGo(page);
      isHeld = false;
    };
    return { from, bytes: page.bytes, letGo };
  }

  #numberOf(segment: Segment): number {
    const number = this.#numbers.get(segment) ?? ++this.#numbered;
    this.#numbers.set(segment, number);
    return number;
  }

  /** Resolves when it is one's turn. */
  async #turn(): Promise<void> {
    if (this.#atOnce++ === 0) setImmediate(this.#onTurn);
    if (this.#atOnce > AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  readonly #onTurn = (): void => {
    const next = this.#waiting.splice(0, AT_ONCE);
    this.#atOnce = next.length;
    if (next.length > 0) setImmediate(this.#onTurn);
    for (const resolve of next) resolve();
  };

  #read(key: string, file: UsedFile, at: number, length: number): Promise<Page | undefined> {
    const reading = this.#reading.get(key) ?? this.#begin(key, file, at, length);
    this.#reading.set(key, reading);
    return reading;
  }

  async #begin(key: string, file: UsedFile, at: number, length: number): Promise<Page | undefined> {
    const slab = this.#takeMemory();
    const bytes = slab.bytes.subarray(0, length);
    const isWhole = (await file.read(bytes, at)) === length;
    this.#reading.delete(key);
    const page = { key, slab, bytes, holders: 0 };
    // It has been removed meanwhile: for a viewer it is the same as a gap.
    if (!isWhole) slab.giveUp();
    else this.#idle.set(key, page);
    return isWhole ? page : undefined;
  }

  #takeMemory(): Slab {
    const [oldest] = this.#idle.size >= IDLE_PAGES ? this.#idle.values() : [];
    if (!oldest) return new Slab(PAGE_BYTES);
    this.#idle.delete(oldest.key);
    oldest.slab.spare();
    return oldest.slab;
  }

  #hold(page: Page): void {
    page.holders++;
    this.#idle.delete(page.key);
    this.#held.set(page.key, page);
  }

  #letGo(page: Page): void {
    if (--page.holders > 0) return;
    this.#held.delete(page.key);
    this.#idle.set(page.key, page);
    const [oldest] = this.#idle.size > IDLE_PAGES ? this.#idle.values() : [];
    if (!oldest) return;
    this.#idle.delete(oldest.key);
    oldest.slab.giveUp();
  }
}
