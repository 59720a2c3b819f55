import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../base/manual-clock.ts';
import { PortRanges } from './port-ranges.ts';

const range = { first: 100, last: 102 };
const none: ReadonlySet<number> = new Set();

test('each port of a range is given once before one is given again', () => {
  const ranges = new PortRanges(new ManualClock());
  assert.deepEqual(
    Array.from({ length: 4 }, () => ranges.take(range, none)),
    [100, 101, 102, 100],
  );
});

test('a port that is used is not given', () => {
  const ranges = new PortRanges(new ManualClock());
  assert.equal(ranges.take(range, new Set([100, 101])), 102);
  assert.equal(ranges.take(range, new Set([100, 101, 102])), undefined);
});

test('a port that something else listens on rests for ten minutes', async () => {
  const clock = new ManualClock();
  const ranges = new PortRanges(clock);
  ranges.quarantine(100);
  const others = new Set([101, 102]);
  assert.equal(ranges.take(range, others), undefined);
  await clock.advance(10 * 60_000);
  assert.equal(ranges.take(range, others), 100);
});

test('ranges are independent of each other', () => {
  const ranges = new PortRanges(new ManualClock());
  assert.equal(ranges.take(range, none), 100);
  assert.equal(ranges.take({ first: 200, last: 200 }, none), 200);
  assert.equal(ranges.take(range, none), 101);
});
