import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { linkSignals, startDeadline } from './deadline.ts';

test('a linked signal aborts with the reason of the first cause', () => {
  const one = new AbortController();
  const other = new AbortController();
  using linked = linkSignals([one.signal, undefined, other.signal]);
  other.abort('second');
  one.abort('first');
  assert.equal(linked.signal.reason, 'second');
});

test('a linked signal of an aborted one is aborted', () => {
  using linked = linkSignals([AbortSignal.abort('before')]);
  assert.equal(linked.signal.reason, 'before');
});

test('a deadline aborts with engine_timeout when it is over, not before', async () => {
  const clock = new ManualClock();
  using deadline = startDeadline(clock, 3_000, []);
  await clock.advance(2_999);
  assert.ok(!deadline.signal.aborted);
  await clock.advance(1);
  assert.equal(deadline.signal.reason.code, 'engine_timeout');
});

test('a deadline that is disposed leaves neither timer nor listener', () => {
  const clock = new ManualClock();
  const cause = new AbortController();
  {
    using deadline = startDeadline(clock, 3_000, [cause.signal]);
    assert.equal(clock.pendingTimers, 1);
    assert.equal(getEventListeners(cause.signal, 'abort').length, 1);
    assert.ok(!deadline.signal.aborted);
  }
  assert.equal(clock.pendingTimers, 0);
  assert.equal(getEventListeners(cause.signal, 'abort').length, 0);
});
