import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Outbox } from './outbox.ts';

function outbox(): { readonly posted: (readonly number[])[]; readonly box: Outbox<number> } {
  const posted: (readonly number[])[] = [];
  return { posted, box: new Outbox((items) => posted.push(items)) };
}

test('what is told in one turn is one message, in order, and the next turn has its own', async () => {
  const { box, posted } = outbox();
  box.add(1);
  await Promise.resolve();
  box.add(2);
  assert.deepEqual(posted, []);
  await nextTurn();
  assert.deepEqual(posted, [[1, 2]]);
  box.add(3);
  await nextTurn();
  assert.deepEqual(posted, [[1, 2], [3]]);
});

test('what waits may be posted at once, and is not posted again', async () => {
  const { box, posted } = outbox();
  box.add(1);
  box.flush();
  box.flush();
  await nextTurn();
  assert.deepEqual(posted, [[1]]);
});

test('what is forgotten is not posted, and what comes later is', async () => {
  const { box, posted } = outbox();
  box.add(1);
  box.clear();
  await nextTurn();
  box.add(2);
  await nextTurn();
  assert.deepEqual(posted, [[2]]);
});
