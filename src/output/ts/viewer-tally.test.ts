import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ViewerTally } from './viewer-tally.ts';

test('a viewer that had all there was and got nothing for a while has seen a pause', () => {
  const tally = new ViewerTally(0);
  assert.equal(tally.sent(100, true, 0), 0);
  assert.equal(tally.sent(100, true, 900), 0);
  assert.equal(tally.sent(100, true, 3_900), 3_000);
  assert.equal(tally.longestPauseMs, 3_000);
  assert.equal(tally.bytesSent, 300);
});

test('one that takes nothing although there is more has seen none: that is its own line', () => {
  const tally = new ViewerTally(0);
  tally.sent(100, false, 0);
  assert.equal(tally.sent(100, false, 20_000), 0);
  assert.equal(tally.longestPauseMs, 0);
});
