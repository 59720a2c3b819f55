import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_BYTES, BLOCK_MEMORY_BYTES, Ring } from './ring.ts';
import { RingReader, Slab } from './slab.ts';

const SLAB_BYTES = 1024 * 1024;
const MEGABYTE = 1024 ** 2;

test('memory that is given up is freed at once, without a garbage collection', () => {
  const beforeBytes = process.memoryUsage.rss();
  let mostBytes = 0;
  for (let number = 0; number < 1_000; number++) {
    const slab = new Slab(SLAB_BYTES);
    slab.bytes.fill(number);
    slab.giveUp();
    assert.equal(slab.bytes.length, 0);
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss() - beforeBytes);
  }
  // Of 1,000 MB that were written.
  assert.ok(mostBytes < 50 * MEGABYTE, `${Math.round(mostBytes / MEGABYTE)} MB`);
});

test('what somebody still has a view of when it is given up stays as it is until he lets go', () => {
  const slab = new Slab(SLAB_BYTES);
  slab.bytes.fill(7);
  slab.hold();
  slab.hold();
  slab.giveUp();
  slab.letGo();
  assert.deepEqual([slab.bytes.length, slab.bytes[SLAB_BYTES - 1]], [SLAB_BYTES, 7]);
  slab.letGo();
  assert.equal(slab.bytes.length, 0);
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

test('a ring counts the memory that it takes, with what stands twice in it', () => {
  const ring = new Ring({ bytesMax: 80 * BLOCK_BYTES, mediaMsMax: 20_000 });
  const written = Buffer.alloc(BLOCK_BYTES, 0x47);
  const beforeBytes = process.memoryUsage().arrayBuffers;
  for (let count = 0; count < 80; count++) ring.append(written, 0, 0);
  const takenBytes = process.memoryUsage().arrayBuffers - beforeBytes;
  const beside = Math.abs(takenBytes - ring.memoryBytes) / BLOCK_MEMORY_BYTES;
  assert.ok(beside < 7, `${beside} blocks of ${ring.memoryBytes / BLOCK_MEMORY_BYTES}`);
  ring.clear();
});
