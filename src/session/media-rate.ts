import type { AccessPoint } from '../mpegts/scanner.ts';

/** Less media than this tells nothing of a rate. */
const MEASURED_MS_MIN = 1_000;

/**
 * How many bytes a second of a stream has, as far as its ring reaches; by the media's own clock, since an engine begins with a
 * burst. Undefined: there is too little yet.
 */
export function mediaRateOf(
  points: readonly Pick<AccessPoint, 'position' | 'mediaMs'>[],
): number | undefined {
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last || last.mediaMs - first.mediaMs < MEASURED_MS_MIN) return undefined;
  return ((last.position - first.position) * 1000) / (last.mediaMs - first.mediaMs);
}
