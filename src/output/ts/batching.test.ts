import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchNumber, batchRule, phaseCount } from './batching.ts';

test('few viewers get small and early batches, from a hundred on larger and later ones, and again from three hundred on', () => {
  assert.deepEqual(batchRule(1, 65_536), { bytes: 65_536, ageMs: 40 });
  assert.deepEqual(batchRule(99, 65_536), { bytes: 65_536, ageMs: 40 });
  assert.deepEqual(batchRule(100, 65_536), { bytes: 131_072, ageMs: 150 });
  assert.deepEqual(batchRule(299, 65_536), { bytes: 131_072, ageMs: 150 });
  assert.deepEqual(batchRule(300, 65_536), { bytes: 262_144, ageMs: 300 });
});

test('a chunk size above that of many viewers stays in force', () => {
  assert.equal(batchRule(500, 524_288).bytes, 524_288);
});

test('viewers are spread over more phases as they become more, up to a bound', () => {
  assert.equal(phaseCount(1), 1);
  assert.equal(phaseCount(33), 2);
  assert.equal(phaseCount(100_000), 16);
});

test('each phase has its own borders, so that their batches are due at different bytes', () => {
  const bytes = 131_072;
  const borders = Array.from({ length: 8 }, (_, phase) => {
    for (let head = bytes; ; head += 1024) {
      if (batchNumber(head, bytes, phase, 8) !== batchNumber(head - 1024, bytes, phase, 8))
        return head % bytes;
    }
  });
  assert.equal(new Set(borders).size, 8);
});
