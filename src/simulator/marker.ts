/**
 * Packets that prove what a recording of a simulated channel lost or has twice. They bring the channel up to
 * its bitrate: each is a private-data PES packet of its own that carries its packet number and a payload
 * that follows from (infohash, packet number) alone.
 *
 * Layout, offsets from the sync byte: 0 TS header · 4 PES header (private_stream_2) · 12 magic ·
 * 16 packet number, 64 bit · 24 first word of the infohash · 28 pseudo-random to the end. All little-endian.
 */
import { PACKET_BYTES } from '../mpegts/packet.ts';

export const PRIVATE_PID = 0x102;

/** private_stream_2 has neither flags nor time stamps (ISO 13818-1 2.4.3.7). */
const STREAM_ID_PRIVATE_2 = 0xbf;
const MAGIC = 0x784d6341;
const MAGIC_AT = 12;
const NUMBER_AT = 16;
const CHANNEL_AT = 24;
const RANDOM_AT = 28;
const TWO_32 = 0x1_0000_0000;

/** What makes one channel's markers its own. */
export interface MarkerSeed {
  readonly channelWord: number;
  readonly mixWord: number;
}

export interface Marker {
  /** The packet's number since the broadcast began. */
  readonly packetNumber: number;
}

/** `infohash`: 40 hexadecimal digits. */
export function markerSeed(infohash: string): MarkerSeed {
  const words = Buffer.from(infohash, 'hex');
  let mixWord = 0;
  for (let at = 0; at + 4 <= words.length; at += 4) mixWord = mix(mixWord ^ words.readUInt32LE(at));
  return { channelWord: words.readUInt32LE(0), mixWord };
}

/** Writes the marker packet `packetNumber` of the channel at byte `at` of `view`. */
export function writeMarker(
  view: DataView,
  at: number,
  seed: MarkerSeed,
  packetNumber: number,
  continuityCounter: number,
): void {
  view.setUint32(at, 0x47400010 | (PRIVATE_PID << 8) | continuityCounter);
  view.setUint32(at + 4, 0x00000100 | STREAM_ID_PRIVATE_2);
  view.setUint32(at + 8, ((PACKET_BYTES - 10) << 16) | 0xffff);
  view.setUint32(at + MAGIC_AT, MAGIC, true);
  const low = packetNumber >>> 0;
  const high = Math.floor(packetNumber / TWO_32);
  view.setUint32(at + NUMBER_AT, low, true);
  view.setUint32(at + NUMBER_AT + 4, high, true);
  view.setUint32(at + CHANNEL_AT, seed.channelWord, true);
  let word = firstWord(seed, low, high);
  for (let offset = RANDOM_AT; offset < PACKET_BYTES; offset += 4) {
    word = nextWord(word);
    view.setInt32(at + offset, word, true);
  }
}

/** The marker in the packet at `at`; undefined for any other packet, or when its frame was damaged. */
export function readMarker(packet: Uint8Array, at = 0): Marker | undefined {
  if (at < 0 || at + PACKET_BYTES > packet.length) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset + at, PACKET_BYTES);
  if ((view.getUint32(0) & 0xff1fff00) >>> 0 !== (0x47000000 | (PRIVATE_PID << 8))) return undefined;
  if (view.getUint32(MAGIC_AT, true) !== MAGIC) return undefined;
  return { packetNumber: view.getUint32(NUMBER_AT, true) + view.getUint32(NUMBER_AT + 4, true) * TWO_32 };
}

/** Whether the packet at `at` is a marker of this channel whose every byte after the TS header is right. */
export function verifyMarker(packet: Uint8Array, at: number, infohash: string): boolean {
  const marker = readMarker(packet, at);
  if (marker === undefined) return false;
  const expected = Buffer.alloc(PACKET_BYTES);
  writeMarker(
    new DataView(expected.buffer, expected.byteOffset),
    0,
    markerSeed(infohash),
    marker.packetNumber,
    0,
  );
  return expected.compare(packet, at + 4, at + PACKET_BYTES, 4, PACKET_BYTES) === 0;
}

function firstWord(seed: MarkerSeed, low: number, high: number): number {
  // xorshift stays at zero for ever once it is there.
  return mix(seed.mixWord ^ mix(low) ^ Math.imul(high, 0x85ebca77)) || 0x6d2b79f5;
}

/** Marsaglia's xorshift with 32 bits: three shifts a word, and never zero. */
function nextWord(word: number): number {
  let next = word;
  next ^= next << 13;
  next ^= next >>> 17;
  next ^= next << 5;
  return next;
}

/** Spreads every bit of `value` over all 32: neighbouring packet numbers give unrelated words. */
function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
