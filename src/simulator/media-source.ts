import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { Broadcast } from './broadcast.ts';
import type { ByteRange } from './byte-range.ts';
import type { VodFile } from './catalogue.ts';
import type { Remux } from './remux.ts';

/** Packets in one piece of work, about 64 KiB. */
const PACKETS_PER_CHUNK = 348;

/** Where a reader's bytes come from: a place in a channel, and how far one may read by now. */
export interface MediaSource {
  /** Bytes from the current place on, of at most so many packets; none when there is nothing to read now. */
  next(packetsMax?: number): Buffer;
  /** Passes over everything that could be read now. */
  skipToEdge(): void;
  /** Nothing will ever come any more: the file's end. */
  readonly finished: boolean;
}

/** Packets that come again and again instead of all that would follow them. */
export interface Loop {
  readonly from: number;
  /** Exclusive. */
  readonly end: number;
}

/** What a fault does to a live channel's packets. */
export interface LiveFaults {
  loop(): Loop | undefined;
  /** What is shown instead of the channel's own. */
  replacement(): Broadcast | undefined;
  apply(packets: Buffer): Buffer;
}

/** The packets that another broadcast sends while this one sends `count` from number `from` on. */
function sameTimeOf(other: Broadcast, broadcast: Broadcast, from: number, count: number): Buffer {
  const otherFrom = other.packetsOnAir(broadcast.airTimeMs(from));
  const otherEnd = other.packetsOnAir(broadcast.airTimeMs(from + count));
  return packetsFrom(other, undefined, otherFrom, otherEnd - otherFrom);
}

/** Which packets stand for the `count` from number `next` on, as far as they are in one piece. */
function stretchAt(next: number, count: number, loop: Loop | undefined): { from: number; length: number } {
  if (loop === undefined) return { from: next, length: count };
  if (next < loop.end) return { from: next, length: Math.min(count, loop.end - next) };
  const from = loop.from + ((next - loop.end) % (loop.end - loop.from));
  return { from, length: Math.min(count, loop.end - from) };
}

/** A live channel: a stretch of what was on air already, then what comes on air. */
export class LiveSource implements MediaSource {
  readonly finished = false;
  readonly #broadcast: Broadcast;
  readonly #remux: Remux | undefined;
  readonly #packetsOnAir: () => number;
  readonly #faults: LiveFaults | undefined;
  #nextPacket: number;

  /** `packetsOnAir`: how many packets the engine has by now; reading begins `burstPackets` before that. */
  constructor(options: {
    broadcast: Broadcast;
    remux: Remux | undefined;
    packetsOnAir: () => number;
    burstPackets: number;
    faults?: LiveFaults;
  }) {
    this.#broadcast = options.broadcast;
    this.#remux = options.remux;
    this.#packetsOnAir = options.packetsOnAir;
    this.#faults = options.faults;
    this.#nextPacket = Math.max(0, options.packetsOnAir() - options.burstPackets);
  }

  next(packetsMax = PACKETS_PER_CHUNK): Buffer {
    const count = Math.min(packetsMax, PACKETS_PER_CHUNK, this.#packetsOnAir() - this.#nextPacket);
    if (count <= 0) return Buffer.alloc(0);
    const { from, length } = stretchAt(this.#nextPacket, count, this.#faults?.loop());
    const other = this.#faults?.replacement();
    const packets =
      other === undefined
        ? packetsFrom(this.#broadcast, this.#remux, from, length)
        : sameTimeOf(other, this.#broadcast, from, length);
    this.#nextPacket += length;
    return this.#faults?.apply(packets) ?? packets;
  }

  skipToEdge(): void {
    this.#nextPacket = Math.max(this.#nextPacket, this.#packetsOnAir());
  }
}

/** A recording: the channel's first packets, or a range of their bytes, as fast as they are read. */
export class FileSource implements MediaSource {
  readonly #broadcast: Broadcast;
  #nextByte: number;
  readonly #endByte: number;

  /** `range`: the whole file when left out. */
  constructor(broadcast: Broadcast, durationSeconds: number, range?: ByteRange) {
    this.#broadcast = broadcast;
    this.#nextByte = range?.from ?? 0;
    this.#endByte = range?.end ?? fileSizeBytes(broadcast, durationSeconds);
  }

  get finished(): boolean {
    return this.#nextByte >= this.#endByte;
  }

  next(packetsMax = PACKETS_PER_CHUNK): Buffer {
    if (this.finished) return Buffer.alloc(0);
    const from = Math.floor(this.#nextByte / PACKET_BYTES);
    const end = Math.ceil(this.#endByte / PACKET_BYTES);
    const count = Math.min(packetsMax, PACKETS_PER_CHUNK, end - from);
    const packets = packetsFrom(this.#broadcast, undefined, from, count);
    const bytes = packets.subarray(this.#nextByte - from * PACKET_BYTES, this.#endByte - from * PACKET_BYTES);
    this.#nextByte += bytes.length;
    return bytes;
  }

  /** A file waits for its reader. */
  skipToEdge(): void {}
}

/** A file that is no recording of a channel, or a range of it. */
class BytesSource implements MediaSource {
  #rest: Buffer;

  constructor(bytes: Buffer, range?: ByteRange) {
    this.#rest = bytes.subarray(range?.from ?? 0, range?.end ?? bytes.length);
  }

  get finished(): boolean {
    return this.#rest.length === 0;
  }

  next(packetsMax = PACKETS_PER_CHUNK): Buffer {
    const count = Math.min(packetsMax, PACKETS_PER_CHUNK) * PACKET_BYTES;
    const bytes = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return bytes;
  }

  skipToEdge(): void {}
}

/** Reads one of a recording's files; the whole of it where no range is given. */
export function openVodFile(broadcast: Broadcast, file: VodFile, range?: ByteRange): MediaSource {
  if (file.bytes !== undefined) return new BytesSource(file.bytes, range);
  return new FileSource(broadcast, file.durationSeconds, range);
}

/** The size of one of a recording's files. */
export function vodFileBytes(broadcast: Broadcast, file: VodFile): number {
  return file.bytes?.length ?? fileSizeBytes(broadcast, file.durationSeconds);
}

/** The size of a recording of so many seconds. */
export function fileSizeBytes(broadcast: Broadcast, durationSeconds: number): number {
  return filePackets(broadcast, durationSeconds) * PACKET_BYTES;
}

/** How many packets a recording of so many seconds has. */
export function filePackets(broadcast: Broadcast, durationSeconds: number): number {
  return broadcast.packetsOnAir(durationSeconds * 1000);
}

function packetsFrom(broadcast: Broadcast, remux: Remux | undefined, from: number, count: number): Buffer {
  if (remux !== undefined) return remux.packets(from, count);
  const packets = Buffer.alloc(count * PACKET_BYTES);
  broadcast.fill(packets, from, count);
  return packets;
}
