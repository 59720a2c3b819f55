/**
 * What a channel sends: packets as a pure function of (infohash, bitrate, packet number). Packet `n` is on air
 * `n / rate` after the epoch, so any two engines that agree on these deliver the very same packets.
 */
import { PCR_HZ, PTS_HZ, TIMESTAMP_WRAP, writePcr } from '../mpegts/clocks.ts';
import { PACKET_BYTES, PAT_PID, payloadAt, SYNC_BYTE, setContinuityCounter } from '../mpegts/packet.ts';
import { buildPatSection, buildPmtSection, packetizeSection } from '../mpegts/psi.ts';
import { restampPacket } from '../mpegts/restamp.ts';
import { type ClipProgram, PMT_PID } from './clip.ts';
import { type Layout, LEAD_TICKS, SLOT_FILLER, SLOT_PAT, SLOT_PCR, SLOT_PMT } from './layout.ts';
import { type MarkerSeed, markerSeed, PRIVATE_PID, writeMarker } from './marker.ts';

export { PMT_PID };

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
  readonly filler: Filler;
  readonly #markers: MarkerSeed;
  readonly #pat: Buffer;
  readonly #pmts: readonly Buffer[];

  constructor(options: BroadcastOptions) {
    this.infohash = options.infohash;
    this.layout = options.layout;
    this.#markers = markerSeed(options.infohash);
    this.filler = options.filler ?? 'markers';
    const { programs } = options.layout.clip;
    const psi = psiPackets({ version: 0, programs, withPrivateStream: this.filler === 'markers' });
    this.#pat = psi.pat;
    this.#pmts = psi.pmts;
  }

  /** Packet number `packetNumber` in a buffer of its own. */
  packetAt(packetNumber: number): Buffer {
    const packet = Buffer.alloc(PACKET_BYTES);
    this.fill(packet, packetNumber, 1);
    return packet;
  }

  /** How many packets are on air `broadcastMs` after the epoch: the number of the next one. */
  packetsOnAir(broadcastMs: number): number {
    const { recorded, packetsPerLoop, packetsPerMs } = this.layout;
    if (recorded === undefined) return Math.max(0, Math.floor(broadcastMs * packetsPerMs));
    const loopMs = this.#loopMs();
    const loop = Math.floor(broadcastMs / loopMs);
    return Math.max(0, loop * packetsPerLoop + countUpTo(recorded.airMs, broadcastMs - loop * loopMs));
  }

  /** The moment packet `packetNumber` is on air, milliseconds after the epoch. */
  airTimeMs(packetNumber: number): number {
    const { recorded, packetsPerLoop, packetsPerMs } = this.layout;
    if (recorded === undefined) return packetNumber / packetsPerMs;
    const loop = Math.floor(packetNumber / packetsPerLoop);
    return loop * this.#loopMs() + recorded.airMs[packetNumber - loop * packetsPerLoop]!;
  }

  #loopMs(): number {
    return this.layout.clip.loopTicks / (PTS_HZ / 1000);
  }

  /**
   * Writes `count` packets from number `fromPacket` (≥ 0) on to the beginning of `buffer`.
   * @throws RangeError when they do not fit
   */
  fill(buffer: Buffer, fromPacket: number, count: number): void {
    if (count * PACKET_BYTES > buffer.length) throw new RangeError(`${count} packets do not fit`);
    const { packetsPerLoop, slot, stream, counter, counterPerLoop, clip } = this.layout;
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    const isNull = this.filler === 'nulls';
    const isRecorded = this.layout.recorded !== undefined;
    let loop = Math.floor(fromPacket / packetsPerLoop);
    let place = fromPacket - loop * packetsPerLoop;
    for (let index = 0, at = 0; index < count; index++, at += PACKET_BYTES) {
      const kind = slot[place]!;
      const continuity = (counter[place]! + (loop % 16) * counterPerLoop[stream[place]!]!) & 15;
      if (kind === SLOT_FILLER) {
        if (isNull) writeNull(buffer, at);
        else writeMarker(view, at, this.#markers, fromPacket + index, continuity);
      } else if (kind >= 0) {
        const from = kind * PACKET_BYTES;
        clip.bytes.copy(buffer, at, from, from + PACKET_BYTES);
        if (isRecorded) {
          // Its clock runs as it ran, and goes on over the seam.
          if (clip.unitStart[kind] === 1 || clip.hasPcr[kind] === 1) {
            restampPacket(buffer, at, { clockOffset90: (loop * clip.loopTicks) % TIMESTAMP_WRAP });
          }
        } else {
          if (clip.unitStart[kind] === 1) {
            restampPacket(buffer, at, { clockOffset90: this.#clipOffsetTicks(loop) });
          }
          if (clip.hasPcr[kind] === 1) writePcr(buffer, at, this.#clockTicks27(loop, place));
        }
        setContinuityCounter(buffer, at, continuity);
        if (clip.scrambled) scramble(buffer, at, fromPacket + index);
      } else if (kind <= SLOT_PCR) {
        writePcrPacket(buffer, at, clip.programs[SLOT_PCR - kind]!.pcrPid, continuity);
        writePcr(buffer, at, this.#clockTicks27(loop, place));
      } else {
        const section = kind === SLOT_PAT ? this.#pat : this.#pmts[SLOT_PMT - kind]!;
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
    const { clip, packetsPerLoop } = this.layout;
    const withinLoop = Math.round((place * clip.loopTicks * PCR_TICKS_PER_90K) / packetsPerLoop);
    return ((loop * clip.loopTicks) % TIMESTAMP_WRAP) * PCR_TICKS_PER_90K + withinLoop;
  }

  /** What the clip's time stamps are moved by in a loop: the first frame is decoded LEAD_TICKS after it is sent. */
  #clipOffsetTicks(loop: number): number {
    const { loopTicks, firstDecodeTicks } = this.layout.clip;
    return ((loop * loopTicks) % TIMESTAMP_WRAP) + LEAD_TICKS - firstDecodeTicks;
  }
}

/** PAT and PMTs of a channel, one packet each with counter 0. */
export function psiPackets(options: {
  version: number;
  programs: readonly ClipProgram[];
  /** The first program has the markers' stream. */
  withPrivateStream: boolean;
}): { pat: Buffer; pmts: Buffer[] } {
  const { version, programs, withPrivateStream } = options;
  const pat = buildPatSection({ version, transportStreamId: 1, programs });
  const privateStreams = withPrivateStream ? [{ pid: PRIVATE_PID, streamType: 0x06 }] : []; // private data in PES
  const pmts = programs.map((program, index) => {
    const streams = [...program.streams, ...(index === 0 ? privateStreams : [])];
    return packetizeSection(buildPmtSection({ ...program, version, streams }), program.pmtPid, 0);
  });
  return { pat: packetizeSection(pat, PAT_PID, 0), pmts };
}

/** Makes the payload unreadable and says so; what a broadcaster's keys would do to it does not matter here. */
function scramble(buffer: Buffer, at: number, packetNumber: number): void {
  for (let byte = payloadAt(buffer, at); byte < at + PACKET_BYTES; byte++) {
    buffer[byte] = buffer[byte]! ^ (byte * 167 + packetNumber * 31 + 0x5a);
  }
  buffer[at + 3] = buffer[at + 3]! | 0x80; // transport_scrambling_control: the even key
}

/** How many of the rising values are at most `limit`. */
function countUpTo(values: Float64Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function writeNull(buffer: Buffer, at: number): void {
  buffer.fill(0xff, at, at + PACKET_BYTES);
  buffer[at] = SYNC_BYTE;
  buffer[at + 1] = 0x1f;
  buffer[at + 3] = 0x10;
}

/** An adaptation field with room for a PCR and nothing else. */
function writePcrPacket(buffer: Buffer, at: number, pid: number, continuity: number): void {
  buffer.fill(0xff, at, at + PACKET_BYTES);
  buffer[at] = SYNC_BYTE;
  buffer[at + 1] = pid >> 8;
  buffer[at + 2] = pid & 0xff;
  buffer[at + 3] = 0x20 | continuity;
  buffer[at + 4] = PACKET_BYTES - 5;
  buffer[at + 5] = 0x10;
}
