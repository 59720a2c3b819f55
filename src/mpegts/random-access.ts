import { isPlainPesStream } from './clocks.ts';
import type { CodecKind } from './codecs.ts';

/** What makes an access unit a place to begin decoding at (DESIGN 2.2). */
export type RandomAccessKind =
  | 'idr' // H.264 IDR picture
  | 'recovery_point' // H.264 recovery point SEI: open GOP, intra refresh
  | 'i_slice' // H.264 picture that begins with an I slice, with its SPS
  | 'irap' // HEVC IDR, CRA or BLA picture
  | 'mpeg2_i' // MPEG-1/2 sequence header and I picture
  | 'audio' // any PES, where there is no video
  | 'indicator'; // the multiplexer's random_access_indicator, for codecs we don't look into

/** `pending`: the bytes so far don't tell yet. */
export type AccessUnitVerdict = 'pending' | 'no' | RandomAccessKind;

/** An access unit that has not told by then is none to begin at. */
const LOOK_BYTES_MAX = 64 * 1024;
/** Enough of a slice header for two Exp-Golomb codes of the lengths that occur: 4 bytes each. */
const SLICE_HEADER_BYTES = 8;

const PES_FIXED_HEADER_BYTES = 9;
const SEI_RECOVERY_POINT = 6;

/**
 * Tells whether the first access unit of a PES packet is a place to begin, from the PES bytes as they come.
 * It works byte by byte and keeps no bytes, so it makes no difference how they are cut, and each is looked at
 * once; most access units are decided within their first packet.
 */
export class AccessUnitProbe {
  #verdict: AccessUnitVerdict = 'no';
  #codec: CodecKind = 'other';
  #seenBytes = 0;
  #headerBytesLeft = 0;

  // Byte stream: start codes and emulation prevention
  #zeros = 0;
  /** Bytes of the present NAL unit (or MPEG-2 start code unit) so far, emulation prevention left out; -1: none. */
  #unitBytes = -1;
  #unitType = -1;
  /** HEVC: the high bit of nuh_layer_id. */
  #layerIdHigh = 0;

  // What the access unit has shown
  #hasParameters = false;
  #hasRecoveryPoint = false;

  // SEI messages
  #seiPart: 'type' | 'size' | 'body' = 'type';
  #seiType = 0;
  #seiBytes = 0;

  readonly #slice = new Uint8Array(SLICE_HEADER_BYTES);

  get verdict(): AccessUnitVerdict {
    return this.#verdict;
  }

  /**
   * Begins with another PES packet.
   * @param randomAccessIndicator of the transport packet in which it begins; decides for other codecs
   */
  begin(codec: CodecKind, randomAccessIndicator: boolean): AccessUnitVerdict {
    this.#codec = codec;
    this.#seenBytes = 0;
    this.#headerBytesLeft = 0;
    this.#zeros = 0;
    this.#unitBytes = -1;
    this.#hasParameters = false;
    this.#hasRecoveryPoint = false;
    this.#verdict = codec === 'audio' ? 'audio' : codec === 'other' ? 'no' : 'pending';
    if (codec === 'video') this.#verdict = randomAccessIndicator ? 'indicator' : 'no';
    return this.#verdict;
  }

  /** Takes the next bytes of the PES packet, its header included. */
  push(bytes: Uint8Array, from: number, to: number): AccessUnitVerdict {
    for (let at = from; at < to && this.#verdict === 'pending'; at++) {
      if (this.#seenBytes >= LOOK_BYTES_MAX) return this.end();
      const byte = bytes[at]!;
      const index = this.#seenBytes++;
      if (index < PES_FIXED_HEADER_BYTES) this.#pesHeader(index, byte);
      else if (this.#headerBytesLeft > 0) this.#headerBytesLeft--;
      else this.#streamByte(byte);
    }
    return this.#verdict;
  }

  /** Tells that no more bytes will come; returns a verdict that is not `pending`. */
  end(): AccessUnitVerdict {
    if (this.#verdict === 'pending') this.#verdict = this.#hasRecoveryPoint ? 'recovery_point' : 'no';
    return this.#verdict;
  }

  /** The nine fixed bytes of a PES header (ISO/IEC 13818-1 2.4.3.6): start code, no scrambling, header length. */
  #pesHeader(index: number, byte: number): void {
    let right = true;
    if (index < 2) right = byte === 0;
    else if (index === 2) right = byte === 1;
    else if (index === 3) right = !isPlainPesStream(byte);
    else if (index === 6) right = (byte & 0xf0) === 0x80;
    else if (index === 8) this.#headerBytesLeft = byte;
    if (!right) this.#verdict = 'no';
  }

  #streamByte(byte: number): void {
    if (byte <= 3 && this.#zeros >= 2) {
      if (byte === 1) {
        this.#zeros = 0;
        this.#unitBytes = 0;
        return;
      }
      if (byte === 3 && this.#codec !== 'mpeg2') {
        this.#zeros = 0; // emulation_prevention_three_byte: not part of the unit
        return;
      }
    }
    this.#zeros = byte === 0 ? this.#zeros + 1 : 0;
    if (this.#unitBytes < 0) return;
    const index = this.#unitBytes++;
    if (this.#codec === 'h264') this.#h264Byte(index, byte);
    else if (this.#codec === 'hevc') this.#hevcByte(index, byte);
    else this.#mpeg2Byte(index, byte);
  }

  /** Rec. ITU-T H.264 7.3.1, 7.4.1. The first slice decides, of whatever type. */
  #h264Byte(index: number, byte: number): void {
    if (index === 0) {
      this.#unitType = (byte & 0x80) === 0 ? byte & 0x1f : 0;
      this.#seiPart = 'type';
      this.#seiType = 0;
      if (this.#unitType === 5) this.#verdict = 'idr';
      else if (this.#unitType === 7) this.#hasParameters = true;
      else if (this.#unitType === 1 || this.#unitType === 2) {
        if (this.#hasRecoveryPoint) this.#verdict = 'recovery_point';
        else if (!this.#hasParameters) this.#verdict = 'no';
      }
      return;
    }
    if (this.#unitType === 6) this.#seiByte(byte);
    else if (this.#unitType === 1 || this.#unitType === 2) this.#sliceByte(index - 1, byte);
  }

  /** Walks the messages of an SEI unit (H.264 7.3.2.3.1): type and size are sums of bytes while these are 255. */
  #seiByte(byte: number): void {
    if (this.#seiPart === 'body') {
      if (--this.#seiBytes === 0) this.#seiPart = 'type';
    } else if (this.#seiPart === 'type') {
      this.#seiType += byte;
      if (byte === 0xff) return;
      this.#seiPart = 'size';
      this.#seiBytes = 0;
    } else {
      this.#seiBytes += byte;
      if (byte === 0xff) return;
      if (this.#seiType === SEI_RECOVERY_POINT && this.#seiBytes > 0) this.#hasRecoveryPoint = true;
      this.#seiType = 0;
      this.#seiPart = this.#seiBytes > 0 ? 'body' : 'type';
    }
  }

  /** Reads first_mb_in_slice and slice_type (H.264 7.3.3); types 2 and 7 are I slices. */
  #sliceByte(index: number, byte: number): void {
    this.#slice[index] = byte;
    const bits = new ExpGolombReader(this.#slice, index + 1);
    const sliceType = bits.next() === undefined ? undefined : bits.next();
    if (sliceType !== undefined) this.#verdict = sliceType === 2 || sliceType === 7 ? 'i_slice' : 'no';
    else if (index === SLICE_HEADER_BYTES - 1) this.#verdict = 'no';
  }

  /** Rec. ITU-T H.265 7.3.1.2: types 0 to 31 are slices, 16 to 23 those of pictures to begin at. */
  #hevcByte(index: number, byte: number): void {
    if (index === 0) {
      this.#unitType = (byte & 0x80) === 0 ? byte >> 1 : 0xff;
      this.#layerIdHigh = byte & 0x01;
    } else if (index === 1 && this.#unitType < 32) {
      const isBaseLayer = this.#layerIdHigh === 0 && byte >> 3 === 0;
      if (isBaseLayer) this.#verdict = this.#unitType >= 16 && this.#unitType <= 23 ? 'irap' : 'no';
    }
  }

  /** ISO/IEC 13818-2 6.2.2.1, 6.2.3: sequence header, then a picture whose picture_coding_type is I (1). */
  #mpeg2Byte(index: number, byte: number): void {
    if (index === 0) {
      this.#unitType = byte;
      if (byte === 0xb3) this.#hasParameters = true;
      else if (byte === 0x00 && !this.#hasParameters) this.#verdict = 'no';
    } else if (index === 2 && this.#unitType === 0x00) {
      this.#verdict = ((byte >> 3) & 0x07) === 1 ? 'mpeg2_i' : 'no';
    }
  }
}

/** ue(v) codes (H.264 9.1) from the first `sizeBytes` of some bytes. */
class ExpGolombReader {
  readonly #bytes: Uint8Array;
  readonly #endBit: number;
  #bit = 0;

  constructor(bytes: Uint8Array, sizeBytes: number) {
    this.#bytes = bytes;
    this.#endBit = sizeBytes * 8;
  }

  /** The next code; undefined when the bytes end within it. */
  next(): number | undefined {
    let zeros = 0;
    for (;;) {
      if (this.#bit === this.#endBit) return undefined;
      if (this.#read() === 1) break;
      zeros++;
    }
    if (this.#bit + zeros > this.#endBit) return undefined;
    let value = 1;
    for (let count = 0; count < zeros; count++) value = value * 2 + this.#read();
    return value - 1;
  }

  #read(): number {
    const bit = (this.#bytes[this.#bit >> 3]! >> (7 - (this.#bit & 7))) & 1;
    this.#bit++;
    return bit;
  }
}
