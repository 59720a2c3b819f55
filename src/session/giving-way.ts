import { BLOCK_MEMORY_BYTES } from './ring.ts';

/** What every session may hold, whatever the others need: enough to go on at the live edge. */
export const FLOOR_BYTES = 8 * BLOCK_MEMORY_BYTES;

/** One session's buffers, as the decision sees them. */
export interface BufferHolder {
  readonly heldBytes: number;
  /** What two GOPs take, at least `FLOOR_BYTES`: with that, every viewer finds a place to go on. */
  readonly neededBytes: number;
  /** Since when nobody watches it, on the clock; undefined while somebody does. */
  readonly lingeringSinceMs: number | undefined;
}

/** Who lets go of memory: the session ends, or its ring lets go of its oldest block. */
export type Giver<T> = { readonly kind: 'end' | 'shed'; readonly holder: T };

/**
 * Who gives way when `claimant`, one of `holders`, wants another block and there is no memory left (DESIGN 2.1,
 * BUFFER_MEMORY_MAX): the session that has lingered longest ends; without any, the ring that holds most beyond two GOPs
 * lets go of its oldest block, which may be the claimant's own. If no ring holds more than two GOPs the claimant has
 * to do with what it has, unless that is less than the floor: then the ring that holds most beyond the floor gives.
 * Who lingers takes nothing from others. Pure.
 */
export function whoGivesWay<T extends BufferHolder>(claimant: T, holders: readonly T[]): Giver<T> {
  if (claimant.lingeringSinceMs !== undefined) return { kind: 'shed', holder: claimant };
  const lingering = longestLingering(holders);
  if (lingering) return { kind: 'end', holder: lingering };
  const [richest, excessBytes] = mostBeyond(claimant, holders, ({ neededBytes }) => neededBytes);
  if (excessBytes >= BLOCK_MEMORY_BYTES) return { kind: 'shed', holder: richest };
  if (claimant.heldBytes >= FLOOR_BYTES) return { kind: 'shed', holder: claimant };
  const [largest, beyondBytes] = mostBeyond(claimant, holders, () => FLOOR_BYTES);
  return { kind: 'shed', holder: beyondBytes > 0 ? largest : claimant };
}

/**
 * Whether another session has room once all rings have shrunk to two GOPs. It is taken to need what the others need on
 * average. `reserveBytes`: what is to stay free beside that. Pure.
 */
export function hasRoomForStart(
  holders: readonly BufferHolder[],
  bytesMax: number,
  reserveBytes: number,
): boolean {
  let neededBytes = 0;
  for (const holder of holders) neededBytes += holder.neededBytes;
  const averageBytes = holders.length > 0 ? neededBytes / holders.length : 0;
  return neededBytes + Math.max(FLOOR_BYTES, averageBytes) + reserveBytes <= bytesMax;
}

/** The one that nobody has watched for longest. */
export function longestLingering<T extends BufferHolder>(holders: readonly T[]): T | undefined {
  let longest: T | undefined;
  for (const holder of holders) {
    if (holder.lingeringSinceMs === undefined) continue;
    if (holder.lingeringSinceMs < (longest?.lingeringSinceMs ?? Number.POSITIVE_INFINITY)) longest = holder;
  }
  return longest;
}

/** Who holds most beyond a measure, and how much that is; of equals the claimant. */
function mostBeyond<T extends BufferHolder>(
  claimant: T,
  holders: readonly T[],
  measure: (holder: T) => number,
): [T, number] {
  let most = claimant;
  let mostBytes = claimant.heldBytes - measure(claimant);
  for (const holder of holders) {
    const bytes = holder.heldBytes - measure(holder);
    if (bytes > mostBytes) [most, mostBytes] = [holder, bytes];
  }
  return [most, mostBytes];
}
