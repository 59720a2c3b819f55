import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparklinePath, thinned } from './sparkline.ts';

test('a curve ends at the right edge, and begins at zero height', () => {
  assert.equal(sparklinePath([0, 10], 100, 20, 2), 'M0.0 18.5L100.0 1.5');
  assert.equal(sparklinePath([5, 10], 100, 20, 11), 'M90.0 10.0L100.0 1.5');
});

test('one point is no curve, and nothing but zeros is a level one', () => {
  assert.equal(sparklinePath([3], 100, 20, 10), '');
  assert.equal(sparklinePath([0, 0], 10, 20, 2), 'M0.0 18.5L10.0 18.5');
});

test('many points become as many as there is room for, with the same mean', () => {
  assert.deepEqual(thinned([1, 2, 3], 5), [1, 2, 3]);
  assert.deepEqual(thinned([1, 3, 5, 7], 2), [2, 6]);
  assert.equal(
    thinned(
      Array.from({ length: 901 }, () => 4),
      100,
    ).every((value) => value === 4),
    true,
  );
});
