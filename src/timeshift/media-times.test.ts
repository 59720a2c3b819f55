import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MediaTimes } from './media-times.ts';

/** Media and the time it came at, in seconds. */
function timesOf(...notes: readonly (readonly [number, number])[]): MediaTimes {
  const times = new MediaTimes();
  for (const [mediaMs, wallMs] of notes) times.note(mediaMs, wallMs);
  return times;
}

test('what comes as it is played was live when it came', () => {
  const times = timesOf([0, 100_000], [1_000, 101_000], [2_000, 102_050], [3_000, 103_000]);
  assert.equal(times.wallAt(2_000), 102_000);
  assert.equal(times.mediaAt(102_500), 2_500);
});

test('what came in a burst was live as long before as it takes to play', () => {
  const times = timesOf([0, 100_000], [10_000, 100_100], [30_000, 100_200], [31_000, 101_200]);
  assert.equal(times.wallAt(0), 70_200);
  assert.equal(times.mediaAt(90_200), 20_000);
  assert.equal(times.mediaAt(70_000), undefined);
});

test('what came after a pause was live later by that pause', () => {
  const times = timesOf([0, 100_000], [1_000, 101_000], [1_040, 161_040], [2_000, 162_000]);
  assert.equal(times.wallAt(1_000), 101_000);
  assert.equal(times.wallAt(1_500), 161_500);
  assert.equal(times.mediaAt(161_540), 1_540);
  assert.equal(times.mediaAt(130_000), 1_040, 'in the pause it is where that has begun');
});

test('a burst behind a pause that makes up for it leaves none', () => {
  const times = timesOf([0, 100_000], [1_040, 161_040], [61_040, 161_100]);
  assert.equal(times.wallAt(1_040), 101_100);
});

test('of many pauses not all are told apart, and nothing grows', () => {
  const times = new MediaTimes();
  for (let index = 0; index < 1_000; index++) times.note(index, index * 10_000);
  assert.equal(times.wallAt(999), 999 * 10_000);
  assert.ok(times.wallAt(10) <= 10 * 10_000);
});
