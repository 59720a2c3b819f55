import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { RingReader, Slab } from './slab.ts';

const SLAB_BYTES = 1024 * 1024;
const MEGABYTE = 1024 ** 2;

test('memory that is given up is freed in time, although V8 does not count it', async () => {
  const peak = { bytes: 0 };
  const beforeBytes = process.memoryUsage.rss();
  for (let number = 0; number < 1_500; number++) {
    const slab = new Slab(SLAB_BYTES);
    slab.bytes.fill(number);
    slab.giveUp();
    if (number % 10 === 0) await setImmediate();
    peak.bytes = Math.max(peak.bytes, process.memoryUsage.rss() - beforeBytes);
  }
  // Of 1,500 MB that were written.
  assert.ok(peak.bytes < 400 * MEGABYTE, `${Math.round(peak.bytes / MEGABYTE)} MB`);
});

test('memory that is in use does not count for V8', () => {
  const before = process.memoryUsage();
  const slabs = Array.from({ length: 20 }, () => new Slab(SLAB_BYTES));
  const after = process.memoryUsage();
  assert.ok(after.external - before.external < SLAB_BYTES, `${after.external - before.external}`);
  assert.equal(slabs.length, 20);
});

test('a slab is held as long as a reader has a view of it, however many it has', () => {
  const slab = new Slab(SLAB_BYTES);
  const reader = new RingReader((position, bytesMax) => ({
    bytes: slab.bytes.subarray(position, position + bytesMax),
    slab,
  }));
  reader.view(0, 10);
  reader.view(10, 10);
  assert.ok(slab.isHeld);
  reader.letGo();
  assert.ok(!slab.isHeld);
  reader.letGo();
  assert.ok(!slab.isHeld);
});
