/** What a video stream says of itself at its beginning: codec name (RFC 6381) and picture size. Total functions. */
import { BitReader } from './bit-reader.ts';
import type { CodecKind } from './codecs.ts';

export interface VideoFormat {
  /** As RFC 6381 has it; undefined: it has none, or can't be told. */
  readonly codec: string | undefined;
  readonly width: number | undefined;
  readonly height: number | undefined;
}

const H264_SPS = 7;
const HEVC_SPS = 33;
/** Profiles whose parameters say more of the sampling (H.264 7.3.2.1.1). */
const H264_HIGH_PROFILES: ReadonlySet<number> = new Set([
  100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135,
]);
/** No picture is larger; what says so is damaged. */
const SIZE_MAX = 16_384;

/**
 * Reads the parameters of a video stream.
 * @param bytes of the elementary stream, from the beginning of an access unit on; undefined if they are not among them
 */
export function readVideoFormat(kind: CodecKind, bytes: Uint8Array): VideoFormat | undefined {
  if (kind === 'mpeg2') return mpeg2Format(bytes);
  if (kind !== 'h264' && kind !== 'hevc') return undefined;
  for (const unit of nalUnits(bytes)) {
    const type = kind === 'h264' ? unit[0]! & 0x1f : (unit[0]! >> 1) & 0x3f;
    if (kind === 'h264' && type === H264_SPS) return h264Format(withoutEmulation(unit));
    if (kind === 'hevc' && type === HEVC_SPS) return hevcFormat(withoutEmulation(unit));
  }
  return undefined;
}

/** The units between start codes, without them; the last one may be cut. */
function* nalUnits(bytes: Uint8Array): Generator<Uint8Array> {
  let from = -1;
  for (let at = 0; at + 3 <= bytes.length; at++) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
    if (from >= 0 && at > from) yield bytes.subarray(from, at);
    from = at + 3;
    at += 2;
  }
  if (from >= 0 && from < bytes.length) yield bytes.subarray(from);
}

/** Takes the emulation prevention bytes out (H.264 7.4.1). */
function withoutEmulation(unit: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  let zeros = 0;
  for (const byte of unit) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

function size(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 && value <= SIZE_MAX ? value : undefined;
}

/** seq_parameter_set_data, Rec. ITU-T H.264 7.3.2.1.1. */
function h264Format(unit: Uint8Array): VideoFormat | undefined {
  if (unit.length < 4) return undefined;
  const profile = unit[1]!;
  const codec = `avc1.${[unit[1]!, unit[2]!, unit[3]!].map(hexByte).join('')}`;
  const reader = new BitReader(unit, 4);
  reader.ue(); // seq_parameter_set_id
  let chroma: number | undefined = 1;
  if (H264_HIGH_PROFILES.has(profile)) {
    chroma = reader.ue();
    if (chroma === 3) reader.skip(1); // separate_colour_plane_flag
    reader.ue(); // bit_depth_luma_minus8
    reader.ue(); // bit_depth_chroma_minus8
    reader.skip(1); // qpprime_y_zero_transform_bypass_flag
    if (reader.bits(1) === 1) skipScalingLists(reader, chroma === 3 ? 12 : 8);
  }
  reader.ue(); // log2_max_frame_num_minus4
  const orderType = reader.ue();
  if (orderType === 0) reader.ue();
  else if (orderType === 1) {
    reader.skip(1);
    reader.se();
    reader.se();
    const count = Math.min(255, reader.ue() ?? 0);
    for (let index = 0; index < count; index++) reader.se();
  }
  reader.ue(); // max_num_ref_frames
  reader.skip(1); // gaps_in_frame_num_value_allowed_flag
  const widthUnits = reader.ue();
  const heightUnits = reader.ue();
  const isFrames = reader.bits(1);
  if (isFrames === 0) reader.skip(1); // mb_adaptive_frame_field_flag
  reader.skip(1); // direct_8x8_inference_flag
  const [left, right, top, bottom] = croppingOf(reader);
  if (widthUnits === undefined || heightUnits === undefined || bottom === undefined) {
    return { codec, width: undefined, height: undefined };
  }
  const fields = isFrames === 0 ? 2 : 1;
  const cropX = chroma === 1 || chroma === 2 ? 2 : 1;
  const cropY = (chroma === 1 ? 2 : 1) * fields;
  return {
    codec,
    width: size((widthUnits + 1) * 16 - (left! + right!) * cropX),
    height: size((heightUnits + 1) * 16 * fields - (top! + bottom) * cropY),
  };
}

/** Flag and four offsets: left, right, top, bottom. */
function croppingOf(reader: BitReader): (number | undefined)[] {
  const flag = reader.bits(1);
  if (flag === 0) return [0, 0, 0, 0];
  if (flag === undefined) return [];
  return [reader.ue(), reader.ue(), reader.ue(), reader.ue()];
}

/** H.264 7.3.2.1.1.1. */
function skipScalingLists(reader: BitReader, count: number): void {
  for (let list = 0; list < count; list++) {
    if (reader.bits(1) !== 1) continue;
    let last = 8;
    let next = 8;
    for (let index = 0; index < (list < 6 ? 16 : 64); index++) {
      if (next !== 0) next = (last + (reader.se() ?? 0) + 256) & 255;
      last = next === 0 ? last : next;
    }
  }
}

/** seq_parameter_set_rbsp, Rec. ITU-T H.265 7.3.2.2; the name is that of ISO/IEC 14496-15 annex E. */
function hevcFormat(unit: Uint8Array): VideoFormat | undefined {
  const reader = new BitReader(unit, 2);
  reader.skip(4); // sps_video_parameter_set_id
  const subLayers = reader.bits(3);
  reader.skip(1); // sps_temporal_id_nesting_flag
  const space = reader.bits(2);
  const tier = reader.bits(1);
  const profile = reader.bits(5);
  const compatibility = reader.bits(32);
  const constraints = Array.from({ length: 6 }, () => reader.bits(8));
  const level = reader.bits(8);
  if (subLayers === undefined || space === undefined || compatibility === undefined || level === undefined) {
    return undefined;
  }
  while (constraints.at(-1) === 0) constraints.pop();
  const codec = [
    `hvc1.${['', 'A', 'B', 'C'][space]}${profile}`,
    reversedBits(compatibility).toString(16).toUpperCase(),
    `${tier === 1 ? 'H' : 'L'}${level}`,
    ...constraints.map((byte) => (byte ?? 0).toString(16).toUpperCase()),
  ].join('.');
  skipSubLayers(reader, subLayers);
  reader.ue(); // sps_seq_parameter_set_id
  const chroma = reader.ue();
  if (chroma === 3) reader.skip(1); // separate_colour_plane_flag
  const width = reader.ue();
  const height = reader.ue();
  const [left, right, top, bottom] = croppingOf(reader);
  if (width === undefined || height === undefined || bottom === undefined) {
    return { codec, width: undefined, height: undefined };
  }
  const cropX = chroma === 1 || chroma === 2 ? 2 : 1;
  const cropY = chroma === 1 ? 2 : 1;
  return {
    codec,
    width: size(width - (left! + right!) * cropX),
    height: size(height - (top! + bottom) * cropY),
  };
}

/** The part of profile_tier_level that speaks of sub-layers, H.265 7.3.3. */
function skipSubLayers(reader: BitReader, count: number): void {
  const present = Array.from({ length: count }, () => [reader.bits(1), reader.bits(1)]);
  if (count > 0) reader.skip((8 - count) * 2);
  for (const [profile, level] of present) reader.skip((profile === 1 ? 88 : 0) + (level === 1 ? 8 : 0));
}

function reversedBits(value: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) reversed = reversed * 2 + (Math.floor(value / 2 ** bit) % 2);
  return reversed;
}

/** Object types of ISO/IEC 14496-1 (mp4ra.org) by the profile of a sequence extension, ISO/IEC 13818-2 table 8-2. */
const MPEG2_OBJECT_TYPES: Readonly<Record<number, string>> = { 1: '64', 2: '63', 3: '62', 4: '61', 5: '60' };

/** sequence_header and sequence_extension, ISO/IEC 13818-2 6.2.2.1, 6.2.2.3. */
function mpeg2Format(bytes: Uint8Array): VideoFormat | undefined {
  let format: { width: number; height: number } | undefined;
  for (const unit of nalUnits(bytes)) {
    const [code, first, second, third] = unit;
    if (code === 0xb3 && unit.length >= 4) {
      format = { width: (first! << 4) | (second! >> 4), height: ((second! & 0x0f) << 8) | third! };
      continue;
    }
    if (!format) continue;
    const isExtension = code === 0xb5 && unit.length >= 4 && first! >> 4 === 1;
    // Without the extension in its place it is MPEG-1.
    if (!isExtension) return { codec: 'mp4v.6A', width: size(format.width), height: size(format.height) };
    const hasEscape = (first! & 0x08) !== 0;
    const profile = first! & 0x07;
    return {
      codec: `mp4v.${hasEscape ? '65' : (MPEG2_OBJECT_TYPES[profile] ?? '61')}`,
      width: size(format.width | (((second! & 0x01) << 13) | ((third! >> 7) << 12))),
      height: size(format.height | (((third! >> 5) & 0x03) << 12)),
    };
  }
  return undefined;
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
