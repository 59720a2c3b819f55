import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AcemuxEvent } from './event.ts';
import { EventRing, sizeOf } from './event-ring.ts';

const eventOf = (id: number, textLength: number): AcemuxEvent => ({
  id,
  type: 'client.left',
  wallMs: 0,
  session: 's',
  details: { reason: 'x'.repeat(textLength) },
});

test('holds the newest events, as many as both bounds allow, and finds each by its id', () => {
  const size = fc.integer({ min: 0, max: 2_000 });
  fc.assert(
    fc.property(
      fc.array(size, { maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 1, max: 1e15 }),
      (lengths, countMax, bytesMax, firstId) => {
        const ring = new EventRing({ countMax, bytesMax }, firstId);
        const pushed: AcemuxEvent[] = [];
        for (const length of lengths) {
          const event = eventOf(ring.nextId, length);
          ring.push(event);
          pushed.push(event);
          // What a plain list would hold.
          let held = pushed.slice(-countMax);
          const bytes = (): number => held.reduce((sum, each) => sum + sizeOf(each), 0);
          while (bytes() > bytesMax && held.length > 1) held = held.slice(1);
          assert.equal(ring.count, held.length);
          assert.equal(ring.bytes, bytes());
          assert.equal(ring.oldestId, held[0]?.id);
          for (const each of pushed) {
            assert.equal(ring.get(each.id), held.includes(each) ? each : undefined);
          }
        }
        assert.equal(ring.get(ring.nextId), undefined);
      },
    ),
  );
});

test('lets go of what is older than a time, but never of the newest', () => {
  const ring = new EventRing({ countMax: 10, bytesMax: 1_000_000 }, 1);
  for (let id = 1; id <= 5; id++) ring.push({ ...eventOf(id, 1), wallMs: id * 1_000 });
  assert.equal(ring.dropBefore(3_000), 2);
  assert.equal(ring.oldestId, 3);
  assert.equal(ring.dropBefore(99_000), 2);
  assert.equal(ring.get(5)?.id, 5);
  assert.equal(ring.dropBefore(99_000), 0);
});
