import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { SearchBackoff } from './search-backoff.ts';

function start() {
  const clock = new ManualClock();
  const backoff = new SearchBackoff(clock);
  let due = 0;
  const then = (): void => {
    due++;
  };
  return { clock, backoff, then, due: () => due };
}

describe('after a search in vain', () => {
  test('the next one is due after a pause, and nobody is told twice', async () => {
    const { clock, backoff, then, due } = start();
    backoff.failed(true, 'no_media', then);
    assert.equal(backoff.isOver, false);
    await clock.advance(999);
    assert.equal(due(), 0);
    await clock.advance(501);
    assert.equal(due(), 1);
    assert.equal(backoff.isOver, true);
    await clock.advance(60_000);
    assert.equal(due(), 1);
  });

  test('pauses grow while nothing is found, and begin anew when something is', async () => {
    const { clock, backoff, then, due } = start();
    backoff.failed(true, 'no_media', then);
    backoff.failed(true, 'no_media', then);
    await clock.advance(1_999);
    assert.equal(due(), 0, 'the second takes the place of the first');
    backoff.found();
    backoff.failed(true, 'no_media', then);
    await clock.advance(1_500);
    assert.equal(due(), 1);
  });

  test('what is only suspected is counted apart', async () => {
    const { clock, backoff, then, due } = start();
    for (let times = 0; times < 4; times++) backoff.failed(false, 'no_media', then);
    backoff.failed(true, 'no_media', then);
    await clock.advance(1_500);
    assert.equal(due(), 1);
    backoff.trusted();
    backoff.failed(false, 'no_media', then);
    await clock.advance(1_500);
    assert.equal(due(), 2);
  });

  test('nobody is called once it is cancelled', async () => {
    const { clock, backoff, then, due } = start();
    backoff.failed(true, 'no_media', then);
    backoff.cancel();
    await clock.advance(60_000);
    assert.equal(due(), 0);
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('a source that is lost', () => {
  test('is replaced at once where it had lasted 30 s', async () => {
    const { clock, backoff, then } = start();
    const sinceMs = clock.nowMs();
    await clock.advance(30_000);
    for (let times = 0; times < 3; times++) assert.equal(backoff.lost(sinceMs, then), true);
  });

  test('is replaced at once the first time where it had not, then after pauses', async () => {
    const { clock, backoff, then, due } = start();
    assert.equal(backoff.lost(clock.nowMs(), then), true);
    assert.equal(backoff.lost(clock.nowMs(), then), false);
    await clock.advance(1_500);
    assert.equal(due(), 1);
    assert.equal(backoff.lost(clock.nowMs(), then), false);
  });

  test('is a first one again after one that lasted', async () => {
    const { clock, backoff, then } = start();
    backoff.lost(clock.nowMs(), then);
    const sinceMs = clock.nowMs();
    await clock.advance(30_000);
    backoff.goesOn(sinceMs);
    assert.equal(backoff.lost(clock.nowMs(), then), true);
  });
});
