/** Viewers from which batches are larger and later: fewer, bigger writes are what many viewers can afford. */
const MANY_VIEWERS = 100;
const VERY_MANY_VIEWERS = 300;
/** Viewers that share one phase, at most, before another one is opened. */
const VIEWERS_PER_PHASE = 32;
const PHASES_MAX = 16;

/** When a batch leaves: at so many bytes, or when its oldest byte is so old (DESIGN 2.1, COPY_CHUNK_SIZE). */
export interface BatchRule {
  readonly bytes: number;
  readonly ageMs: number;
}

/** The rule for so many viewers of this process; `chunkBytes` is COPY_CHUNK_SIZE. */
export function batchRule(viewers: number, chunkBytes: number): BatchRule {
  if (viewers < MANY_VIEWERS) return { bytes: chunkBytes, ageMs: 40 };
  if (viewers < VERY_MANY_VIEWERS) return { bytes: Math.max(chunkBytes, 128 * 1024), ageMs: 150 };
  return { bytes: Math.max(chunkBytes, 256 * 1024), ageMs: 300 };
}

/** Into how many phases so many viewers of one stream are spread. */
export function phaseCount(viewers: number): number {
  return Math.min(PHASES_MAX, Math.max(1, Math.ceil(viewers / VIEWERS_PER_PHASE)));
}

/**
 * The number of the batch that `head` belongs to, for one of several phases: each phase's borders lie elsewhere
 * between two batches, so that not all viewers are due at the same byte.
 */
export function batchNumber(head: number, bytes: number, phase: number, phases: number): number {
  return Math.floor((head + Math.floor((phase * bytes) / phases)) / bytes);
}
