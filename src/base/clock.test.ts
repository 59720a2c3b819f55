import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { sleep, systemClock } from './clock.ts';
import { ManualClock } from './manual-clock.ts';

describe('sleep', () => {
  test('ends after the delay and leaves no listener on the signal', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    let done = false;
    const sleeping = sleep(clock, 100, abort.signal).then(() => {
      done = true;
    });
    await clock.advance(99);
    assert.equal(done, false);
    await clock.advance(1);
    await sleeping;
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  });

  test('rejects with the reason of the signal at once and leaves no timer', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const sleeping = sleep(clock, 100, abort.signal);
    const reason = new Error('enough');
    abort.abort(reason);
    await assert.rejects(sleeping, reason);
    assert.equal(clock.pendingTimers, 0);
  });

  test('does not even begin when the signal has aborted already', async () => {
    const clock = new ManualClock();
    await assert.rejects(sleep(clock, 100, AbortSignal.abort(new Error('before'))), /before/);
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('the system clock', () => {
  test('fires a timer, not before its delay', async () => {
    const startMs = systemClock.nowMs();
    await new Promise<void>((resolve) => systemClock.startTimer(5, resolve));
    // setTimeout counts in whole milliseconds of its own clock.
    assert.ok(systemClock.nowMs() - startMs >= 4);
  });

  test('does not fire a cancelled timer', async () => {
    let fired = false;
    const timer = systemClock.startTimer(0, () => {
      fired = true;
    });
    timer.cancel();
    await new Promise<void>((resolve) => systemClock.startTimer(5, resolve));
    assert.equal(fired, false);
  });

  test('fires a timer whose time is over already, and nobody is warned', async (t) => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', onWarning);
    t.after(() => process.off('warning', onWarning));
    await new Promise<void>((resolve) => systemClock.startTimer(-100, resolve));
    await new Promise<void>((resolve) => systemClock.startTimer(1, resolve));
    assert.deepEqual(warnings, []);
  });
});
