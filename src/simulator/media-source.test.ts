import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broadcast } from './broadcast.ts';
import { loadClip } from './clip.ts';
import { buildLayout } from './layout.ts';
import { FileSource, fileSizeBytes, LiveSource } from './media-source.ts';

const broadcast = new Broadcast({ infohash: '2'.repeat(40), layout: buildLayout(loadClip(), 700_000) });

test('a live source begins so far back and gives every packet once, as it comes on air', () => {
  let onAir = 1_000;
  const source = new LiveSource({
    broadcast,
    remux: undefined,
    packetsOnAir: () => onAir,
    burstPackets: 400,
  });
  const parts: Buffer[] = [];
  for (const more of [0, 0, 1, 50, 0]) {
    onAir += more;
    for (let bytes = source.next(); bytes.length > 0; bytes = source.next()) parts.push(bytes);
  }
  const expected = Buffer.alloc(451 * 188);
  broadcast.fill(expected, 600, 451);
  assert(Buffer.concat(parts).equals(expected));
  assert.equal(source.finished, false);
});

test('a live source of a young broadcast begins at its first packet', () => {
  const source = new LiveSource({ broadcast, remux: undefined, packetsOnAir: () => 10, burstPackets: 400 });
  assert.equal(source.next().length, 10 * 188);
});

test('a file gives as many bytes as its size says, then is finished', () => {
  const source = new FileSource(broadcast, 5);
  let sizeBytes = 0;
  while (!source.finished) sizeBytes += source.next().length;
  assert.equal(sizeBytes, fileSizeBytes(broadcast, 5));
  assert.equal(source.next().length, 0);
});
