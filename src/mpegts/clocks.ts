/**
 * The clocks of a transport stream: PCR (27 MHz, in the adaptation field) and the PTS and DTS of PES headers
 * (90 kHz). All of them wrap after 2^33 ticks of 90 kHz, about 26.5 hours. ISO/IEC 13818-1 2.4.2.2, 2.4.3.5,
 * 2.4.3.7.
 */
import { hasAdaptation, hasPayload, isScrambled, PACKET_BYTES, payloadAt, startsUnit } from './packet.ts';

export const PCR_HZ = 27_000_000;
export const PTS_HZ = 90_000;
/** PTS, DTS and the PCR's base count modulo this. */
export const TIMESTAMP_WRAP = 2 ** 33;
/** PCR counts modulo this, in 27 MHz ticks. */
export const PCR_WRAP = TIMESTAMP_WRAP * 300;

/** PTS and DTS of a PES header, in 90 kHz ticks below 2^33. */
export interface PesTimestamps {
  readonly pts?: number;
  readonly dts?: number;
}

function hasPcr(buffer: Uint8Array, at: number): boolean {
  if (!hasAdaptation(buffer, at)) return false;
  const lengthBytes = buffer[at + 4]!;
  return lengthBytes >= 7 && lengthBytes <= PACKET_BYTES - 5 && (buffer[at + 5]! & 0x10) !== 0;
}

/** The packet's PCR in 27 MHz ticks (base × 300 + extension), undefined if it has none. */
export function readPcr(buffer: Uint8Array, at: number): number | undefined {
  if (!hasPcr(buffer, at)) return undefined;
  const high =
    buffer[at + 6]! * 2 ** 24 + ((buffer[at + 7]! << 16) | (buffer[at + 8]! << 8) | buffer[at + 9]!);
  const base = high * 2 + (buffer[at + 10]! >> 7);
  const extension = ((buffer[at + 10]! & 0x01) << 8) | buffer[at + 11]!;
  return base * 300 + extension;
}

/** Overwrites the PCR where the packet has one; `ticks27` is taken modulo the PCR's wrap. */
export function writePcr(buffer: Uint8Array, at: number, ticks27: number): void {
  if (!hasPcr(buffer, at)) return;
  const ticks = modulo(Math.round(ticks27), PCR_WRAP);
  const base = Math.floor(ticks / 300);
  writePcrFields(buffer, at, base, ticks - base * 300);
}

/** Moves the PCR's 90 kHz base by `offset90` ticks where the packet has one; its extension stays as it is. */
export function shiftPcr(buffer: Uint8Array, at: number, offset90: number): void {
  const ticks = readPcr(buffer, at);
  if (ticks === undefined) return;
  const extension = ((buffer[at + 10]! & 0x01) << 8) | buffer[at + 11]!;
  const base = (ticks - extension) / 300;
  writePcrFields(buffer, at, modulo(base + Math.round(offset90), TIMESTAMP_WRAP), extension);
}

function writePcrFields(buffer: Uint8Array, at: number, base: number, extension: number): void {
  const high = Math.floor(base / 2);
  buffer[at + 6] = Math.floor(high / 2 ** 24);
  buffer[at + 7] = (high >>> 16) & 0xff;
  buffer[at + 8] = (high >>> 8) & 0xff;
  buffer[at + 9] = high & 0xff;
  buffer[at + 10] = ((base % 2) << 7) | 0x7e | (extension >> 8);
  buffer[at + 11] = extension & 0xff;
}

/** Stream ids whose PES packets have no header with timestamps (ISO/IEC 13818-1 2.4.3.7). */
export function isPlainPesStream(streamId: number): boolean {
  return (
    streamId === 0xbc || // program_stream_map
    streamId === 0xbe || // padding_stream
    streamId === 0xbf || // private_stream_2
    (streamId >= 0xf0 && streamId <= 0xf2) || // ECM, EMM, DSM-CC
    streamId === 0xf8 || // H.222.1 type E
    streamId === 0xff // program_stream_directory
  );
}

const NO_TIMESTAMPS: PesTimestamps = {};

/** Where PTS and DTS of the PES header stand that begins in this packet: absolute offsets, -1 if absent. */
function timestampsAt(buffer: Uint8Array, at: number): { pts: number; dts: number } | undefined {
  if (!startsUnit(buffer, at) || !hasPayload(buffer, at) || isScrambled(buffer, at)) return undefined;
  const pes = payloadAt(buffer, at);
  const end = at + PACKET_BYTES;
  if (pes + 9 > end) return undefined;
  if (buffer[pes] !== 0 || buffer[pes + 1] !== 0 || buffer[pes + 2] !== 1) return undefined;
  if (isPlainPesStream(buffer[pes + 3]!) || (buffer[pes + 6]! & 0xc0) !== 0x80) return undefined;
  const flags = buffer[pes + 7]! >> 6;
  const headerBytes = buffer[pes + 8]!;
  const first = pes + 9;
  const hasPts = flags >= 2 && headerBytes >= 5 && first + 5 <= end;
  const hasDts = flags === 3 && headerBytes >= 10 && first + 10 <= end;
  return { pts: hasPts ? first : -1, dts: hasDts ? first + 5 : -1 };
}

/**
 * PTS and DTS of the PES packet that begins in this packet; undefined when none does (or it can't be read:
 * scrambled, or its header lies). Where only a PTS is given the DTS equals it, and is left out here.
 */
export function readPesTimestamps(buffer: Uint8Array, at: number): PesTimestamps | undefined {
  const fields = timestampsAt(buffer, at);
  if (!fields) return undefined;
  if (fields.pts < 0) return NO_TIMESTAMPS;
  const pts = readTimestamp(buffer, fields.pts);
  return fields.dts < 0 ? { pts } : { pts, dts: readTimestamp(buffer, fields.dts) };
}

/**
 * Overwrites PTS and DTS, each only where it is given and the header has its field. Values are taken modulo
 * 2^33; prefix and marker bits stay as they are.
 */
export function writePesTimestamps(buffer: Uint8Array, at: number, pts?: number, dts?: number): void {
  const fields = timestampsAt(buffer, at);
  if (!fields) return;
  if (fields.pts >= 0 && pts !== undefined) writeTimestamp(buffer, fields.pts, pts);
  if (fields.dts >= 0 && dts !== undefined) writeTimestamp(buffer, fields.dts, dts);
}

function readTimestamp(buffer: Uint8Array, at: number): number {
  const low30 =
    (buffer[at + 1]! << 22) |
    ((buffer[at + 2]! >> 1) << 15) |
    (buffer[at + 3]! << 7) |
    (buffer[at + 4]! >> 1);
  return ((buffer[at]! >> 1) & 0x07) * 2 ** 30 + low30;
}

function writeTimestamp(buffer: Uint8Array, at: number, value90: number): void {
  const value = modulo(Math.round(value90), TIMESTAMP_WRAP);
  const low30 = value % 2 ** 30;
  buffer[at] = (buffer[at]! & 0xf1) | (Math.floor(value / 2 ** 30) << 1);
  buffer[at + 1] = low30 >>> 22;
  buffer[at + 2] = (buffer[at + 2]! & 0x01) | ((low30 >>> 14) & 0xfe);
  buffer[at + 3] = (low30 >>> 7) & 0xff;
  buffer[at + 4] = (buffer[at + 4]! & 0x01) | ((low30 << 1) & 0xfe);
}

function modulo(value: number, wrap: number): number {
  const rest = value % wrap;
  return rest < 0 ? rest + wrap : rest + 0; // + 0 turns -0 into 0
}

function signedDifference(later: number, earlier: number, wrap: number): number {
  const ahead = modulo(later - earlier, wrap);
  return ahead >= wrap / 2 ? ahead - wrap : ahead;
}

/** How far `later` is ahead of `earlier` on the shorter way round, in 90 kHz ticks; negative if behind. */
export function wrappedDifference(later: number, earlier: number): number {
  return signedDifference(later, earlier, TIMESTAMP_WRAP);
}

/** The same for two PCRs, in 27 MHz ticks. */
export function wrappedPcrDifference(later: number, earlier: number): number {
  return signedDifference(later, earlier, PCR_WRAP);
}

/** A step further than this, either way, is no passing of time but a new timeline. */
const LEAP_MS = 10_000;

/**
 * Media time from timestamps that wrap, jump and (as PTS) go back a little: milliseconds from 0 at the first
 * value, never going back. At a leap of more than 10 s, or one that was announced, time stands still for that
 * one step and goes on from the new value.
 */
export class UnwrappedClock {
  #last: number | undefined;
  #elapsedMs = 0;
  #highestMs = 0;

  /** The latest media time, in milliseconds. */
  get nowMs(): number {
    return this.#highestMs;
  }

  /** Takes the next timestamp (90 kHz, fractions allowed) and returns the media time in milliseconds. */
  advance(value90: number): number {
    if (!Number.isFinite(value90)) return this.#highestMs;
    const last = this.#last;
    this.#last = value90;
    const stepMs = last === undefined ? 0 : wrappedDifference(value90, last) / (PTS_HZ / 1000);
    if (last === undefined || Math.abs(stepMs) > LEAP_MS) {
      this.#elapsedMs = this.#highestMs;
    } else {
      this.#elapsedMs += stepMs;
      this.#highestMs = Math.max(this.#highestMs, this.#elapsedMs);
    }
    return this.#highestMs;
  }

  /** Tells that the next value belongs to a new timeline. */
  discontinuity(): void {
    this.#last = undefined;
  }
}
