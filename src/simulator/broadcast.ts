/**
 * What a channel sends: packets as a pure function of (infohash, bitrate, packet number). Packet `n` is on air
 * `n / rate` after the epoch, so any two engines that agree on these deliver the very same packets.
 */
import { PCR_HZ, PTS_HZ, TIMESTAMP_WRAP, writePcr } from '../mpegts/clocks.ts';
import { PACKET_BYTES, PAT_PID, SYNC_BYTE, setContinuityCounter } from '../mpegts/packet.ts';
import { buildPatSection, buildPmtSection, packetizeSection } from '../mpegts/psi.ts';
import { restampPacket } from '../mpegts/restamp.ts';
import { AUDIO_PID, LOOP_TICKS, VIDEO_PID } from './clip.ts';
import { type Layout, LEAD_TICKS, SLOT_FILLER, SLOT_PAT, SLOT_PCR } from './layout.ts';
import { type MarkerSeed, markerSeed, PRIVATE_PID, writeMarker } from './marker.ts';

export const PMT_PID = 0x1000;

/**
 * When the broadcasts began, milliseconds since the Unix epoch: 2025-12-31 23:00 UTC, an hour before the time
 * at which a ManualClock starts. Time stamps are 0 there and wrap every 26.5 hours of broadcast time, as in any
 * stream; who cannot have that within a run gives an epoch of his own.
 */
export const DEFAULT_EPOCH_MS = Date.UTC(2025, 11, 31, 23);

const PCR_TICKS_PER_90K = PCR_HZ / PTS_HZ;

/** What fills the channel up to its bitrate. */
export type Filler =
  /** A private-data stream whose packets carry their number (marker.ts). */
  | 'markers'
  /** Null packets, as many multiplexers send them; nothing is marked then. */
  | 'nulls';

export interface BroadcastOptions {
  /** 40 hexadecimal digits. */
  readonly infohash: string;
  readonly layout: Layout;
  readonly filler?: Filler;
}

/** One channel. Stores no position; every method may be called in any order. */
export class Broadcast {
  readonly infohash: string;
  readonly layout: Layout;
  readonly #markers: MarkerSeed;
  readonly #nulls: boolean;
  readonly #pat: Buffer;
  readonly #pmt: Buffer;

  constructor(options: BroadcastOptions) {
    this.infohash = options.infohash;
    this.layout = options.layout;
    this.#markers = markerSeed(options.infohash);
    this.#nulls = options.filler === 'nulls';
    const psi = psiPackets({ version: 0, withPrivateStream: !this.#nulls });
    this.#pat = psi.pat;
    this.#pmt = psi.pmt;
  }

  /** Packet number `packetNumber` in a buffer of its own. */
  packetAt(packetNumber: number): Buffer {
    const packet = Buffer.alloc(PACKET_BYTES);
    this.fill(packet, packetNumber, 1);
    return packet;
  }

  /** How many packets are on air `broadcastMs` after the epoch: the number of the next one. */
  packetsOnAir(broadcastMs: number): number {
    return Math.max(0, Math.floor(broadcastMs * this.layout.packetsPerMs));
  }

  /** The moment packet `packetNumber` is on air, milliseconds after the epoch. */
  airTimeMs(packetNumber: number): number {
    return packetNumber / this.layout.packetsPerMs;
  }

  /**
   * Writes `count` packets from number `fromPacket` (≥ 0) on to the beginning of `buffer`.
   * @throws RangeError when they do not fit
   */
  fill(buffer: Buffer, fromPacket: number, count: number): void {
    if (count * PACKET_BYTES > buffer.length) throw new RangeError(`${count} packets do not fit`);
    const { packetsPerLoop, slot, stream, counter, counterPerLoop, clip } = this.layout;
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    let loop = Math.floor(fromPacket / packetsPerLoop);
    let place = fromPacket - loop * packetsPerLoop;
    for (let index = 0, at = 0; index < count; index++, at += PACKET_BYTES) {
      const kind = slot[place]!;
      const continuity = (counter[place]! + (loop % 16) * counterPerLoop[stream[place]!]!) & 15;
      if (kind === SLOT_FILLER) {
        if (this.#nulls) writeNull(buffer, at);
        else writeMarker(view, at, this.#markers, fromPacket + index, continuity);
      } else if (kind >= 0) {
        const from = kind * PACKET_BYTES;
        clip.bytes.copy(buffer, at, from, from + PACKET_BYTES);
        if (clip.unitStart[kind] === 1) {
          restampPacket(buffer, at, { clockOffset90: this.#clipOffsetTicks(loop) });
          if (clip.hasPcr[kind] === 1) writePcr(buffer, at, this.#clockTicks27(loop, place));
        }
        setContinuityCounter(buffer, at, continuity);
      } else if (kind === SLOT_PCR) {
        writePcrPacket(buffer, at, continuity);
        writePcr(buffer, at, this.#clockTicks27(loop, place));
      } else {
        const section = kind === SLOT_PAT ? this.#pat : this.#pmt;
        section.copy(buffer, at);
        setContinuityCounter(buffer, at, continuity);
      }
      place++;
      if (place === packetsPerLoop) {
        place = 0;
        loop++;
      }
    }
  }

  /** The clock at a place, in 27 MHz ticks: it runs with the packets, exactly, because the bitrate is constant. */
  #clockTicks27(loop: number, place: number): number {
    const withinLoop = Math.round((place * LOOP_TICKS * PCR_TICKS_PER_90K) / this.layout.packetsPerLoop);
    return ((loop * LOOP_TICKS) % TIMESTAMP_WRAP) * PCR_TICKS_PER_90K + withinLoop;
  }

  /** What the clip's time stamps are moved by in a loop: the first frame is decoded LEAD_TICKS after it is sent. */
  #clipOffsetTicks(loop: number): number {
    return ((loop * LOOP_TICKS) % TIMESTAMP_WRAP) + LEAD_TICKS - this.layout.clip.firstDecodeTicks;
  }
}

/** PAT and PMT of a channel, one packet each with counter 0. */
export function psiPackets(options: { version: number; withPrivateStream: boolean }): {
  pat: Buffer;
  pmt: Buffer;
} {
  const { version, withPrivateStream } = options;
  const pat = buildPatSection({
    version,
    transportStreamId: 1,
    programs: [{ programNumber: 1, pmtPid: PMT_PID }],
  });
  const streams = [
    { pid: VIDEO_PID, streamType: 0x1b }, // H.264
    { pid: AUDIO_PID, streamType: 0x0f }, // AAC in ADTS
    ...(withPrivateStream ? [{ pid: PRIVATE_PID, streamType: 0x06 }] : []), // private data in PES
  ];
  const pmt = buildPmtSection({ version, programNumber: 1, pcrPid: VIDEO_PID, streams });
  return { pat: packetizeSection(pat, PAT_PID, 0), pmt: packetizeSection(pmt, PMT_PID, 0) };
}

function writeNull(buffer: Buffer, at: number): void {
  buffer.fill(0xff, at, at + PACKET_BYTES);
  buffer[at] = SYNC_BYTE;
  buffer[at + 1] = 0x1f;
  buffer[at + 3] = 0x10;
}

/** An adaptation field with room for a PCR and nothing else. */
function writePcrPacket(buffer: Buffer, at: number, continuity: number): void {
  buffer.fill(0xff, at, at + PACKET_BYTES);
  buffer[at] = SYNC_BYTE;
  buffer[at + 1] = VIDEO_PID >> 8;
  buffer[at + 2] = VIDEO_PID & 0xff;
  buffer[at + 3] = 0x20 | continuity;
  buffer[at + 4] = PACKET_BYTES - 5;
  buffer[at + 5] = 0x10;
}
