/** The codec name of an audio stream by its first frame. Total. */
import { forEachDescriptor } from './psi.ts';

const ADTS = 0x0f;
const MPEG_AUDIO: ReadonlySet<number> = new Set([0x03, 0x04]);
/** AC-3 and E-AC-3 by stream_type (ATSC A/53, Blu-ray), or as private data. */
const DOLBY: ReadonlySet<number> = new Set([0x81, 0x84, 0x87, 0x06]);
const REGISTRATION_TAG = 0x05;

/**
 * The name of RFC 6381 for an audio stream; undefined if it has none, or the bytes do not tell.
 * @param bytes the beginning of a PES packet's payload
 */
export function readAudioCodec(
  streamType: number,
  descriptors: Buffer,
  bytes: Uint8Array,
): string | undefined {
  if (streamType === ADTS) return adtsCodec(bytes);
  if (MPEG_AUDIO.has(streamType)) return mpegAudioCodec(bytes);
  if (DOLBY.has(streamType)) return dolbyCodec(bytes) ?? registeredCodec(descriptors);
  return undefined;
}

/** ISO/IEC 13818-7 6.2: the object type is the profile and one. */
function adtsCodec(bytes: Uint8Array): string | undefined {
  for (let at = 0; at + 3 <= bytes.length; at++) {
    if (bytes[at] === 0xff && (bytes[at + 1]! & 0xf6) === 0xf0) return `mp4a.40.${(bytes[at + 2]! >> 6) + 1}`;
  }
  return undefined;
}

/** ISO/IEC 11172-3 2.4.2.3; object types 32 to 34 of ISO/IEC 14496-3 are layers 1 to 3. */
function mpegAudioCodec(bytes: Uint8Array): string | undefined {
  for (let at = 0; at + 2 <= bytes.length; at++) {
    const layer = (bytes[at + 1]! >> 1) & 0x03;
    if (bytes[at] === 0xff && (bytes[at + 1]! & 0xe0) === 0xe0 && layer !== 0) return `mp4a.40.${35 - layer}`;
  }
  return undefined;
}

/** ETSI TS 102 366: syncinfo, and bsid, which is above 10 in E-AC-3. */
function dolbyCodec(bytes: Uint8Array): string | undefined {
  for (let at = 0; at + 6 <= bytes.length; at++) {
    if (bytes[at] === 0x0b && bytes[at + 1] === 0x77) return bytes[at + 5]! >> 3 > 10 ? 'ec-3' : 'ac-3';
  }
  return undefined;
}

function registeredCodec(descriptors: Buffer): string | undefined {
  let codec: string | undefined;
  forEachDescriptor(descriptors, (tag, body) => {
    if (tag === REGISTRATION_TAG && body.toString('latin1', 0, 4) === 'Opus') codec = 'Opus';
  });
  return codec;
}
