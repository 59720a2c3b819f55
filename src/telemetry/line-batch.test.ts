import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LineBatch } from './line-batch.ts';

function collected(): { readonly written: string[]; readonly batch: LineBatch } {
  const written: string[] = [];
  return { written, batch: new LineBatch({ isTTY: true, write: (text: string) => written.push(text) }) };
}

test('lines of one turn of the loop are written together, in order, when it ends', async () => {
  const { batch, written } = collected();
  batch.write('first\n');
  await Promise.resolve();
  batch.write('second\n');
  assert.deepEqual(written, []);
  await nextTurn();
  assert.deepEqual(written, ['first\nsecond\n']);
  batch.write('third\n');
  await nextTurn();
  assert.deepEqual(written, ['first\nsecond\n', 'third\n']);
});

test('what waits is written at once when the process is about to end, and not again', async () => {
  const { batch, written } = collected();
  batch.write('last words\n');
  batch.flush();
  batch.flush();
  assert.deepEqual(written, ['last words\n']);
  await nextTurn();
  assert.deepEqual(written, ['last words\n']);
});

test('it is a terminal where its destination is one', () => {
  assert.equal(collected().batch.isTTY, true);
});
