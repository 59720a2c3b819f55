import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from './clock.ts';
import { ManualClock } from './manual-clock.ts';

test('timers fire in the order of their times, each at its own moment', async () => {
  const clock = new ManualClock();
  const fired: [string, number][] = [];
  clock.startTimer(20, () => fired.push(['late', clock.nowMs()]));
  clock.startTimer(10, () => fired.push(['early', clock.nowMs()]));
  clock.startTimer(10, () => fired.push(['early too', clock.nowMs()]));
  clock.startTimer(31, () => fired.push(['never', clock.nowMs()]));
  await clock.advance(30);
  assert.deepEqual(fired, [
    ['early', 10],
    ['early too', 10],
    ['late', 20],
  ]);
  assert.equal(clock.nowMs(), 30);
  assert.equal(clock.pendingTimers, 1);
  assert.equal(clock.nextInMs, 1);
  await clock.advance(1);
  assert.equal(clock.nextInMs, undefined);
});

test('a timer that is started by another one fires in the same step if it is due', async () => {
  const clock = new ManualClock();
  const fired: number[] = [];
  clock.startTimer(10, () => clock.startTimer(5, () => fired.push(clock.nowMs())));
  await clock.advance(20);
  assert.deepEqual(fired, [15]);
});

test('promises that a timer settles run before the next timer', async () => {
  const clock = new ManualClock();
  const steps: string[] = [];
  void sleep(clock, 10).then(() => steps.push('slept'));
  clock.startTimer(20, () => steps.push('timer'));
  await clock.advance(20);
  assert.deepEqual(steps, ['slept', 'timer']);
});

test('a cancelled timer does not fire and does not count as pending', async () => {
  const clock = new ManualClock();
  const timer = clock.startTimer(10, () => assert.fail('it was cancelled'));
  timer.cancel();
  assert.equal(clock.pendingTimers, 0);
  await clock.advance(20);
});

test('the wall clock moves along', async () => {
  const clock = new ManualClock(1_000_000);
  await clock.advance(500);
  assert.equal(clock.wallMs(), 1_000_500);
});
