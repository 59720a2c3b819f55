import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { numbersOf, temporaryFolder } from '../../test/support/passing-stream.ts';
import { numberedPackets } from '../../test/support/watched-stream.ts';
import { AcemuxError } from '../base/reasons.ts';
import { realDisk } from './disk.ts';
import type { PointRecord } from './record.ts';
import { indexFileOf, mediaFileOf, segmentFile } from './segment.ts';
import { StreamStore } from './stream-store.ts';

function point(packet: number): PointRecord {
  const position = packet * 188;
  return { is: 'point', position, wallMs: packet, kind: 'idr', mediaMs: 0, tables: '', omit: [188] };
}

const ANYWHERE = { from: 0, to: Number.POSITIVE_INFINITY };

/** Two segments: packets 0 to 19 and 20 to 29, in appends of ten, each with its access points. */
async function twoSegments(folder: string): Promise<StreamStore> {
  const store = await StreamStore.open(folder, realDisk);
  await store.begin(0, 0, 0);
  await store.append(numberedPackets(0, 10), 10, [point(0)]);
  await store.append(numberedPackets(10, 10), 20, [point(12)]);
  await store.close();
  await store.begin(20 * 188, 20, 20);
  await store.append(numberedPackets(20, 10), 30, [point(19), point(25)]);
  await store.close();
  return store;
}

/** Numbers of all packets that can be read, from the tail on. */
async function everything(store: StreamStore): Promise<number[]> {
  const numbers: number[] = [];
  for (let position = store.tail; position < store.head; ) {
    const bytes = await store.read(position, 3 * 188);
    assert.ok(bytes.length > 0, `nothing at ${position}`);
    numbers.push(...numbersOf(bytes));
    position += bytes.length;
  }
  return numbers;
}

const range = (to: number, from = 0): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

test('gives back what it was given, over its segments, now and when it is opened again', async (t) => {
  const folder = await temporaryFolder(t);
  assert.deepEqual(await everything(await twoSegments(folder)), range(30));
  const again = await StreamStore.open(folder, realDisk);
  assert.deepEqual(await everything(again), range(30));
  assert.equal(again.wallMs, 30);
  const files = await readdir(folder);
  const sizes = await Promise.all(files.map(async (file) => (await readFile(join(folder, file))).length));
  assert.equal(
    again.sizeBytes,
    sizes.reduce((sum, size) => sum + size),
  );
});

test('finds access points by position and by time, also those that stand in the next index', async (t) => {
  const store = await twoSegments(await temporaryFolder(t));
  const packetAt = async (wallMs: number) =>
    (await store.lastPoint(ANYWHERE, 'wallMs', wallMs))?.point.position ?? -1;
  const packetFrom = async (packet: number) => (await store.pointFrom(packet * 188))?.point.position ?? -1;
  for (const [wallMs, packet] of [
    [0, 0],
    [11, 0],
    [12, 12],
    [18, 12],
    [19, 19],
    [24, 19],
    [25, 25],
    [99, 25],
  ]) {
    assert.equal(await packetAt(wallMs!), packet! * 188, `at ${wallMs}`);
  }
  for (const [from, packet] of [
    [0, 0],
    [1, 12],
    [13, 19],
    [19, 19],
    [20, 25],
  ]) {
    assert.equal(await packetFrom(from!), packet! * 188, `from ${from}`);
  }
  assert.equal(await packetFrom(26), -1);
  assert.deepEqual((await store.lastPoint(ANYWHERE, 'wallMs', 12))?.point.omit, [13 * 188]);
});

test('what was removed is not found any more', async (t) => {
  const store = await twoSegments(await temporaryFolder(t));
  await store.removeOldest();
  assert.equal(store.tail, 20 * 188);
  // The access point at packet 19 is in this index, but its media is gone.
  assert.equal(await store.lastPoint(ANYWHERE, 'wallMs', 24), undefined);
  assert.equal((await store.pointFrom(store.tail))?.point.position, 25 * 188);
});

test('removes its folder with its last segment, and never the segment that is being written', async (t) => {
  const folder = join(await temporaryFolder(t), 'stream');
  const store = await twoSegments(folder);
  await store.removeOldest();
  await store.removeOldest();
  await assert.rejects(readdir(folder), { code: 'ENOENT' });
  await store.begin(30 * 188, 40, 40);
  await store.append(numberedPackets(30, 1), 41, []);
  await store.removeOldest();
  assert.deepEqual(await everything(store), [30]);
  await store.close();
});

test('a segment in which nothing was written leaves nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await StreamStore.open(folder, realDisk);
  await store.begin(0, 0, 0);
  await store.close();
  assert.deepEqual(await readdir(folder), []);
});

test('media of a segment that was removed by others reads as a gap', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await twoSegments(folder);
  const again = await StreamStore.open(folder, realDisk);
  await again.removeOldest();
  assert.equal((await store.read(0, 188)).length, 0);
});

describe('after a crash', () => {
  const LAST = 20 * 188;

  test('packets that no record speaks of are cut', async (t) => {
    const folder = await temporaryFolder(t);
    await twoSegments(folder);
    await appendFile(mediaFileOf(segmentFile(folder, LAST)), numberedPackets(30, 2).subarray(0, 200));
    const store = await StreamStore.open(folder, realDisk);
    assert.deepEqual(await everything(store), range(30));
    assert.equal((await readFile(mediaFileOf(segmentFile(folder, LAST)))).length, 10 * 188);
  });

  test('a record whose media is not there, or not whole, or other bytes, is not believed', async (t) => {
    for (const harm of ['missing', 'cut', 'other'] as const) {
      const folder = await temporaryFolder(t);
      await twoSegments(folder);
      const media = mediaFileOf(segmentFile(folder, LAST));
      if (harm === 'missing') await truncate(media, 0);
      if (harm === 'cut') await truncate(media, 9 * 188 + 100);
      if (harm === 'other') await writeFile(media, Buffer.alloc(10 * 188));
      const store = await StreamStore.open(folder, realDisk);
      assert.deepEqual(await everything(store), range(20), harm);
    }
  });

  test('a record that was cut is left out, and what is written next goes on from there', async (t) => {
    const folder = await temporaryFolder(t);
    await twoSegments(folder);
    const index = indexFileOf(segmentFile(folder, LAST));
    await truncate(index, (await readFile(index)).length - 5);
    const store = await StreamStore.open(folder, realDisk);
    assert.deepEqual(await everything(store), range(30));
    assert.equal((await store.lastPoint(ANYWHERE, 'wallMs', 99))?.point.position, 19 * 188);
    await store.begin(store.head + 188, 50, 50);
    await store.append(numberedPackets(31, 1), 51, []);
    await store.close();
    assert.deepEqual(numbersOf(await store.read(31 * 188, 188)), [31]);
    assert.equal((await store.read(30 * 188, 188)).length, 0);
  });

  test('files without a beginning are removed, and files of others are left alone', async (t) => {
    const folder = await temporaryFolder(t);
    await twoSegments(folder);
    await writeFile(indexFileOf(segmentFile(folder, 99 * 188)), 'rubb');
    await writeFile(mediaFileOf(segmentFile(folder, 99 * 188)), 'ish');
    await writeFile(join(folder, 'notes.txt'), 'mine');
    assert.deepEqual(await everything(await StreamStore.open(folder, realDisk)), range(30));
    assert.deepEqual(
      (await readdir(folder)).filter((file) => /0018612|notes/.test(file)),
      ['notes.txt'],
    );
  });
});

test('a store of a newer acemux is refused and stays as it is', async (t) => {
  const folder = await temporaryFolder(t);
  await twoSegments(folder);
  const index = indexFileOf(segmentFile(folder, 0));
  const newer = '12345678 {"is":"head","version":2,"what":"ever"}\n';
  await writeFile(index, newer);
  await assert.rejects(
    StreamStore.open(folder, realDisk),
    (error) => error instanceof AcemuxError && error.code === 'timeshift_newer',
  );
  assert.equal(await readFile(index, 'utf8'), newer);
  assert.equal((await readdir(folder)).length, 4);
});
