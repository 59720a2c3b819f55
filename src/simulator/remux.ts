/**
 * One session's own multiplex of a channel, for engines that multiplex anew instead of passing packets on: the
 * elementary streams are the same bytes, all around them (counters, versions, clocks, stuffing) is its own.
 */
import { createHash } from 'node:crypto';
import { nullPackets } from '../mpegts/null-packet.ts';
import { continuityCounter, PACKET_BYTES, pidOf } from '../mpegts/packet.ts';
import { restampPacket } from '../mpegts/restamp.ts';
import { type Broadcast, psiPackets } from './broadcast.ts';

/** A null packet follows about one packet in so many. */
const STUFFING_ONE_IN = 64;

export class Remux {
  readonly #broadcast: Broadcast;
  readonly #seed: Buffer;
  /** PAT and PMTs by their PIDs. */
  readonly #tables: ReadonlyMap<number, Buffer>;
  /** Added to PCR, PTS and DTS: up to an hour, in ticks of 90 kHz. */
  readonly clockOffset90: number;

  /** `seed` names the session: the same seed gives the same multiplex. */
  constructor(seed: string, broadcast: Broadcast) {
    this.#broadcast = broadcast;
    this.#seed = createHash('sha1').update(`remux:${seed}`).digest();
    const version = 1 + (this.#seed[0]! % 31);
    const { pat, pmts } = psiPackets({
      version,
      programs: broadcast.layout.clip.programs,
      withPrivateStream: broadcast.filler === 'markers',
    });
    this.#tables = new Map([pat, ...pmts].map((packet) => [pidOf(packet, 0), packet]));
    this.clockOffset90 = this.#seed.readUInt32LE(1) % (3600 * 90_000);
  }

  /** `count` packets of the channel from number `fromPacket` on, in this session's multiplex. */
  packets(fromPacket: number, count: number): Buffer {
    const plain = Buffer.alloc(count * PACKET_BYTES);
    this.#broadcast.fill(plain, fromPacket, count);
    const parts: Buffer[] = [];
    let written = 0;
    for (let index = 0; index < count; index++) {
      const at = index * PACKET_BYTES;
      this.#rewrite(plain, at);
      if (!this.#stuffAfter(fromPacket + index)) continue;
      parts.push(plain.subarray(written, at + PACKET_BYTES), nullPackets(1));
      written = at + PACKET_BYTES;
    }
    parts.push(plain.subarray(written));
    return Buffer.concat(parts);
  }

  #rewrite(buffer: Buffer, at: number): void {
    const pid = pidOf(buffer, at);
    const counter = continuityCounter(buffer, at) + this.#seed[5 + (pid % 8)]!;
    this.#tables.get(pid)?.copy(buffer, at);
    restampPacket(buffer, at, { continuityCounter: counter, clockOffset90: this.clockOffset90 });
  }

  #stuffAfter(packetNumber: number): boolean {
    const word = Math.imul(packetNumber ^ this.#seed.readInt32LE(13), 0x9e3779b1) >>> 0;
    return word % STUFFING_ONE_IN === 0;
  }
}
