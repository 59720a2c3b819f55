/** What a file is, by its name or by its first bytes: the word that players choose their demultiplexer by. */

/** So many first bytes are looked at. */
export const SNIFFED_BYTES = 1_024;

const BY_EXTENSION: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mov: 'video/quicktime',
  '3gp': 'video/3gpp',
  mkv: 'video/x-matroska',
  webm: 'video/webm',
  ts: 'video/mp2t',
  mts: 'video/mp2t',
  m2ts: 'video/mp2t',
  avi: 'video/x-msvideo',
  mpg: 'video/mpeg',
  mpeg: 'video/mpeg',
  vob: 'video/mpeg',
  flv: 'video/x-flv',
  wmv: 'video/x-ms-wmv',
  asf: 'video/x-ms-asf',
  ogv: 'video/ogg',
  ogg: 'audio/ogg',
  oga: 'audio/ogg',
  opus: 'audio/ogg',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  aac: 'audio/aac',
  ac3: 'audio/ac3',
  flac: 'audio/flac',
  wav: 'audio/wav',
  mka: 'audio/x-matroska',
  srt: 'application/x-subrip',
  vtt: 'text/vtt',
};

/** By the end of a name; undefined: it tells nothing. */
export function typeOfName(name: string): string | undefined {
  const extension = /\.([a-z0-9]{1,5})$/i.exec(name.trim())?.[1]?.toLowerCase();
  return extension !== undefined && Object.hasOwn(BY_EXTENSION, extension)
    ? BY_EXTENSION[extension]
    : undefined;
}

/** By a file's first bytes; undefined: they are of no container that is known here. */
export function typeOfBytes(bytes: Buffer): string | undefined {
  const text = bytes.subarray(0, SNIFFED_BYTES).toString('latin1');
  const brand = text.slice(8, 12);
  switch (text.slice(4, 8)) {
    case 'ftyp':
      if (brand === 'qt  ') return 'video/quicktime';
      if (brand.startsWith('M4A') || brand.startsWith('M4B')) return 'audio/mp4';
      return brand.startsWith('3g') ? 'video/3gpp' : 'video/mp4';
    case 'moov':
    case 'mdat':
      return 'video/mp4';
  }
  if (text.startsWith('\x1aE\xdf\xa3')) return text.includes('webm') ? 'video/webm' : 'video/x-matroska';
  if (text.startsWith('RIFF')) {
    return brand === 'AVI ' ? 'video/x-msvideo' : brand === 'WAVE' ? 'audio/wav' : undefined;
  }
  if (isTransportStream(bytes, 0, 188) || isTransportStream(bytes, 4, 192)) return 'video/mp2t';
  if (text.startsWith('\0\0\x01\xba')) return 'video/mpeg';
  if (text.startsWith('OggS')) return text.includes('theora') ? 'video/ogg' : 'audio/ogg';
  if (text.startsWith('fLaC')) return 'audio/flac';
  if (text.startsWith('FLV\x01')) return 'video/x-flv';
  if (text.startsWith('\x30\x26\xb2\x75\x8e\x66\xcf\x11')) return 'video/x-ms-asf';
  if (text.startsWith('ID3')) return 'audio/mpeg';
  return typeOfAudioFrame(bytes);
}

/** Sync bytes at the distance of packets; of 192 bytes where each has a time before it (M2TS). */
function isTransportStream(bytes: Buffer, from: number, distance: number): boolean {
  if (bytes.length < from + 2 * distance + 1) return false;
  return [0, 1, 2].every((packet) => bytes[from + packet * distance] === 0x47);
}

/** Eleven set bits begin a frame of MPEG audio, twelve with layer 0 one of AAC in ADTS. */
function typeOfAudioFrame(bytes: Buffer): string | undefined {
  const [first = 0, second = 0, third = 0] = bytes;
  if (first !== 0xff || (second & 0xe0) !== 0xe0) return undefined;
  const layer = (second >> 1) & 3;
  if (layer === 0) return (second & 0xf0) === 0xf0 ? 'audio/aac' : undefined;
  return (second & 0x18) !== 0x08 && (third & 0xf0) !== 0xf0 ? 'audio/mpeg' : undefined;
}
