import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtLive, isRewindable, positionAfter } from './rewind.ts';

const HOUR = { fromSeconds: 100, liveSeconds: 3_700 };

test('one goes back and on within what there is, and never out of it', () => {
  assert.equal(positionAfter(3_690, -30, HOUR), 3_660);
  assert.equal(positionAfter(3_690, 30, HOUR), 3_700);
  assert.equal(positionAfter(110, -30, HOUR), 102);
  assert.equal(positionAfter(20, 0, HOUR), 102, 'what it stood at is gone meanwhile');
});

test('what a live playlist lists anyhow is no past', () => {
  assert.equal(isRewindable({ fromSeconds: 0, liveSeconds: 14 }), false);
  assert.equal(isRewindable(HOUR), true);
  assert.equal(isAtLive(3_695, HOUR), true);
  assert.equal(isAtLive(3_660, HOUR), false);
});
