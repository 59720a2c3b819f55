import { forEachDescriptor } from './psi.ts';

/**
 * What kind of elementary stream it is, as far as finding a place to begin needs to know: three video codecs
 * that we look into, other video, audio, and everything else (subtitles, data).
 */
export type CodecKind = 'h264' | 'hevc' | 'mpeg2' | 'video' | 'audio' | 'other';

/** stream_type values of ISO/IEC 13818-1 table 2-34, ATSC A/53 and what encoders use in practice. */
const BY_STREAM_TYPE: ReadonlyMap<number, CodecKind> = new Map<number, CodecKind>([
  [0x01, 'mpeg2'], // MPEG-1 video: the same start codes
  [0x02, 'mpeg2'],
  [0x03, 'audio'], // MPEG-1 audio
  [0x04, 'audio'], // MPEG-2 audio
  [0x0f, 'audio'], // AAC in ADTS
  [0x10, 'video'], // MPEG-4 part 2
  [0x11, 'audio'], // AAC in LATM
  [0x1b, 'h264'],
  [0x1c, 'audio'], // raw MPEG-4 audio
  [0x21, 'video'], // JPEG 2000
  [0x24, 'hevc'],
  [0x2d, 'audio'], // MPEG-H 3D audio, main stream
  [0x33, 'video'], // VVC
  [0x42, 'video'], // AVS
  [0x81, 'audio'], // AC-3 (ATSC)
  [0x83, 'audio'], // TrueHD
  [0x84, 'audio'], // E-AC-3 (Blu-ray)
  [0x85, 'audio'], // DTS-HD
  [0x87, 'audio'], // E-AC-3 (ATSC)
  [0xd1, 'video'], // Dirac
  [0xd2, 'video'], // AVS2
  [0xd4, 'video'], // AVS3
  [0xea, 'video'], // VC-1
]);

const PRIVATE_PES = 0x06;

/** format_identifier of a registration descriptor (ISO/IEC 13818-1 2.6.8; SMPTE registration authority). */
const BY_REGISTRATION: ReadonlyMap<string, CodecKind> = new Map<string, CodecKind>([
  ['AC-3', 'audio'],
  ['EAC3', 'audio'],
  ['AC-4', 'audio'],
  ['DTS1', 'audio'],
  ['DTS2', 'audio'],
  ['DTS3', 'audio'],
  ['Opus', 'audio'],
  ['BSSD', 'audio'],
  ['HEVC', 'hevc'],
  ['AV01', 'video'],
  ['VC-1', 'video'],
  ['drac', 'video'],
]);

/** Descriptor tags of ETSI EN 300 468 that say which audio a private stream carries: AC-3, E-AC-3, DTS, AAC. */
const AUDIO_DESCRIPTOR_TAGS: ReadonlySet<number> = new Set([0x6a, 0x7a, 0x7b, 0x7c]);
const REGISTRATION_TAG = 0x05;
const EXTENSION_TAG = 0x7f;
/** Extension descriptors for DTS-HD, AC-4, DTS-UHD, and the one that muxers write for Opus. */
const AUDIO_EXTENSION_TAGS: ReadonlySet<number> = new Set([0x0e, 0x15, 0x21, 0x80]);

/** The kind of a stream by its stream_type and, for private PES streams (0x06), its descriptors in the PMT. */
export function codecKindOf(streamType: number, descriptors: Buffer): CodecKind {
  if (streamType !== PRIVATE_PES) return BY_STREAM_TYPE.get(streamType) ?? 'other';
  let kind: CodecKind = 'other';
  forEachDescriptor(descriptors, (tag, body) => {
    if (kind !== 'other') return;
    if (AUDIO_DESCRIPTOR_TAGS.has(tag)) kind = 'audio';
    else if (tag === EXTENSION_TAG && AUDIO_EXTENSION_TAGS.has(body[0] ?? -1)) kind = 'audio';
    else if (tag === REGISTRATION_TAG) kind = BY_REGISTRATION.get(body.toString('latin1', 0, 4)) ?? 'other';
  });
  return kind;
}

/** Whether a kind is video. */
export function isVideo(kind: CodecKind): boolean {
  return kind !== 'audio' && kind !== 'other';
}
