import { isPlainPesStream, readPesTimestamps } from '../clocks.ts';
import {
  continuityCounter,
  discontinuityIndicator,
  hasPayload,
  PACKET_BYTES,
  payloadAt,
  randomAccessIndicator,
  startsUnit,
} from '../packet.ts';

/** Odd, so that no byte is ever lost: the multiplier of FNV. */
const BASE = 0x01000193;
const BASE_2 = Math.imul(BASE, BASE);
const BASE_3 = Math.imul(BASE_2, BASE);
const BASE_4 = Math.imul(BASE_3, BASE);

/**
 * Goes on with a hash over the bytes from `from` to `to` (exclusive): a polynomial modulo 2^32, four bytes a step.
 * It makes no difference how the bytes were cut into calls. Not for bytes that somebody chose to collide.
 */
export function hashBytes(hash: number, bytes: Uint8Array, from: number, to: number): number {
  let value = hash;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    value =
      (Math.imul(value, BASE_4) +
        Math.imul(bytes[at]!, BASE_3) +
        Math.imul(bytes[at + 1]!, BASE_2) +
        Math.imul(bytes[at + 2]!, BASE) +
        bytes[at + 3]!) |
      0;
  }
  for (; at < to; at++) value = (Math.imul(value, BASE) + bytes[at]!) | 0;
  return value;
}

/** BASE to the power of -1 modulo 2^32: takes a zero byte off the end of what was hashed. */
const INVERSE = [1, 2, 3, 4, 5].reduce((x) => Math.imul(x, 2 - Math.imul(BASE, x)), BASE);

/** The hash before `count` zero bytes were taken in at its end. */
function withoutZeros(hash: number, count: number): number {
  let value = hash;
  let factor = INVERSE;
  for (let left = count; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) value = Math.imul(value, factor);
    factor = Math.imul(factor, factor);
  }
  return value;
}

/**
 * Of a PES packet's bytes the first 512 are hashed, and of every 512 that follow the first 64: by their place in the
 * elementary stream, so that it makes no difference how it was cut. A missing packet shifts all that follow it, so it
 * shows; and where pictures are large it halves what following a stream costs.
 */
const STRIDE_BYTES = 512;
const SAMPLE_BYTES = 64;

/** How many of the first `size` bytes are hashed. */
function sampledBytes(size: number): number {
  if (size <= STRIDE_BYTES) return size;
  const rest = size - STRIDE_BYTES;
  const strides = Math.floor(rest / STRIDE_BYTES);
  return STRIDE_BYTES + strides * SAMPLE_BYTES + Math.min(SAMPLE_BYTES, rest - strides * STRIDE_BYTES);
}

/** Goes on with a hash over those of the bytes from `from` to `to` that are sampled; the first has index `index`. */
export function hashSamples(
  hash: number,
  index: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  let value = hash;
  for (let at = from; at < to; ) {
    const offset = index + at - from;
    const inStride = offset % STRIDE_BYTES;
    const isSampled = offset < STRIDE_BYTES || inStride < SAMPLE_BYTES;
    const runEnd = offset >= STRIDE_BYTES && isSampled ? SAMPLE_BYTES : STRIDE_BYTES;
    const next = Math.min(to, at + runEnd - inStride);
    if (isSampled) value = hashBytes(value, bytes, at, next);
    at = next;
  }
  return value;
}

const KEY_BYTES_RANGE = 0x10_0000;

/** How many bytes the elementary stream has in a PES packet with this key, zeros at its ends aside, modulo 2^20. */
export function bytesOfKey(key: number): number {
  return key % KEY_BYTES_RANGE;
}

/** What `push` found. */
export type PesStep =
  /** Nothing of a PES packet: no payload, a repeated packet, or the rest of one whose beginning was missed. */
  | 'nothing'
  /** A PES packet begins in this transport packet. */
  | 'begins'
  /** It goes on. */
  | 'goes_on';

const FIXED_HEADER_BYTES = 9;
const PLAIN_HEADER_BYTES = 6;

/**
 * Follows the PES packets of one PID (ISO/IEC 13818-1 2.4.3.6): the timestamps of the one that is open, how many
 * bytes of its elementary stream have come, and their hash. Headers are not part of these bytes, so that a
 * multiplexer that writes others makes no difference. Keeps no bytes.
 */
export class PesTrack {
  /** A PES packet has begun and more of it may come. */
  isOpen = false;
  /** The PES packet has said how long it is, and all of that has come. */
  isWhole = false;
  /** Its beginning is no PES header: it can't be compared with anything. */
  isStrange = false;
  pts: number | undefined;
  /** The decoding timestamp, which is the PTS where only that is given. */
  dts: number | undefined;
  /** The last DTS there was, and how many PES packets without one have begun since. */
  lastDts: number | undefined;
  unitsSinceDts = 0;
  esBytes = 0;
  hash = 0;
  /** How many of them are zeros at the beginning. They do not change the hash. */
  leadingZeros = 0;
  randomAccess = false;
  /** Of the packet pushed last: the offset at which its elementary stream bytes begin. */
  esFrom = 0;

  #headerSeen = 0;
  #headerBytes = FIXED_HEADER_BYTES;
  #declaredBytes = 0;
  #streamId = 0;
  #lastCounter = -1;
  #trailingZeros = 0;

  /** Whether the PES header has come to its end. */
  get isHeaderDone(): boolean {
    return this.#headerSeen >= this.#headerBytes;
  }

  /** Bytes of the elementary stream from the first one on that is not zero. */
  get significantBytes(): number {
    return this.esBytes - this.leadingZeros;
  }

  /**
   * Identifies the elementary stream bytes of the open PES packet: 32 bits of hash, 20 of their number. Zeros at
   * either end do not count: multiplexers differ in which of two access units has the zero byte between them
   * (Rec. ITU-T H.265 B.2.1: zero_byte, trailing_zero_8bits).
   */
  get key(): number {
    const size = this.significantBytes - Math.min(this.#trailingZeros, this.significantBytes);
    const zeros = sampledBytes(this.significantBytes) - sampledBytes(size);
    return (withoutZeros(this.hash, zeros) >>> 0) * KEY_BYTES_RANGE + (size % KEY_BYTES_RANGE);
  }

  /** Looks at the packet of this PID that begins at `at`. */
  push(buffer: Uint8Array, at: number): PesStep {
    const end = at + PACKET_BYTES;
    this.esFrom = end;
    if (!hasPayload(buffer, at)) return 'nothing';
    const counter = continuityCounter(buffer, at);
    const isRepeated = counter === this.#lastCounter && !discontinuityIndicator(buffer, at);
    this.#lastCounter = counter;
    if (isRepeated) return 'nothing';
    const begins = startsUnit(buffer, at);
    if (begins) this.#begin(buffer, at);
    else if (!this.isOpen) return 'nothing';
    let from = payloadAt(buffer, at);
    while (from < end && this.#headerSeen < this.#headerBytes) this.#headerByte(buffer[from++]!);
    this.esFrom = from;
    if (this.#declaredBytes > 0) {
      const leftBytes = Math.max(0, this.#declaredBytes - this.#headerBytes - this.esBytes);
      this.#take(buffer, from, Math.min(end, from + leftBytes));
      if (this.isHeaderDone && this.esBytes >= this.#declaredBytes - this.#headerBytes) {
        this.isWhole = true;
        this.isOpen = false;
      }
    } else {
      this.#take(buffer, from, end);
    }
    return begins ? 'begins' : 'goes_on';
  }

  /** What is open is not followed any longer: what comes is nothing until the next PES packet begins. */
  abandon(): void {
    this.isOpen = false;
    this.#lastCounter = -1;
  }

  #take(buffer: Uint8Array, from: number, to: number): void {
    if (to <= from) return;
    let zeros = 0;
    while (zeros < to - from && buffer[to - 1 - zeros] === 0) zeros++;
    this.#trailingZeros = zeros === to - from ? this.#trailingZeros + zeros : zeros;
    let first = from;
    const index = this.significantBytes;
    if (this.leadingZeros === this.esBytes) {
      while (first < to && buffer[first] === 0) first++;
      this.leadingZeros += first - from;
    }
    this.hash = hashSamples(this.hash, index, buffer, first, to);
    this.esBytes += to - from;
  }

  #begin(buffer: Uint8Array, at: number): void {
    const times = readPesTimestamps(buffer, at);
    this.pts = times?.pts;
    this.dts = times?.dts ?? times?.pts;
    if (this.dts === undefined) {
      this.unitsSinceDts++;
    } else {
      this.lastDts = this.dts;
      this.unitsSinceDts = 0;
    }
    this.isOpen = true;
    this.isWhole = false;
    this.isStrange = false;
    this.esBytes = 0;
    this.hash = 0;
    this.leadingZeros = 0;
    this.#trailingZeros = 0;
    this.randomAccess = randomAccessIndicator(buffer, at);
    this.#headerSeen = 0;
    this.#headerBytes = FIXED_HEADER_BYTES;
    this.#declaredBytes = 0;
  }

  #headerByte(byte: number): void {
    const index = this.#headerSeen++;
    if (index < 3) {
      if (byte !== (index === 2 ? 1 : 0)) this.isStrange = true;
    } else if (index === 3) {
      this.#streamId = byte;
      if (isPlainPesStream(byte)) this.#headerBytes = PLAIN_HEADER_BYTES;
    } else if (index === 4) {
      this.#declaredBytes = byte << 8;
    } else if (index === 5) {
      this.#declaredBytes |= byte;
      if (this.#declaredBytes > 0) this.#declaredBytes += PLAIN_HEADER_BYTES;
    } else if (index === 8 && !isPlainPesStream(this.#streamId)) {
      this.#headerBytes = FIXED_HEADER_BYTES + byte;
    }
  }
}
