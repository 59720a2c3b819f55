import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curveOf, extremeOf, latestOf } from './curve.ts';

const POINTS = [
  { at: 0, value: 3 },
  { at: 300, value: 7 },
  { at: 1_500, value: 7 },
  { at: 1_800, value: 1 },
];

test('a curve is broken where points are missing, and ends before what is not over', () => {
  assert.deepEqual(curveOf(POINTS, 300, 2_000), { times: [0, 300, 600, 1_500], values: [3, 7, null, 7] });
  assert.deepEqual(curveOf(POINTS, 300, 2_100).values, [3, 7, null, 7, 1]);
  assert.deepEqual(curveOf([], 300, 2_000), { times: [], values: [] });
});

test('its highest and its lowest point are the latest of several, its last one the last that is known', () => {
  const curve = curveOf(POINTS, 300, 2_100);
  assert.deepEqual(extremeOf(curve, 'highest'), { at: 1_500, value: 7 });
  assert.deepEqual(extremeOf(curve, 'lowest'), { at: 1_800, value: 1 });
  assert.deepEqual(latestOf({ times: [0, 300], values: [4, null] }), { at: 0, value: 4 });
  assert.deepEqual(
    [extremeOf(curveOf([], 300, 0), 'lowest'), latestOf(curveOf([], 300, 0))],
    [undefined, undefined],
  );
});
