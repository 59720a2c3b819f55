import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryKeyStore, type StoredKey, storedKeyOf } from './key-store.ts';

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

test('what was not written by acemux is no key: it would be more than was given', () => {
  const kept = { ...key('one'), limits: { streamsMax: 2, onLimit: 'refuse' } };
  assert.deepEqual(storedKeyOf(key('one')), key('one'));
  assert.deepEqual(storedKeyOf({ ...kept, limits: null })?.limits, undefined);
  assert.equal(storedKeyOf(kept)?.limits?.streamsMax, 2);
  for (const wrong of [
    { role: 'root' },
    { digest: '' },
    { digest: 'F'.repeat(64) },
    { limits: { viewersMax: 0 } },
    { limits: { colour: 1 } },
    { limits: 'none' },
    { limits: { onLimit: 'explode' } },
  ]) {
    assert.equal(storedKeyOf({ ...kept, ...wrong }), undefined, JSON.stringify(wrong));
  }
});
