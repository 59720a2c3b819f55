import { Feed } from '../../src/session/feed.ts';
import { Ingest } from '../../src/session/ingest.ts';
import type { Ring } from '../../src/session/ring.ts';

/** The way of a first source's bytes into an empty ring. */
export function firstFeed(ring: Ring): Feed {
  return new Feed({ ingest: new Ingest(ring), isFirst: true, spliceWaitMs: 10_000, nowMs: 0 });
}
