import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EvidenceCase, EvidenceRing } from './evidence-ring.ts';

const made = (eventId: number, headerBytes = 0): EvidenceCase => ({
  eventId,
  type: 'stream.spliced',
  atMs: eventId,
  stream: 'a'.repeat(40),
  engine: 'e1',
  client: undefined,
  decision: {},
  stat: undefined,
  attempts: [],
  media: { position: 0, headers: Buffer.alloc(headerBytes / 2), units: [] },
  unused: undefined,
  joined: { position: 0, headers: Buffer.alloc(headerBytes / 2), units: [] },
});
const idsOf = (ring: EvidenceRing): number[] => ring.list().map(({ eventId }) => eventId);

test('the newest cases are kept, so many of them', () => {
  const ring = new EvidenceRing({ countMax: 2, bytesMax: 1_000_000 });
  for (let id = 1; id <= 5; id++) ring.add(made(id));
  assert.deepEqual(idsOf(ring), [4, 5]);
});

test('they take so much memory at most; one alone is always kept', () => {
  const ring = new EvidenceRing({ countMax: 100, bytesMax: 50_000 });
  for (let id = 1; id <= 20; id++) ring.add(made(id, 10_000));
  assert.deepEqual(idsOf(ring), [18, 19, 20]);
  assert.ok(ring.bytes <= 50_000);
  ring.add(made(21, 1_000_000));
  assert.deepEqual(idsOf(ring), [21]);
});

test('what was added unread is read one after the other, or when somebody looks, and what too many follow never', () => {
  const ring = new EvidenceRing({ countMax: 2, bytesMax: 1_000_000 });
  const read: number[] = [];
  for (let id = 1; id <= 4; id++) {
    ring.addUnread(() => {
      read.push(id);
      return made(id);
    });
  }
  assert.deepEqual(read, []);
  assert.equal(ring.readNext(), true);
  assert.deepEqual(read, [3]);
  assert.deepEqual(idsOf(ring), [3, 4]);
  assert.deepEqual(read, [3, 4]);
  assert.equal(ring.readNext(), false);
});
