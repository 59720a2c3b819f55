import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { Broadcast } from './broadcast.ts';
import type { Remux } from './remux.ts';

/** Packets in one piece of work, about 64 KiB. */
const PACKETS_PER_CHUNK = 348;

/** Where a reader's bytes come from: a place in a channel, and how far one may read by now. */
export interface MediaSource {
  /** Bytes from the current place on; none when there is nothing to read now. */
  next(): Buffer;
  /** Nothing will ever come any more: the file's end. */
  readonly finished: boolean;
}

/** A live channel: a stretch of what was on air already, then what comes on air. */
export class LiveSource implements MediaSource {
  readonly finished = false;
  readonly #broadcast: Broadcast;
  readonly #remux: Remux | undefined;
  readonly #packetsOnAir: () => number;
  #nextPacket: number;

  /** `packetsOnAir`: how many packets the engine has by now; reading begins `burstPackets` before that. */
  constructor(options: {
    broadcast: Broadcast;
    remux: Remux | undefined;
    packetsOnAir: () => number;
    burstPackets: number;
  }) {
    this.#broadcast = options.broadcast;
    this.#remux = options.remux;
    this.#packetsOnAir = options.packetsOnAir;
    this.#nextPacket = Math.max(0, options.packetsOnAir() - options.burstPackets);
  }

  next(): Buffer {
    const count = Math.min(PACKETS_PER_CHUNK, this.#packetsOnAir() - this.#nextPacket);
    if (count <= 0) return Buffer.alloc(0);
    const packets = packetsFrom(this.#broadcast, this.#remux, this.#nextPacket, count);
    this.#nextPacket += count;
    return packets;
  }
}

/** A recording: the channel's first packets, as fast as they are read. */
export class FileSource implements MediaSource {
  readonly #broadcast: Broadcast;
  readonly #packets: number;
  #nextPacket = 0;

  constructor(broadcast: Broadcast, durationSeconds: number) {
    this.#broadcast = broadcast;
    this.#packets = filePackets(broadcast, durationSeconds);
  }

  get finished(): boolean {
    return this.#nextPacket >= this.#packets;
  }

  next(): Buffer {
    const count = Math.min(PACKETS_PER_CHUNK, this.#packets - this.#nextPacket);
    const packets = packetsFrom(this.#broadcast, undefined, this.#nextPacket, count);
    this.#nextPacket += count;
    return packets;
  }
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
