import { open, readFile, rm, truncate } from 'node:fs/promises';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import { type DataRecord, type IndexRecord, parseRecords, STORE_VERSION, versionOf } from './record.ts';

const MEDIA = '.ts';
const INDEX = '.index';
const LIST = '.hls';

/** A stretch of a store, without a gap: a media file of whole packets and, beside it, its index. */
export interface Segment {
  /** Both files' path without what they end with. */
  readonly file: string;
  /** Positions in the store: of its first byte, and behind its last. */
  readonly from: number;
  to: number;
  /** When the first and the last of it were live, milliseconds since the Unix epoch. */
  readonly wallFromMs: number;
  wallToMs: number;
  /** The session's media clock at its first byte, milliseconds. */
  readonly mediaFromMs: number;
  indexBytes: number;
  /** Of the list of the media segments of HLS that begin in it. */
  listBytes: number;
}

export function mediaFileOf(file: string): string {
  return `${file}${MEDIA}`;
}

export function indexFileOf(file: string): string {
  return `${file}${INDEX}`;
}

export function listFileOf(file: string): string {
  return `${file}${LIST}`;
}

/** The path, without ending, of the segment that begins at a position: in the order of names as of positions. */
export function segmentFile(folder: string, from: number): string {
  return `${folder}/${String(from).padStart(16, '0')}`;
}

/** The segment whose file this is by its name; undefined for any other file. */
export function segmentNameOf(fileName: string): string | undefined {
  const ending = [MEDIA, INDEX, LIST].find((each) => fileName.endsWith(each));
  const name = basename(fileName, ending);
  return /^\d{16}$/.test(name) && fileName.length > name.length ? name : undefined;
}

/** The sizes of its files together. */
export function bytesOf({ from, indexBytes, listBytes, to }: Segment): number {
  return to - from + indexBytes + listBytes;
}

/**
 * Takes a segment up again whose writer may have died in the middle of anything: what is not whole at its end is cut.
 * @param isLast nothing was written behind it: then its media is compared with the checksums, too
 * @returns undefined if there is nothing whole in it; `newer` if a newer acemux wrote it
 * @throws the file system's error
 */
export async function recoverSegment(file: string, isLast: boolean): Promise<Segment | 'newer' | undefined> {
  const index = await readOrNothing(indexFileOf(file));
  if ((versionOf(index) ?? 0) > STORE_VERSION) return 'newer';
  const { records, bytes } = parseRecords(index);
  const [head] = records;
  if (head?.is !== 'head') return undefined;
  const { from, mediaMs, wallMs } = head;
  const walls = { wallFromMs: wallMs, wallToMs: wallMs, mediaFromMs: mediaMs };
  const segment = { file, from, to: from, ...walls, indexBytes: bytes, listBytes: 0 };
  const handle = await open(mediaFileOf(file), 'r').catch(() => undefined);
  if (!handle) return undefined;
  try {
    const { size } = await handle.stat();
    for (const record of records) {
      if (record.is !== 'data') continue;
      const isWhole = record.to > segment.to && (record.to - from) % PACKET_BYTES === 0;
      if (!isWhole || record.to - from > size) break;
      if (isLast && !(await hasChecksum(handle, segment.to - from, record.to - segment.to, record))) break;
      segment.to = record.to;
      segment.wallToMs = record.wallMs;
    }
  } finally {
    await handle.close();
  }
  if (segment.to === from) return undefined;
  await truncate(mediaFileOf(file), segment.to - from);
  await truncate(indexFileOf(file), bytes);
  return segment;
}

async function hasChecksum(
  handle: { read(buffer: Buffer, from: number, length: number, at: number): Promise<{ bytesRead: number }> },
  at: number,
  length: number,
  { crc }: DataRecord,
): Promise<boolean> {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(bytes, 0, length, at);
  return bytesRead === length && crc32(bytes) === crc;
}

/** What the index of a segment says; nothing where the segment has been removed. */
export async function readRecords({ file }: Segment): Promise<readonly IndexRecord[]> {
  return parseRecords(await readOrNothing(indexFileOf(file))).records;
}

/** Bytes of a segment's media; none where the segment has been removed, or can't be read. */
export async function readMedia({ file }: Segment, at: number, length: number): Promise<Buffer> {
  const bytes = await readBytes(mediaFileOf(file), at, length);
  return bytes.subarray(0, bytes.length - (bytes.length % PACKET_BYTES));
}

/** Bytes of a file, fewer at its end; none where it has been removed, or can't be read. */
export async function readBytes(path: string, at: number, length: number): Promise<Buffer> {
  try {
    const handle = await open(path, 'r');
    try {
      const bytes = Buffer.allocUnsafe(length);
      const { bytesRead } = await handle.read(bytes, 0, length, at);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return Buffer.alloc(0); // For a viewer it is the same as a gap.
  }
}

export async function removeSegment(file: string): Promise<void> {
  await rm(mediaFileOf(file), { force: true });
  await rm(indexFileOf(file), { force: true });
  await rm(listFileOf(file), { force: true });
}

/** The whole of a file. */
export async function readOrNothing(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch {
    return Buffer.alloc(0); // Removed, or never whole: there is nothing to read from it.
  }
}
