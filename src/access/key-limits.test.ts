import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKeyLimits, limitsOf, writtenLimitsOf } from './key-limits.ts';

test('limits go to programs and back unchanged; what is not set is left out', () => {
  const written = { streams_max: 2, bytes_per_second: 1000, on_limit: 'refuse' } as const;
  assert.deepEqual(writtenLimitsOf(limitsOf(written)), written);
  assert.equal(limitsOf(undefined), undefined);
  assert.equal(limitsOf({}), undefined);
  assert.deepEqual(writtenLimitsOf(undefined), {});
});

test('limits are whole numbers from 1 on, and words that there are', () => {
  const none = {
    ...{ streamsMax: undefined, viewersMax: undefined, startsPerMinute: undefined },
    ...{ bytesPerSecond: undefined, onLimit: undefined },
  };
  assert.ok(isKeyLimits(none));
  assert.ok(isKeyLimits({ ...none, viewersMax: 1, onLimit: 'replace_oldest' }));
  for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, 2 ** 53]) {
    assert.equal(isKeyLimits({ ...none, streamsMax: wrong }), false, String(wrong));
  }
  assert.equal(isKeyLimits({ ...none, onLimit: 'explode' }), false);
});
