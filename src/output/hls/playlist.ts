import { crc32, deflateRawSync, constants as zlib } from 'node:zlib';
import type { Beginning } from '../../session/attachment.ts';

/** Segments whose lines are one chunk: what is compressed again when one of them is added or removed. */
const CHUNK_SEGMENTS = 128;
/** RFC 1952 2.3: gzip, deflate, no flags, no time, no system. */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** RFC 1951 3.2.3: the last block, compressed with fixed codes, and nothing in it. */
const DEFLATE_END = Buffer.from([3, 0]);

/** Lines that never change: compressed at most once, for all playlists that have them. */
class Chunk {
  /** The number of its first segment. */
  readonly from: number;
  readonly lines: readonly string[];
  #bytes: Buffer | undefined;
  #deflated: Buffer | undefined;

  constructor(from: number, lines: readonly string[]) {
    this.from = from;
    this.lines = lines;
  }

  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(this.lines.join(''));
    return this.#bytes;
  }

  /** It looks back at nothing before it, and ends at a byte: chunks may stand one behind the other. */
  get deflated(): Buffer {
    this.#deflated ??= deflateRawSync(this.bytes, { finishFlush: zlib.Z_SYNC_FLUSH });
    return this.#deflated;
  }
}

/** The lines of a playlist's segments: added at one end and removed at the other, for hours. */
export class SegmentLines {
  #chunks: Chunk[] = [];

  /** The number of the next segment; undefined while there is none. */
  get to(): number | undefined {
    const last = this.#chunks.at(-1);
    return last && last.from + last.lines.length;
  }

  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  /** Adds the lines of the next segment. */
  add(number: number, lines: string): void {
    const last = this.#chunks.at(-1);
    if (!last || last.lines.length >= CHUNK_SEGMENTS) this.#chunks.push(new Chunk(number, [lines]));
    else this.#chunks[this.#chunks.length - 1] = new Chunk(last.from, [...last.lines, lines]);
  }

  /** Removes those of the segments before this one. */
  removeBefore(number: number): void {
    this.#chunks = this.#chunks.flatMap((chunk) => {
      if (chunk.from >= number) return [chunk];
      const lines = chunk.lines.slice(number - chunk.from);
      return lines.length > 0 ? [new Chunk(number, lines)] : [];
    });
  }
}

/** A playlist as it is sent, as it is and compressed; what it shares with others is not made again for it. */
export class Playlist {
  readonly #head: Buffer;
  readonly #chunks: readonly Chunk[];
  #bytes: Buffer | undefined;
  #gzipped: Buffer | undefined;
  /** Where it has the player begin, if that was asked for. */
  readonly beginning: Beginning | undefined;

  /** `head`: at most 65,535 bytes. */
  constructor(head: string, lines?: SegmentLines, beginning?: Beginning) {
    this.#head = Buffer.from(head);
    this.#chunks = [...(lines?.chunks ?? [])];
    this.beginning = beginning;
  }

  get text(): string {
    return this.bytes.toString();
  }

  get bytes(): Buffer {
    this.#bytes ??= Buffer.concat([this.#head, ...this.#chunks.map(({ bytes }) => bytes)]);
    return this.#bytes;
  }

  get gzipped(): Buffer {
    if (this.#gzipped) return this.#gzipped;
    // RFC 1951 3.2.4: the head is stored as it is, in a block of its own.
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(this.#head.length, 1);
    stored.writeUInt16LE(this.#head.length ^ 0xffff, 3);
    const trailer = Buffer.alloc(8);
    let [crc, size] = [crc32(this.#head), this.#head.length];
    for (const { bytes } of this.#chunks) {
      crc = crc32(bytes, crc);
      size += bytes.length;
    }
    trailer.writeUInt32LE(crc, 0);
    trailer.writeUInt32LE(size, 4);
    const body = this.#chunks.map(({ deflated }) => deflated);
    this.#gzipped = Buffer.concat([GZIP_HEADER, stored, this.#head, ...body, DEFLATE_END, trailer]);
    return this.#gzipped;
  }
}
