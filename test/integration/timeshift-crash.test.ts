import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { realDisk } from '../../src/timeshift/disk.ts';
import { StreamStore } from '../../src/timeshift/stream-store.ts';
import { complaintsOfFfmpeg, picturesOf } from '../support/ffmpeg.ts';
import { numbersOf, temporaryFolder } from '../support/passing-stream.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const KILLS = LONG ? 50 : 5;
/** Each is decoded twice. */
const DECODED_KILLS = LONG ? 50 : 3;
const WRITER = join(import.meta.dirname, '../support/timeshift-writer.ts');
/** What came so long before the kill must be there, not counting the time that the disk was at work: it may be the machine's. */
const LOST_MS_MAX = 1_000;
/** Of the lives, a third at least must be long enough to lose anything that counts. */
const JUDGED_SHARE_MIN = 0.3;

interface Told {
  readonly atMs: number;
  /** That had come by then. */
  readonly packets: number;
  /** How long the disk had been at work by then. */
  readonly busyMs: number;
}

/** Writes for a moment, is killed, and returns what it had told by then. */
async function writeAndDie(
  folder: string,
  first: number | 'channel',
  lifeMs: number,
): Promise<readonly Told[]> {
  const writer = spawn(process.execPath, [WRITER, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  writer.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  await once(writer.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, lifeMs));
  writer.kill('SIGKILL');
  await once(writer, 'close');
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => {
    const [atMs = 0, packets = 0, busyMs = 0] = line.split(' ').map(Number);
    return { atMs, packets, busyMs };
  });
}

test(`a kill in the middle of writing costs at most the last second, ${KILLS} times`, async (t) => {
  const folder = await temporaryFolder(t);
  let first = 0;
  let judged = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const told = await writeAndDie(folder, first, 600 + ((kill * 617) % 1900));
    const died = told.at(-1)!;
    const store = await StreamStore.open(join(folder, 'a'.repeat(40)), realDisk);
    let last = -1;
    let gaps = 0;
    for (let position = store.tail; position < store.head; ) {
      const bytes = await store.read(position, 256 * 188);
      position += bytes.length > 0 ? bytes.length : 188;
      if (bytes.length === 0) gaps++;
      for (const number of numbersOf(bytes)) {
        assert.ok(number > last, `${number} stands behind ${last}`);
        if (number !== last + 1) gaps++;
        last = number;
      }
    }
    // One between two lives, and perhaps the end of a life that was lost.
    assert.ok(gaps <= 2 * kill, `${gaps} gaps after ${kill + 1} lives`);
    const idleMs = ({ atMs, busyMs }: Told): number => died.atMs - atMs - (died.busyMs - busyMs);
    const due = told.findLast((each) => idleMs(each) >= LOST_MS_MAX)?.packets ?? 0;
    assert.ok(last + 1 >= due, `${last + 1} packets are there of ${due} that came a second before`);
    if (due > first) judged++;
    const everything = { from: 0, to: Number.POSITIVE_INFINITY };
    const point = await store.lastPoint(everything, 'wallMs', Number.MAX_SAFE_INTEGER);
    if (point) assert.ok((await store.read(point.point.position, 188)).length > 0);
    first = died.packets + 1_000;
    first -= first % 1_000;
  }
  // Of a life shorter than a second nothing need be there.
  t.diagnostic(`${judged} of ${KILLS} lives were long enough to be judged`);
  assert.ok(
    judged >= KILLS * JUDGED_SHARE_MIN,
    `only ${judged} lives were long enough, or began to write in time`,
  );
});

/** What somebody would get who asks for a life from its first access point to its last; undefined if it was too short. */
async function excerptBehind(store: StreamStore, from: number): Promise<Buffer | undefined> {
  const first = (await store.pointFrom(from))?.point;
  const all = { from, to: Number.POSITIVE_INFINITY };
  const last = (await store.lastPoint(all, 'wallMs', Number.MAX_SAFE_INTEGER))?.point;
  if (!first || !last || last.position === first.position) return undefined;
  const parts = [first.tables];
  for (let position = first.position; position < last.position; ) {
    const bytes = await store.read(position, Math.min(256 * 188, last.position - position));
    assert.ok(bytes.length > 0, 'a gap in the middle of a life');
    for (let at = 0; at < bytes.length; at += 188)
      if (!first.omit.includes(position + at)) parts.push(bytes.subarray(at, at + 188));
    position += bytes.length;
  }
  return Buffer.concat(parts);
}

const PICTURES_PER_SECOND = 25;

test(`what is there after a kill decodes, every picture and without a word of ffmpeg, ${DECODED_KILLS} times`, async (t) => {
  const folder = await temporaryFolder(t);
  let from = 0;
  let decoded = 0;
  for (let kill = 0; kill < DECODED_KILLS; kill++) {
    await writeAndDie(folder, 'channel', 400 + ((kill * 617) % 1900));
    const store = await StreamStore.open(join(folder, 'a'.repeat(40)), realDisk);
    const excerpt = await excerptBehind(store, from);
    from = store.head;
    if (!excerpt) continue;
    decoded++;
    assert.equal(await complaintsOfFfmpeg(excerpt), '', `after ${kill + 1} lives`);
    const times = await picturesOf(excerpt);
    const seconds = times.at(-1)! - times[0]!;
    assert.equal(times.length - 1, Math.round(seconds * PICTURES_PER_SECOND), 'pictures are missing');
  }
  t.diagnostic(`${decoded} of ${DECODED_KILLS} lives were long enough for an excerpt`);
  assert.ok(decoded > DECODED_KILLS / 2, `only ${decoded} lives were long enough`);
});
