import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  counted,
  formatBoth,
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
  formatSeconds,
  formatTime,
  formatUtc,
  shortId,
} from './format.ts';

test('what is missing is a dash, whatever it would have been', () => {
  for (const format of [formatCount, formatBytes, formatRate, formatDuration, formatSeconds]) {
    for (const missing of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY])
      assert.equal(format(missing), '–');
  }
  assert.equal(formatTime(Number.NaN, 0), '–');
  assert.equal(formatUtc(Number.NaN), '–');
});

test('sizes and rates have three digits and a unit that fits', () => {
  const table: readonly (readonly [number, string, string])[] = [
    [0, '0 B', '0 bit/s'],
    [999, '999 B', '7.99 kbit/s'],
    [1_000, '1.00 kB', '8.00 kbit/s'],
    [124_960, '125 kB', '1.00 Mbit/s'],
    [1_250_000, '1.25 MB', '10.0 Mbit/s'],
    [12_345_678_901, '12.3 GB', '98.8 Gbit/s'],
    [-5, '0 B', '0 bit/s'],
  ];
  for (const [bytes, size, rate] of table)
    assert.deepEqual([formatBytes(bytes), formatRate(bytes)], [size, rate]);
});

test('durations have the two units that matter', () => {
  const table: readonly (readonly [number, string])[] = [
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min 0 s'],
    [200, '3 min 20 s'],
    [3_599, '59 min'],
    [7_500, '2 h 05 min'],
    [273_600, '3 d 4 h'],
  ];
  for (const [seconds, text] of table) assert.equal(formatDuration(seconds), text);
  assert.deepEqual([0.351, 2.04, 75].map(formatSeconds), ['0.35 s', '2.0 s', '1 min 15 s']);
});

test('a moment of another day says which', () => {
  const noon = new Date(2026, 0, 5, 12, 0, 7).getTime();
  assert.equal(formatTime(noon, noon + 1_000), '12:00:07');
  assert.match(formatTime(noon, noon + 86_400_000), /5 Jan.*12:00:07/);
  const noonMs = Date.UTC(2026, 0, 5, 12);
  assert.equal(formatUtc(noonMs), '2026-01-05 12:00:00 UTC');
  assert.equal(formatBoth(noonMs, noonMs), `${formatTime(noonMs, noonMs)} (${formatUtc(noonMs)})`);
  assert.equal(formatBoth(Number.NaN, noonMs), '–');
});

test('ids are cut in the middle, and counts agree with their word', () => {
  assert.equal(shortId('0123456789abcdef0123456789abcdef01234567'), '012345…4567');
  assert.equal(shortId('engine-1'), 'engine-1');
  assert.deepEqual(
    [counted(1, 'viewer'), counted(1_200, 'viewer'), counted(2, 'copy', 'copies')],
    ['1 viewer', '1,200 viewers', '2 copies'],
  );
});
