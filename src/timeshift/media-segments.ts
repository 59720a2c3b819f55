import { rm, truncate } from 'node:fs/promises';
import { type Static, Type } from '../base/schema.ts';
import { schemaCheck } from '../base/schema-check.ts';
import { nextStretch } from '../mpegts/join-prefix.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { KeptSegment, KeptSegments, SegmentPlace } from '../session/media-segments.ts';
import type { PastPage } from '../session/past.ts';
import type { Disk } from './disk.ts';
import { parseLines, printLine } from './record.ts';
import { listFileOf, readBytes, readOrNothing, type Segment } from './segment.ts';

const Count = Type.Integer({ minimum: 0 });

/** One line of a list: a media segment, and where its bytes are in the store. */
const ListedSchema = Type.Object({
  number: Count,
  stream: Type.String({ minLength: 1, maxLength: 64 }),
  /** A name, of 40 hex digits, by which the stream was asked for. */
  id: Type.String({ pattern: '^[0-9a-f]{40}$' }),
  ticks: Type.Integer({ exclusiveMinimum: 0 }),
  wallMs: Type.Number({ minimum: 0 }),
  isDiscontinuity: Type.Boolean(),
  discontinuities: Count,
  targetSeconds: Type.Integer({ minimum: 1 }),
  sizeBytes: Count,
  from: Count,
  to: Count,
  /** Base64. */
  tables: Type.String(),
  /** Relative to `from`. */
  omit: Type.Array(Count),
  /** Relative to `to`. */
  tail: Type.Array(Count),
});
type ListedRecord = Static<typeof ListedSchema>;
const listedCheck = schemaCheck(ListedSchema);

/** The store that they are of. */
export interface MediaStore {
  readonly head: number;
  /** The segment of the store that has this position. */
  segmentAt(position: number): Segment | undefined;
  page(position: number): Promise<PastPage | undefined>;
  readonly segments: readonly Segment[];
}

/** In memory, of each: what a playlist says of it, and which line has the rest. */
interface Listed extends KeptSegment {
  readonly from: number;
  readonly home: Segment;
  readonly lineFrom: number;
  readonly lineTo: number;
}

/**
 * Which media segments HLS has cut from what a store has. Each is one line in the list beside the file in which it begins, and
 * goes with that. The bytes themselves are there only once.
 */
export class MediaSegments implements KeptSegments {
  readonly #store: MediaStore;
  readonly #disk: Disk;
  #listed: Listed[] = [];
  readonly #names = new Set<string>();

  constructor(store: MediaStore, disk: Disk) {
    this.#store = store;
    this.#disk = disk;
  }

  get listed(): readonly KeptSegment[] {
    return this.#listed;
  }

  /** Whether the stream was asked for by this name, of 40 hex digits. */
  isNamed(hash: string): boolean {
    return this.#names.has(hash);
  }

  /**
   * Reads the lists again; what is not whole at the end of one is cut.
   * @throws the file system's error
   */
  async recover(): Promise<void> {
    for (const home of this.#store.segments) {
      const file = await readOrNothing(listFileOf(home.file));
      for (const { from: lineFrom, to: lineTo, value } of parseLines(file)) {
        if (!listedCheck.allows(value)) break;
        home.listBytes = lineTo;
        if (this.#isWhole(value, home)) this.#push(value, home, lineFrom, lineTo);
      }
      if (file.length > home.listBytes) await truncate(listFileOf(home.file), home.listBytes);
    }
  }

  /** Positions are the store's; all of its bytes are there. @throws the file system's error */
  async add(id: string, segment: KeptSegment, place: SegmentPlace): Promise<void> {
    const home = this.#store.segmentAt(place.from);
    if (!home) throw new Error('it has been removed meanwhile');
    const record: ListedRecord = {
      number: segment.number,
      stream: segment.streamName,
      id,
      ticks: segment.durationTicks,
      wallMs: segment.wallMs,
      isDiscontinuity: segment.isDiscontinuity,
      discontinuities: segment.discontinuities,
      targetSeconds: segment.targetSeconds,
      sizeBytes: segment.sizeBytes,
      from: place.from,
      to: place.to,
      tables: place.tables.toString('base64'),
      omit: place.omit.map((each) => each - place.from),
      tail: place.tail.map((each) => each - place.to),
    };
    const line = printLine(record);
    const lineFrom = home.listBytes;
    home.listBytes += Buffer.byteLength(line);
    await this.#disk.append(listFileOf(home.file), line);
    if (this.#store.segmentAt(place.from) === home) this.#push(record, home, lineFrom, home.listBytes);
    else await rm(listFileOf(home.file), { force: true });
  }

  /** What is before a position is gone. */
  dropBefore(position: number): void {
    const kept = this.#listed.findIndex(({ from }) => from >= position);
    this.#listed = kept === -1 ? [] : this.#listed.slice(kept);
  }

  /** None is kept any longer, from this call on. @throws the file system's error */
  async forget(): Promise<void> {
    this.#listed = [];
    for (const { file } of this.#store.segments) await rm(listFileOf(file), { force: true });
    for (const segment of this.#store.segments) segment.listBytes = 0;
  }

  find(streamName: string, number: number): KeptSegment | undefined {
    return this.#find(streamName, number);
  }

  #find(streamName: string, number: number): Listed | undefined {
    const [first] = this.#listed;
    const found = first && this.#listed[number - first.number];
    return found?.streamName === streamName ? found : undefined;
  }

  async *read(segment: KeptSegment): AsyncGenerator<Buffer | undefined, void> {
    const record = await this.#recordOf(segment);
    if (!record) return yield undefined;
    const { from, tables, to } = record;
    yield Buffer.from(tables, 'base64');
    const omit = record.omit.map((each) => each + from);
    yield* this.#readStretch(from, to, omit);
    const tail = new Set(record.tail.map((each) => each + to));
    if (tail.size === 0) return;
    // They stand close together: the packets between them are read, too.
    const end = Math.max(...tail) + PACKET_BYTES;
    const others: number[] = [];
    for (let at = to; at < end; at += PACKET_BYTES) if (!tail.has(at)) others.push(at);
    yield* this.#readStretch(to, end, others);
  }

  async *#readStretch(
    from: number,
    to: number,
    omit: readonly number[],
  ): AsyncGenerator<Buffer | undefined, void> {
    let omitIndex = 0;
    for (let at = from; at < to; ) {
      const page = await this.#store.page(at);
      if (!page) return yield undefined;
      try {
        const end = Math.min(to, page.from + page.bytes.length);
        let stretch = nextStretch(omit, omitIndex, at, end);
        while (stretch.from < stretch.to) {
          yield page.bytes.subarray(stretch.from - page.from, stretch.to - page.from);
          omitIndex = stretch.omitIndex;
          stretch = nextStretch(omit, omitIndex, stretch.to, end);
        }
        omitIndex = stretch.omitIndex;
        at = end;
      } finally {
        page.letGo();
      }
    }
  }

  async #recordOf({ number, streamName }: KeptSegment): Promise<ListedRecord | undefined> {
    const listed = this.#find(streamName, number);
    if (!listed) return undefined;
    const { home, lineFrom, lineTo } = listed;
    const line = await readBytes(listFileOf(home.file), lineFrom, lineTo - lineFrom);
    for (const { value } of parseLines(line)) if (listedCheck.allows(value)) return value;
    return undefined;
  }

  /** Whether a store that has been taken up again has all its bytes. */
  #isWhole({ from, tail, to }: ListedRecord, home: Segment): boolean {
    const end = to + (tail.length > 0 ? Math.max(...tail) + PACKET_BYTES : 0);
    if (from < home.from || from >= home.to || end > this.#store.head) return false;
    for (let last = home; last.to < end; ) {
      const next = this.#store.segmentAt(last.to);
      if (!next) return false;
      last = next;
    }
    return true;
  }

  #push(record: ListedRecord, home: Segment, lineFrom: number, lineTo: number): void {
    const { discontinuities, from, id, isDiscontinuity, number, sizeBytes, targetSeconds, wallMs } = record;
    const last = this.#listed.at(-1);
    // A playlist has no place for a gap in the numbers: what is before one can't be listed any more.
    if (last && number !== last.number + 1) this.#listed = [];
    // One text for all of them.
    const streamName = last?.streamName === record.stream ? last.streamName : record.stream;
    this.#names.add(id);
    this.#listed.push({
      number,
      streamName,
      durationTicks: record.ticks,
      wallMs,
      isDiscontinuity,
      discontinuities,
      targetSeconds,
      sizeBytes,
      from,
      home,
      lineFrom,
      lineTo,
    });
  }
}
