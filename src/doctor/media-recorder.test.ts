import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broadcast } from '../simulator/broadcast.ts';
import { loadClip } from '../simulator/clip.ts';
import { buildLayout } from '../simulator/layout.ts';
import { MediaRecorder } from './media-recorder.ts';

const layout = buildLayout(loadClip(), 800_000);
const broadcast = new Broadcast({ infohash: 'a'.repeat(40), layout });

function media(fromMs: number, toMs: number): Buffer {
  const from = broadcast.packetsOnAir(fromMs);
  const bytes = Buffer.alloc((broadcast.packetsOnAir(toMs) - from) * 188);
  broadcast.fill(bytes, from, bytes.length / 188);
  return bytes;
}

test('it writes down when how much came, and keeps the first of it', () => {
  const recorder = new MediaRecorder(1_000);
  for (const [atMs, bytes] of [
    [500, 700],
    [504, 100],
    [520, 500],
    [1_500, 200],
  ] as const) {
    recorder.take(Buffer.alloc(bytes), atMs);
  }
  assert.deepEqual(recorder.chunks, [
    [0, 800],
    [20, 500],
    [1_000, 200],
  ]);
  assert.deepEqual([recorder.bytes.length, recorder.totalBytes], [1_000, 1_500]);
  assert.equal(recorder.pace.longestGapMs, 980);
});

test('it tells how far a burst was ahead of time, and the pace that followed', () => {
  const recorder = new MediaRecorder(10_000_000);
  recorder.take(media(0, 5_000), 0);
  for (let atMs = 100; atMs <= 4_000; atMs += 100) recorder.take(media(4_900 + atMs, 5_000 + atMs), atMs);
  const { aheadMs, bytesPerSecond, firstBytes, bytes } = recorder.pace;
  assert.ok(Math.abs(aheadMs - 5_000) < 200, `${aheadMs}`);
  assert.ok(Math.abs(bytesPerSecond - 100_000) < 10_000, `${bytesPerSecond}`);
  assert.equal(firstBytes, bytes);
});

test('it finds where packets begin, or that there are none', () => {
  for (const [junkBytes, expected] of [
    [0, 0],
    [77, 77],
  ] as const) {
    const recorder = new MediaRecorder(10_000);
    recorder.take(Buffer.concat([Buffer.alloc(junkBytes), media(0, 100)]), 0);
    assert.equal(recorder.alignedAt, expected);
  }
  const recorder = new MediaRecorder(10_000);
  recorder.take(Buffer.from('<html>no media</html>'.repeat(100)), 0);
  assert.equal(recorder.alignedAt, undefined);
});
