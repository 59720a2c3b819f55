import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { WriteLoop } from './write-loop.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock on which every writer takes two milliseconds. */
function slowClock(): Clock {
  let nowMs = 0;
  return { ...systemClock, nowMs: () => (nowMs += 2) };
}

test('every writer that was scheduled gets its turn, once', async () => {
  const loop = new WriteLoop(systemClock);
  const calls: number[] = [];
  const writers = [0, 1, 2].map((number) => ({ isQueued: false, write: () => calls.push(number) < 0 }));
  for (const writer of writers) {
    loop.schedule(writer);
    loop.schedule(writer);
  }
  assert.deepEqual(calls, [], 'nothing is written by the one who schedules');
  while (calls.length < 3) await nextTurn();
  await nextTurn();
  assert.deepEqual(calls, [0, 1, 2]);
});

test('writing is spread over turns of the event loop when it takes long', async () => {
  const loop = new WriteLoop(slowClock());
  let written = 0;
  let writtenAtOnce = 0;
  for (let number = 0; number < 30; number++) loop.schedule({ isQueued: false, write: () => ++written < 0 });
  while (written < 30) {
    const before = written;
    await nextTurn();
    writtenAtOnce = Math.max(writtenAtOnce, written - before);
  }
  assert.ok(writtenAtOnce <= 6, `${writtenAtOnce} in one turn`);
});

test('a writer with more to say is heard again, behind the others', async () => {
  const loop = new WriteLoop(systemClock);
  const calls: string[] = [];
  loop.schedule({
    isQueued: false,
    write: () => {
      calls.push('long');
      return calls.filter((name) => name === 'long').length < 3;
    },
  });
  loop.schedule({ isQueued: false, write: () => calls.push('short') < 0 });
  while (calls.length < 4) await nextTurn();
  assert.deepEqual(calls, ['long', 'short', 'long', 'long']);
});

test('who is removed, or still waits when it stops, writes no more', async () => {
  const loop = new WriteLoop(systemClock);
  let calls = 0;
  const writer = { isQueued: false, write: () => ++calls < 0 };
  loop.schedule(writer);
  loop.remove(writer);
  loop.schedule({ isQueued: false, write: () => ++calls < 0 });
  loop.stop();
  await nextTurn();
  await nextTurn();
  assert.equal(calls, 0);
});
