import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { numbersOf, PACKET_BYTES, temporaryFolder } from '../../test/support/passing-stream.ts';
import { numberedPackets, TABLES } from '../../test/support/watched-stream.ts';
import type { KeptSegment, SegmentPlace } from '../session/media-segments.ts';
import { realDisk } from './disk.ts';
import { StreamStore } from './stream-store.ts';

const ID = 'c'.repeat(40);
/** Packets of one segment of the store, and of one media segment. */
const [STORE_PACKETS, MEDIA_PACKETS] = [1_000, 400];

function listed(number: number): KeptSegment {
  return {
    number,
    streamName: 'name',
    durationTicks: 360_000,
    wallMs: 1_000 * number,
    isDiscontinuity: number === 2,
    discontinuities: number < 2 ? 7 : 8,
    targetSeconds: 4,
    sizeBytes: TABLES.length + MEDIA_PACKETS * PACKET_BYTES,
  };
}

/** The second packet belongs to the one before; in its place is the last but one behind it. */
function placeOf(number: number): SegmentPlace {
  const from = number * MEDIA_PACKETS * PACKET_BYTES;
  const to = from + MEDIA_PACKETS * PACKET_BYTES;
  return { from, to, tables: TABLES, omit: [from + PACKET_BYTES], tail: [to + 3 * PACKET_BYTES] };
}

function packetsOf(number: number): number[] {
  const first = number * MEDIA_PACKETS;
  const own = Array.from({ length: MEDIA_PACKETS }, (_, index) => first + index);
  return [...own.filter((each) => each !== first + 1), first + MEDIA_PACKETS + 3];
}

/** A store of three segments, with six media segments. */
async function filled(t: TestContext) {
  const folder = `${await temporaryFolder(t)}/stream`;
  const store = await StreamStore.open(folder, realDisk);
  for (let index = 0; index < 3; index++) {
    await store.begin(index * STORE_PACKETS * PACKET_BYTES, index, index);
    await store.append(numberedPackets(index * STORE_PACKETS, STORE_PACKETS), index, []);
    await store.close();
  }
  for (let number = 0; number < 6; number++)
    await store.mediaSegments.add(ID, listed(number), placeOf(number));
  return { folder, store };
}

async function read(store: StreamStore, number: number): Promise<Buffer | undefined> {
  const found = store.mediaSegments.find('name', number);
  assert.ok(found);
  const parts: Buffer[] = [];
  for await (const part of store.mediaSegments.read(found)) {
    if (!part) return undefined;
    parts.push(Buffer.from(part));
  }
  return Buffer.concat(parts);
}

async function assertIsThere(store: StreamStore, numbers: readonly number[]): Promise<void> {
  assert.deepEqual(
    store.mediaSegments.listed.map(({ number }) => number),
    numbers,
  );
  for (const number of numbers) {
    const bytes = await read(store, number);
    assert.ok(bytes);
    assert.equal(bytes.length, listed(number).sizeBytes);
    assert.ok(bytes.subarray(0, TABLES.length).equals(TABLES));
    assert.deepEqual(numbersOf(bytes.subarray(TABLES.length)), packetsOf(number));
  }
}

test('readers of the same segment share what is read', async (t) => {
  const { store } = await filled(t);
  const found = store.mediaSegments.find('name', 1);
  assert.ok(found);
  const readers = Array.from({ length: 20 }, () => store.mediaSegments.read(found));
  const tables = await Promise.all(readers.map((reader) => reader.next()));
  assert.ok(tables.every(({ value }) => value?.equals(TABLES)));
  const pieces = await Promise.all(readers.map((reader) => reader.next()));
  assert.equal(new Set(pieces.map(({ value }) => value?.buffer)).size, 1);
  for (const reader of readers) await reader.return();
});

test('each is read as it was cut, over the files of the store, now and when that is opened again', async (t) => {
  const { folder, store } = await filled(t);
  await assertIsThere(store, [0, 1, 2, 3, 4, 5]);
  const again = await StreamStore.open(folder, realDisk);
  await assertIsThere(again, [0, 1, 2, 3, 4, 5]);
  const [first, , third] = again.mediaSegments.listed;
  for (const [found, number] of [
    [first, 0],
    [third, 2],
  ] as const) {
    const { discontinuities, durationTicks, isDiscontinuity, targetSeconds, wallMs } = found ?? listed(99);
    assert.deepEqual(
      { ...listed(number), discontinuities, durationTicks, isDiscontinuity, targetSeconds, wallMs },
      listed(number),
    );
  }
  assert.equal(again.sizeBytes, store.sizeBytes);
  assert.ok(again.mediaSegments.isNamed(ID) && !again.mediaSegments.isNamed('d'.repeat(40)));
  assert.equal(again.mediaSegments.find('other', 0), undefined);
  assert.equal(again.mediaSegments.find('name', 6), undefined);
});

test('those that begin in a file go with it', async (t) => {
  const { folder, store } = await filled(t);
  await store.removeOldest();
  // The third begins in the first file.
  await assertIsThere(store, [3, 4, 5]);
  assert.equal((await readdir(folder)).length, 6);
  await assertIsThere(await StreamStore.open(folder, realDisk), [3, 4, 5]);
});

test('none is listed any longer once they are forgotten, nor when the store is opened again', async (t) => {
  const { folder, store } = await filled(t);
  const forgotten = store.mediaSegments.forget();
  assert.equal(store.mediaSegments.listed.length, 0);
  await forgotten;
  assert.ok((await readdir(folder)).every((name) => !name.endsWith('.hls')));
  await store.mediaSegments.add(ID, listed(5), placeOf(5));
  await assertIsThere(await StreamStore.open(folder, realDisk), [5]);
});

test('behind a gap in the numbers the list begins anew', async (t) => {
  const { store } = await filled(t);
  await store.mediaSegments.add(ID, { ...listed(6), number: 9 }, placeOf(6));
  assert.deepEqual(
    store.mediaSegments.listed.map(({ number }) => number),
    [9],
  );
});

test('a line that was cut, or damaged, or speaks of media that is not there, is not believed', async (t) => {
  const { folder } = await filled(t);
  const lists = (await readdir(folder)).filter((name) => name.endsWith('.hls')).sort();
  const last = `${folder}/${lists.at(-1)}`;
  const whole = await readFile(last);
  await truncate(last, whole.length - 10);
  await assertIsThere(await StreamStore.open(folder, realDisk), [0, 1, 2, 3, 4]);
  // What is added next stands on a line of its own.
  const store = await StreamStore.open(folder, realDisk);
  await store.mediaSegments.add(ID, listed(5), placeOf(5));
  await assertIsThere(await StreamStore.open(folder, realDisk), [0, 1, 2, 3, 4, 5]);
  await appendFile(last, 'nonsense\n');
  await assertIsThere(await StreamStore.open(folder, realDisk), [0, 1, 2, 3, 4, 5]);
  await truncate(`${folder}/${String(2 * STORE_PACKETS * PACKET_BYTES).padStart(16, '0')}.ts`, 0);
  await assertIsThere(await StreamStore.open(folder, realDisk), [0, 1, 2, 3]);
});

test('without its list a store is what it was', async (t) => {
  const { folder, store } = await filled(t);
  for (const name of await readdir(folder))
    if (name.endsWith('.hls')) await writeFile(`${folder}/${name}`, '');
  const again = await StreamStore.open(folder, realDisk);
  assert.equal(again.head, store.head);
  assert.equal(again.mediaSegments.listed.length, 0);
});

test('one whose media has been removed by others ends where that was', async (t) => {
  const { folder, store } = await filled(t);
  await truncate(`${folder}/${'0'.repeat(16)}.ts`, 0);
  assert.equal(await read(store, 0), undefined);
  await truncate(`${folder}/${'0'.repeat(16)}.hls`, 0);
  assert.equal(await read(store, 1), undefined);
});
