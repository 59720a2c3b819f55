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

test('what has grown old before it is given up is freed in time, too, while there is nothing but young garbage', async () => {
  const kept: Slab[] = [];
  const given = { slabs: 0, freed: 0, waitingMax: 0 };
  const registry = new FinalizationRegistry(() => given.freed++);
  for (let number = 0; number < 300; number++) {
    const slab = new Slab(SLAB_BYTES);
    registry.register(slab, number);
    kept.push(slab);
    if (kept.length > 10) {
      kept.shift()?.giveUp();
      given.slabs++;
    }
    // Young collections make old what stays.
    for (let round = 0; round < 10; round++) Array.from({ length: 10_000 }, (_, key) => ({ key }));
    await setImmediate();
    given.waitingMax = Math.max(given.waitingMax, given.slabs - given.freed);
  }
  assert.ok(given.waitingMax < 150, `${given.waitingMax} MB of ${given.slabs} waited at once`);
});

test('what somebody still has a view of when it is given up weighs only when he lets go', () => {
  const slab = new Slab(SLAB_BYTES);
  slab.hold();
  slab.giveUp();
  const heldBytes = slab.weightBytes;
  slab.letGo();
  assert.deepEqual([heldBytes, slab.weightBytes], [0, SLAB_BYTES]);
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
