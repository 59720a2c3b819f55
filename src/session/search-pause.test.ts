import assert from 'node:assert/strict';
import { test } from 'node:test';
import { searchPauseMs } from './search-pause.ts';

test('searches in vain are repeated after ever longer pauses, up to 15 s and half as much again', () => {
  const pauses = [0, 1, 2, 3, 4, 50].map((failures) => searchPauseMs(failures, 'no_media', 0));
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  assert.equal(searchPauseMs(50, 'no_media', 1), 22_500);
  assert.equal(searchPauseMs(0, undefined, 0), 1_000);
});

test('an engine that is away is looked for again soon, and never more than once a second for long', () => {
  for (const reason of ['engine_unreachable', 'no_engine_available'] as const) {
    const pauses = [0, 1, 2, 3, 4, 5, 50].map((failures) => searchPauseMs(failures, reason, 0));
    assert.deepEqual(pauses, [50, 100, 200, 400, 800, 1_000, 1_000]);
    assert.equal(searchPauseMs(50, reason, 1), 1_500);
  }
});
