/** What people call the codecs that RFC 6381 names. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^avc[13]/, 'H.264'],
  [/^(?:hvc1|hev1)/, 'HEVC'],
  [/^mp4v\.6[0-5]$/i, 'MPEG-2'],
  [/^mp4v\.6A$/i, 'MPEG-1'],
  [/^mp4a\.40\.34$|^mp4a\.6[9B]$/i, 'MP3'],
  [/^mp4a\.(?:40|6[678])/, 'AAC'],
  [/^ac-3/, 'AC-3'],
  [/^ec-3/, 'E-AC-3'],
];

export interface PictureSize {
  readonly width: number | null;
  readonly height: number | null;
}

/** `H.264, AAC`; a name that nobody knows as it is. */
export function codecNames(codecs: readonly string[]): string {
  const names = codecs.map((codec) => NAMES.find(([pattern]) => pattern.test(codec))?.[1] ?? codec);
  return [...new Set(names)].join(', ');
}

/** `1920 × 1080`; empty where there is no picture. */
export function formatSize({ width, height }: PictureSize): string {
  return width === null || height === null ? '' : `${width} × ${height}`;
}

/** As it is spoken of: `1080p`. */
export function shortSize({ height }: PictureSize): string {
  return height === null ? '' : `${height}p`;
}
