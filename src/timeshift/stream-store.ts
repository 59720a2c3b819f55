import assert from 'node:assert/strict';
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { AcemuxError } from '../base/reasons.ts';
import type { PastPage, PastPoint } from '../session/past.ts';
import type { AppendedFile, Disk } from './disk.ts';
import { MediaSegments } from './media-segments.ts';
import { type IndexRecord, type PointRecord, printRecord, STORE_VERSION } from './record.ts';
import {
  bytesOf,
  indexFileOf,
  mediaFileOf,
  readMedia,
  readRecords,
  recoverSegment,
  removeSegment,
  type Segment,
  segmentFile,
  segmentNameOf,
} from './segment.ts';
import { SharedReads } from './shared-reads.ts';

/** The segment that is being written. */
interface Written {
  readonly segment: Segment;
  readonly media: AppendedFile;
  readonly index: AppendedFile;
}

/**
 * What is kept of one stream: segments on disk, in the order of their positions, which only grow, also from one life of
 * acemux to the next. In memory there is a line for each segment, and nothing of what is in it. One writes at a time.
 */
export class StreamStore {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #reads: SharedReads;
  readonly #segments: Segment[];
  #written: Written | undefined;
  /** Those that HLS has cut from it. */
  readonly mediaSegments: MediaSegments;

  private constructor(folder: string, disk: Disk, reads: SharedReads, segments: Segment[]) {
    this.#folder = folder;
    this.#disk = disk;
    this.#reads = reads;
    this.#segments = segments;
    this.mediaSegments = new MediaSegments(this, disk);
  }

  /**
   * Opens what is in a folder, which need not exist; what was cut off by a crash is cut there.
   * @throws AcemuxError timeshift_newer, without a change to what a newer acemux wrote; the file system's error
   */
  static async open(folder: string, disk: Disk, reads = new SharedReads()): Promise<StreamStore> {
    await mkdir(folder, { recursive: true });
    const names = (await readdir(folder)).map(segmentNameOf).filter((name) => name !== undefined);
    const files = [...new Set(names)].sort().map((name) => `${folder}/${name}`);
    const segments: Segment[] = [];
    for (const [index, file] of files.entries()) {
      const segment = await recoverSegment(file, index === files.length - 1);
      if (segment === 'newer') throw new AcemuxError('timeshift_newer', `${folder} is of a newer acemux`);
      const last = segments.at(-1);
      if (segment && (!last || segment.from >= last.to)) segments.push(segment);
      else await removeSegment(file);
    }
    const store = new StreamStore(folder, disk, reads, segments);
    await store.mediaSegments.recover();
    return store;
  }

  /** Ascending by position. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** The segment that has the byte at a position; undefined where there is a gap, and at its head. */
  segmentAt(position: number): Segment | undefined {
    const segment = this.#segments.findLast(({ from }) => from <= position);
    return segment && position < segment.to ? segment : undefined;
  }

  /** Position of its oldest byte; `head` where it has none. */
  get tail(): number {
    return this.#segments[0]?.from ?? 0;
  }

  /** Position behind its newest byte. */
  get head(): number {
    return this.#segments.at(-1)?.to ?? 0;
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  /** When the newest of it was live, milliseconds since the Unix epoch; 0 if it is empty. */
  get wallMs(): number {
    return this.#segments.at(-1)?.wallToMs ?? 0;
  }

  /** Bytes on disk. */
  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + bytesOf(segment), 0);
  }

  /** When its oldest segment ended that may be removed: one that is not being written. */
  get oldestWallMs(): number | undefined {
    const [oldest] = this.#segments;
    return oldest && oldest !== this.#written?.segment ? oldest.wallToMs : undefined;
  }

  /** The segment that is being written; undefined while none is. */
  get written(): Readonly<Segment> | undefined {
    return this.#written?.segment;
  }

  // ── writing ─────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Begins a segment at a position, which is not below its head. Should that fail, nothing has changed.
   * @throws the file system's error
   */
  async begin(from: number, wallMs: number, mediaMs: number): Promise<void> {
    assert(!this.#written && from >= this.head, 'segments are written one after the other');
    const file = segmentFile(this.#folder, from);
    const head = printRecord({ is: 'head', version: STORE_VERSION, from, wallMs, mediaMs });
    await mkdir(this.#folder, { recursive: true });
    const index = await this.#disk.create(indexFileOf(file));
    try {
      await index.append(head);
      const media = await this.#disk.create(mediaFileOf(file));
      const indexBytes = Buffer.byteLength(head);
      const walls = { wallFromMs: wallMs, wallToMs: wallMs, mediaFromMs: mediaMs };
      const segment = { file, from, to: from, ...walls, indexBytes, listBytes: 0 };
      this.#segments.push(segment);
      this.#written = { segment, media, index };
    } catch (error) {
      await index.close();
      await removeSegment(file);
      throw error;
    }
  }

  /**
   * Adds whole packets behind its head, and what is to be said of them or of what is before them.
   * @throws the file system's error; nobody can read any of it then, and the segment is to be closed
   */
  async append(packets: Buffer, wallMs: number, also: readonly IndexRecord[]): Promise<void> {
    const written = this.#written;
    assert(written, 'a segment is begun first');
    const { index, media, segment } = written;
    const to = segment.to + packets.length;
    await media.append(packets);
    const records = [{ is: 'data', to, wallMs, crc: crc32(packets) } as const, ...also];
    const lines = records.map(printRecord).join('');
    await index.append(lines);
    segment.to = to;
    segment.wallToMs = wallMs;
    segment.indexBytes += Buffer.byteLength(lines);
  }

  /** Ends the segment that is being written, if any; one without media is removed. Never rejects. */
  async close(): Promise<void> {
    const written = this.#written;
    if (!written) return;
    this.#written = undefined;
    const { index, media, segment } = written;
    // What is not in the index is not there: a file that can't be closed has lost nothing more.
    await Promise.allSettled([index.close(), media.close()]);
    if (segment.to > segment.from) return;
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    await removeSegment(segment.file).catch(() => {}); // The next start removes it.
  }

  /**
   * Removes its oldest segment, unless that is being written, and its folder with the last.
   * @throws the file system's error
   */
  async removeOldest(): Promise<void> {
    const [oldest] = this.#segments;
    if (!oldest || oldest === this.#written?.segment) return;
    this.#segments.shift();
    this.mediaSegments.dropBefore(oldest.to);
    await removeSegment(oldest.file);
    // It may hold what is not acemux's: then it stays.
    if (this.isEmpty) await rmdir(this.#folder).catch(() => {});
  }

  // ── reading ─────────────────────────────────────────────────────────────────────────────────────────────

  /** What is at `position`, shared with all who read there; undefined where there is a gap, and at its head. Never rejects. */
  page(position: number): Promise<PastPage | undefined> {
    return this.#reads.at(this, position);
  }

  /** Whole packets from `position` on, `bytesMax` at most; empty where there is a gap, and at its head. */
  read(position: number, bytesMax: number): Promise<Buffer> {
    const segment = this.segmentAt(position);
    if (!segment) return Promise.resolve(Buffer.alloc(0));
    return readMedia(segment, position - segment.from, Math.min(bytesMax, segment.to - position));
  }

  /** The first access point at or behind `position`. */
  async pointFrom(position: number): Promise<PastPoint | undefined> {
    // A segment's points may stand in the next one's index, and an index may have been removed meanwhile.
    for (const segment of this.#segments.filter(({ to }) => to > position)) {
      const found = (await this.#pointsOf(segment)).find((each) => each.position >= position);
      if (found) return pastPointOf(found);
    }
    return undefined;
  }

  /**
   * The newest access point between two positions whose media clock, or wall clock, is no later than `ms`. Media clocks
   * can be compared within one session only.
   */
  async lastPoint(
    { from, to }: { readonly from: number; readonly to: number },
    clock: 'mediaMs' | 'wallMs',
    ms: number,
  ): Promise<PastPoint | undefined> {
    const oldest = Math.max(from, this.tail);
    const isMeant = (each: PointRecord): boolean =>
      each.position >= oldest && each.position < to && each[clock] <= ms;
    const segments = this.#segments.filter((segment) => segment.to > from && segment.from < to);
    for (const segment of segments.reverse()) {
      if ((clock === 'mediaMs' ? segment.mediaFromMs : segment.wallFromMs) > ms) continue;
      const found = (await this.#pointsOf(segment)).findLast(isMeant);
      if (found) return pastPointOf(found);
    }
    return undefined;
  }

  /** The access points in a segment, and those in the next one's index: a point is known a moment after its media. */
  async #pointsOf(segment: Segment): Promise<PointRecord[]> {
    const next = this.#segments[this.#segments.indexOf(segment) + 1];
    const records = [...(await readRecords(segment)), ...(next ? await readRecords(next) : [])];
    return records.filter((record) => record.is === 'point');
  }
}

function pastPointOf({ position, wallMs, kind, pts, mediaMs, tables, omit }: PointRecord): PastPoint {
  return {
    wallMs,
    point: {
      position,
      kind,
      pts,
      mediaMs,
      tables: Buffer.from(tables, 'base64'),
      omit: omit.map((each) => position + each),
      omitComplete: true,
    },
  };
}
