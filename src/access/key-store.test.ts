import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryKeyStore, type StoredKey } from './key-store.ts';

const key = (id: string): StoredKey => ({
  id,
  name: `of ${id}`,
  role: 'viewer',
  digest: '0'.repeat(64),
  limits: undefined,
  createdAtMs: 0,
});

test('keys are kept in the order in which they were added, until they are removed', async () => {
  const store = new MemoryKeyStore();
  await store.add(key('one'));
  await store.add(key('two'));
  assert.deepEqual(
    (await store.list()).map(({ id }) => id),
    ['one', 'two'],
  );
  assert.equal(await store.remove('one'), true);
  assert.equal(await store.remove('one'), false);
  assert.deepEqual(await store.list(), [key('two')]);
});
