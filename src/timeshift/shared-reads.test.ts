import assert from 'node:assert/strict';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { numbersOf, PACKET_BYTES, temporaryFolder } from '../../test/support/passing-stream.ts';
import { numberedPackets } from '../../test/support/watched-stream.ts';
import type { PastPage } from '../session/past.ts';
import { mediaFileOf, type Segment } from './segment.ts';
import { SharedReads } from './shared-reads.ts';

const PAGE_PACKETS = 696;
const PAGE_BYTES = PAGE_PACKETS * PACKET_BYTES;
const IDLE_PAGES = 32;
const AT_ONCE = 8;
/** The stretch does not begin where the store does. */
const FROM = 1_000 * PACKET_BYTES;

/** A store with one stretch of so many packets, which carry their numbers. */
async function rig(t: TestContext, packets: number) {
  const folder = await temporaryFolder(t);
  const segment: Segment = {
    file: `${folder}/1`,
    from: FROM,
    to: FROM + packets * PACKET_BYTES,
    wallFromMs: 0,
    wallToMs: 0,
    mediaFromMs: 0,
    indexBytes: 0,
    listBytes: 0,
  };
  const path = mediaFileOf(segment.file);
  await writeFile(path, numberedPackets(0, packets));
  const store = {
    segmentAt: (position: number) =>
      position >= segment.from && position < segment.to ? segment : undefined,
  };
  const reads = new SharedReads();
  const at = (packet: number): Promise<PastPage | undefined> => reads.at(store, FROM + packet * PACKET_BYTES);
  const grow = async (more: number): Promise<void> => {
    const before = (segment.to - FROM) / PACKET_BYTES;
    await appendFile(path, numberedPackets(before, more));
    segment.to += more * PACKET_BYTES;
  };
  return { at, grow, path, reads, segment };
}

function numbersIn({ bytes, from }: PastPage): number[] {
  const numbers = numbersOf(bytes);
  assert.equal(numbers[0], (from - FROM) / PACKET_BYTES);
  return numbers;
}

test('a page has what is asked for, and is read once for all who ask, whether at the same time or later', async (t) => {
  const { at, path, reads } = await rig(t, 3 * PAGE_PACKETS);
  const pages = await Promise.all(Array.from({ length: 30 }, (_, reader) => at(PAGE_PACKETS + reader)));
  const memory = new Set(pages.map((page) => page?.bytes.buffer));
  assert.equal(memory.size, 1);
  assert.equal(reads.memoryBytes, PAGE_BYTES);
  const first = pages[0]!;
  assert.deepEqual(
    numbersIn(first),
    Array.from({ length: PAGE_PACKETS }, (_, index) => PAGE_PACKETS + index),
  );
  for (const page of pages) page?.letGo();
  await rm(path);
  const again = await at(PAGE_PACKETS);
  assert.equal(again?.bytes.buffer, first.bytes.buffer);
});

test('where a store was emptied and begins again with the same name, its own bytes are read, not those of before', async (t) => {
  const { at, path, reads, segment } = await rig(t, PAGE_PACKETS);
  const before = await at(0);
  before?.letGo();
  await writeFile(path, numberedPackets(5_000, PAGE_PACKETS));
  const after = await reads.at({ segmentAt: () => ({ ...segment }) }, FROM);
  assert.equal(after && numbersOf(after.bytes)[0], 5_000);
  after?.letGo();
});

test('memory is as much as is held and a little more, however much is read; what is held is not written again', async (t) => {
  const pages = 120;
  const { at, reads } = await rig(t, pages * PAGE_PACKETS);
  const check = (page: PastPage): void => {
    const numbers = numbersIn(page);
    assert.equal(numbers.length, PAGE_PACKETS);
    assert.equal(numbers.at(-1), numbers[0]! + PAGE_PACKETS - 1);
  };
  await fc.assert(
    fc.asyncProperty(
      // Some are at one place, most are anywhere.
      fc.array(
        fc.record({
          page: fc.oneof(fc.nat({ max: 1 }), fc.nat({ max: pages - 1 }), fc.nat({ max: pages - 1 })),
          letGoOf: fc.nat({ max: 15 }),
        }),
        { minLength: 60, maxLength: 120, size: 'max' },
      ),
      async (steps) => {
        const held: PastPage[] = [];
        for (const { letGoOf, page } of steps) {
          held.push((await at(page * PAGE_PACKETS))!);
          for (const each of held) check(each);
          const [done] = letGoOf < held.length ? held.splice(letGoOf, 1) : [];
          done?.letGo();
          done?.letGo();
          assert.ok(reads.memoryBytes <= (held.length + IDLE_PAGES) * PAGE_BYTES);
        }
        for (const each of held) each.letGo();
        assert.ok(reads.memoryBytes <= IDLE_PAGES * PAGE_BYTES);
      },
    ),
    { numRuns: 5 },
  );
});

test('who lets go twice of a page takes it from nobody else', async (t) => {
  const pages = IDLE_PAGES + 2;
  const { at } = await rig(t, pages * PAGE_PACKETS);
  const [first, second, third] = [await at(0), await at(0), await at(0)];
  for (let time = 0; time < 2; time++) first?.letGo();
  third?.letGo();
  for (let page = 1; page < pages; page++) (await at(page * PAGE_PACKETS))?.letGo();
  assert.equal(numbersIn(second!)[0], 0);
});

test('no more than some are given a page in one turn of the loop, in their order, also of what is in memory', async (t) => {
  const { at } = await rig(t, PAGE_PACKETS);
  (await at(0))?.letGo();
  const given: number[] = [];
  const all = Promise.all(
    Array.from({ length: 5 * AT_ONCE }, async (_, reader) => {
      const page = await at(reader);
      given.push(reader);
      page?.letGo();
    }),
  );
  for (let turn = 1, before = 0; given.length < 5 * AT_ONCE; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(given.length - before <= 2 * AT_ONCE, `${given.length - before} in turn ${turn}`);
    before = given.length;
  }
  await all;
  assert.deepEqual(
    given,
    Array.from({ length: 5 * AT_ONCE }, (_, reader) => reader),
  );
});

test('of a stretch that is still written what is new is read', async (t) => {
  const { at, grow } = await rig(t, 10);
  const before = (await at(9))!;
  assert.equal(await at(10), undefined);
  await grow(5);
  const after = (await at(10))!;
  assert.deepEqual([numbersIn(before).length, numbersIn(after).length], [10, 15]);
});

test('where there is nothing, or what there was has been removed or cut, there is a gap', async (t) => {
  const { at, path, reads } = await rig(t, 2 * PAGE_PACKETS);
  assert.equal(await at(-1), undefined);
  await writeFile(path, numberedPackets(0, PAGE_PACKETS + 3));
  assert.equal(await at(PAGE_PACKETS), undefined);
  (await at(0))?.letGo();
  await rm(path);
  assert.equal(await at(PAGE_PACKETS), undefined);
  assert.equal(reads.memoryBytes, PAGE_BYTES);
});
