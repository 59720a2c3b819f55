import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  numbersOf,
  PACKET_BYTES,
  PassingStream,
  SECOND_PACKETS,
  settled,
  temporaryFolder,
} from '../../test/support/passing-stream.ts';
import { diskFull, SlowDisk } from '../../test/support/slow-disk.ts';
import { ManualClock } from '../base/manual-clock.ts';
import type { Past } from '../session/past.ts';
import { silentLog } from '../telemetry/log.ts';
import { Timeshift, type TimeshiftDeps } from './timeshift.ts';

const SECOND_BYTES = SECOND_PACKETS * PACKET_BYTES;

async function rig(t: TestContext, changes: Partial<TimeshiftDeps> = {}) {
  const clock = new ManualClock();
  const begun: Timeshift[] = [];
  const stopAll = () => Promise.all(begun.map((timeshift) => timeshift.stop()));
  const folder = join(await temporaryFolder(t, stopAll), 'timeshift');
  const disk = new SlowDisk();
  const begin = (): Timeshift => {
    const defaults: TimeshiftDeps = {
      folder,
      windowMs: 60_000,
      streams: new Map(),
      bytesMax: 1024 * 1024 * 1024,
      pauseMaxMs: undefined,
      clock,
      log: silentLog(),
      disk,
    };
    // Getters among the changes go on being asked.
    const timeshift = new Timeshift(
      Object.defineProperties(defaults, Object.getOwnPropertyDescriptors(changes)),
    );
    timeshift.start();
    begun.push(timeshift);
    return timeshift;
  };
  const timeshift = begin();
  /** So many seconds pass while the stream plays, and the disk is done with them. */
  const play = async (stream: PassingStream, past: Past | undefined, seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      stream.play(1, clock.nowMs());
      await clock.advance(1_000);
      if (past) await past.read(stream.ring.head, 188);
    }
  };
  return { clock, folder, disk, timeshift, begin, play };
}

/** Numbers of the packets that a past has between two positions. */
async function between(past: Past, from: number, to: number): Promise<number[]> {
  const numbers: number[] = [];
  for (let position = from; position < to; ) {
    const bytes = await past.read(position, Math.min(64 * 1024 - 64, to - position));
    if (bytes.length === 0) break;
    numbers.push(...numbersOf(bytes));
    position += bytes.length;
  }
  return numbers;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('what the ring has let go of is on disk, packet for packet', async (t) => {
  const { timeshift, play } = await rig(t);
  const stream = new PassingStream();
  const past = timeshift.begin(stream);
  assert.ok(past);
  await play(stream, past, 40);
  assert.ok(stream.ring.tail > 10 * SECOND_BYTES);
  assert.ok(past.reaches(0));
  assert.deepEqual(await between(past, 0, 40 * SECOND_BYTES), range(0, 40 * SECOND_PACKETS));
  const found = await past.pointAt(past.wallMs - 30_000);
  // Each second came a second before it would be played.
  assert.equal(found?.point.position, 11 * SECOND_BYTES);
  assert.deepEqual(found?.point.omit, [11 * SECOND_BYTES + PACKET_BYTES]);
  stream.end();
});

test('what is older than the window goes, and when the stream is over all goes with time', async (t) => {
  const { clock, folder, timeshift, play } = await rig(t, { windowMs: 20_000 });
  const stream = new PassingStream();
  const past = timeshift.begin(stream);
  await play(stream, past, 60);
  assert.ok(past);
  const behindMs = async (): Promise<number> => past.wallMs - ((await past.pointFrom(0))?.wallMs ?? 0);
  // The disk may still be removing, and then the next look comes later; what has grown too old by then goes as well.
  let waitedMs = 0;
  while ((await behindMs()) >= 30_000) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(1_000);
    waitedMs += 1_000;
  }
  assert.ok((await behindMs()) >= 19_000 - waitedMs);
  assert.equal(past.reaches(0), false);
  stream.end();
  await settled(() => past.pauseMaxMs === 0);
  // What the disk has not removed by one look goes with the next.
  while ((await readdir(folder)).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(5_000);
  }
  assert.equal(timeshift.sizeBytes, 0);
  await clock.advance(5_000);
  assert.equal(clock.pendingTimers, 0);
});

test('the window of one stream changes while it plays; none ends it, and what there is goes', async (t) => {
  const { clock, timeshift, play } = await rig(t, { windowMs: 20_000 });
  const stream = new PassingStream();
  const past = timeshift.begin(stream);
  assert.ok(past);
  await play(stream, past, 10);
  past.setWindow(60_000);
  assert.deepEqual([past.windowMs, past.pauseMaxMs], [60_000, 60_000]);
  await play(stream, past, 30);
  assert.ok(past.reaches(0), 'what is older than the window before is kept');
  past.setWindow(0);
  await settled(() => past.pauseMaxMs === 0);
  while (timeshift.sizeBytes > 0) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(5_000);
  }
  stream.end();
});

test('all stores together take no more than they may: the oldest goes first', async (t) => {
  const bytesMax = 24 * 1024 * 1024;
  const { timeshift, play, clock } = await rig(t, { bytesMax, windowMs: 600_000 });
  const first = new PassingStream();
  const kept = timeshift.begin(first);
  await play(first, kept, 60);
  first.end();
  await settled(() => kept?.pauseMaxMs === 0);
  const second = new PassingStream('b'.repeat(40));
  const past = timeshift.begin(second);
  for (let seconds = 0; seconds < 100; seconds += 5) {
    await play(second, past, 5);
    assert.ok(timeshift.sizeBytes <= bytesMax, `${timeshift.sizeBytes} bytes`);
  }
  assert.ok(timeshift.sizeBytes > bytesMax / 2);
  assert.equal(kept?.reaches(0), false);
  assert.ok(past?.reaches(99 * SECOND_BYTES));
  assert.deepEqual(second.warnings, []);
  assert.ok(clock.nowMs() > 0);
  second.end();
});

test('less room holds for what is there already; how long one may pause, for streams that begin from then on', async (t) => {
  let bytesMax = 1024 * 1024 * 1024;
  let pauseMaxMs = 30_000;
  const changes = {
    get bytesMax() {
      return bytesMax;
    },
    get pauseMaxMs() {
      return pauseMaxMs;
    },
  };
  const { timeshift, play } = await rig(t, changes);
  const [early, late] = [new PassingStream(), new PassingStream('b'.repeat(40))];
  const before = timeshift.begin(early);
  await play(early, before, 40);
  const lessBytes = 3 * 1024 * 1024;
  assert.ok(timeshift.sizeBytes > 2 * lessBytes);
  bytesMax = lessBytes;
  pauseMaxMs = 7_000;
  await play(early, before, 5);
  assert.ok(timeshift.sizeBytes <= lessBytes, `${timeshift.sizeBytes} bytes`);
  const after = timeshift.begin(late);
  await play(late, after, 1);
  assert.deepEqual([before?.pauseMaxMs, after?.pauseMaxMs], [30_000, 7_000]);
  early.end();
  late.end();
});

test('where there is room for less than a segment, the newest of it is kept, and no more than there may be', async (t) => {
  const bytesMax = 600_000;
  const { timeshift, play } = await rig(t, { bytesMax });
  const stream = new PassingStream();
  const past = timeshift.begin(stream);
  for (let seconds = 0; seconds < 30; seconds++) {
    await play(stream, past, 1);
    assert.ok(timeshift.sizeBytes <= bytesMax, `${timeshift.sizeBytes} bytes`);
  }
  const newest = await past?.read(29 * SECOND_BYTES, PACKET_BYTES);
  assert.deepEqual(newest && numbersOf(newest), [29 * SECOND_PACKETS]);
  assert.deepEqual(stream.warnings, []);
  stream.end();
});

test('where there is no room at all nothing is kept, and live goes on', async (t) => {
  const { timeshift, play } = await rig(t, { bytesMax: 100_000 });
  const stream = new PassingStream();
  const past = timeshift.begin(stream);
  await play(stream, past, 30);
  assert.equal(past?.reaches(0), false);
  assert.deepEqual([...new Set(stream.warnings)], ['timeshift_behind']);
  stream.end();
});

test('a stream that is begun anew still has what it had before, at positions below its own', async (t) => {
  const { timeshift, play } = await rig(t);
  const before = new PassingStream();
  const old = timeshift.begin(before);
  await play(before, old, 5);
  before.end();
  const after = new PassingStream(undefined, 100_000);
  const past = timeshift.begin(after);
  assert.ok(past);
  await play(after, past, 5);
  assert.equal((await past.read(-PACKET_BYTES, 188)).length, 0);
  const found = await past.pointAt(past.wallMs - 7_500);
  assert.ok(found);
  const { position } = found.point;
  assert.deepEqual(numbersOf(await past.read(position, 188)), [3 * SECOND_PACKETS]);
  assert.deepEqual(await between(past, position, 0), range(3 * SECOND_PACKETS, 5 * SECOND_PACKETS));
  assert.equal((await past.pointFrom(-PACKET_BYTES))?.point.position, 0);
  assert.deepEqual(await between(past, 0, 5 * SECOND_BYTES), range(100_000, 105_000));
  after.end();
});

test('what came in a burst, and was written in large pieces, is all there in the next life', async (t) => {
  const { timeshift, begin, play } = await rig(t);
  const stream = new PassingStream();
  const old = timeshift.begin(stream);
  stream.play(30, 0);
  await play(stream, old, 1);
  stream.end();
  await timeshift.stop();
  const after = new PassingStream();
  const past = begin().begin(after);
  assert.ok(past);
  await play(after, past, 1);
  const oldest = await past.pointAt(0);
  assert.deepEqual(await between(past, oldest!.point.position, 0), range(0, 31 * SECOND_PACKETS));
  after.end();
});

test('what an earlier life left is there, and goes when it is too old', async (t) => {
  const { timeshift, begin, play, clock, folder } = await rig(t);
  const stream = new PassingStream();
  await play(stream, timeshift.begin(stream), 5);
  stream.end();
  await timeshift.stop();
  const next = begin();
  const after = new PassingStream();
  const past = next.begin(after);
  await play(after, past, 1);
  assert.ok(past);
  const oldest = await past.pointAt(0);
  assert.deepEqual(numbersOf(await past.read(oldest!.point.position, 188)), [0]);
  after.end();
  await next.stop();
  await clock.advance(100_000);
  const last = begin();
  while ((await readdir(folder)).length > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  await last.stop();
  assert.deepEqual(await readdir(folder), []);
});

test('a disk that can not follow loses what is oldest, with a warning, and nothing waits for it', async (t) => {
  const { timeshift, disk, play, clock } = await rig(t);
  const stream = new PassingStream();
  const past = timeshift.begin(stream);
  assert.ok(past);
  await play(stream, past, 2);
  disk.hold();
  await play(stream, undefined, 60);
  const lostFrom = 3 * SECOND_BYTES;
  const { tail } = stream.ring;
  assert.ok(tail > lostFrom);
  disk.release();
  await play(stream, past, 2);
  while ((await past.read(64 * SECOND_BYTES - PACKET_BYTES, 188)).length === 0) await clock.advance(500);
  assert.deepEqual(stream.warnings, ['timeshift_behind']);
  const first = await between(past, 0, 64 * SECOND_BYTES);
  assert.deepEqual(first, range(0, first.length));
  assert.ok(first.length < 10 * SECOND_PACKETS);
  const next = await past.pointFrom(first.length * PACKET_BYTES);
  assert.ok(next && next.point.position >= tail);
  const packet = next.point.position / PACKET_BYTES;
  assert.deepEqual(await between(past, next.point.position, 64 * SECOND_BYTES), range(packet, 64_000));
  stream.end();
});

test('what came while a write took long has waited already when that is over: half a second in all', async (t) => {
  const { timeshift, disk, play, clock } = await rig(t);
  const stream = new PassingStream();
  const past = timeshift.begin(stream);
  assert.ok(past);
  await play(stream, past, 1);
  const playShort = (): number => {
    stream.play(0.1, clock.nowMs());
    return stream.ring.head - PACKET_BYTES;
  };
  const isWritten = async (position: number): Promise<boolean> => (await past.read(position, 188)).length > 0;
  const first = playShort();
  disk.hold();
  await clock.advance(500);
  const second = playShort();
  await clock.advance(400);
  disk.release();
  assert.ok(await isWritten(first));
  await clock.advance(99);
  assert.equal(await isWritten(second), false);
  await clock.advance(1);
  assert.ok(await isWritten(second));
  stream.end();
});

test('a full disk turns it off for the stream with a warning, and what is there stays', async (t) => {
  const { timeshift, disk, play, begin } = await rig(t);
  const stream = new PassingStream();
  const past = timeshift.begin(stream);
  assert.ok(past);
  await play(stream, past, 3);
  disk.error = diskFull();
  await play(stream, past, 30);
  assert.deepEqual(stream.warnings, ['timeshift_disk_full']);
  assert.equal(past.pauseMaxMs, 0);
  assert.ok(past.reaches(SECOND_BYTES));
  assert.equal(past.reaches(32 * SECOND_BYTES), false);
  assert.deepEqual(await between(past, 0, 2 * SECOND_BYTES), range(0, 2 * SECOND_PACKETS));
  stream.end();
  disk.error = undefined;
  const again = new PassingStream();
  const kept = timeshift.begin(again);
  await play(again, kept, 3);
  assert.ok(kept?.reaches(0));
  assert.deepEqual(again.warnings, []);
  again.end();
  await timeshift.stop();
  await begin().stop();
});

test('a store of a newer acemux is left alone, and the stream is told of it', async (t) => {
  const { timeshift, folder, play } = await rig(t);
  const stream = new PassingStream();
  const store = join(folder, stream.infohash);
  await mkdir(store, { recursive: true });
  await writeFile(join(store, '0000000000000000.index'), '00000000 {"is":"head","version":9}\n');
  const past = timeshift.begin(stream);
  await play(stream, past, 2);
  assert.deepEqual(stream.warnings, ['timeshift_newer']);
  assert.equal(past?.reaches(0), false);
  assert.deepEqual(await readdir(store), ['0000000000000000.index']);
  stream.end();
});

test('it is off where its seconds are 0, and can be set for one stream by its name', async (t) => {
  const { timeshift } = await rig(t, { windowMs: 0, streams: new Map([['b'.repeat(40), 30_000]]) });
  assert.equal(timeshift.begin(new PassingStream()), undefined);
  const stream = new PassingStream('b'.repeat(40));
  assert.equal(timeshift.begin(stream)?.pauseMaxMs, 30_000);
  stream.end();
});
