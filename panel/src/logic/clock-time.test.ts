import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastTimeOf } from './clock-time.ts';

test('a time of the clock is the last one there was', () => {
  const noon = new Date(2026, 4, 5, 12, 0, 0).getTime();
  assert.equal(lastTimeOf('11:30', noon), noon - 30 * 60_000);
  assert.equal(lastTimeOf('11:59:59', noon), noon - 1_000);
  assert.equal(lastTimeOf('21:04', noon), new Date(2026, 4, 4, 21, 4, 0).getTime());
  for (const text of ['', 'noon', '12', '1:2']) assert.equal(lastTimeOf(text, noon), undefined);
});
