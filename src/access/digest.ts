import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * The SHA-256 of a secret: what is kept of it, and what it is compared by. The secrets here are long and random, so
 * that no slow hash is needed.
 */
export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Takes the same time wherever the two differ. */
export function isSameDigest(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
