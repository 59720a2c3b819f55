import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import type { Row, SavedTo } from './statement.ts';
import { type KeyRecord, type KeysStore, StoredKeys } from './stored-keys.ts';

const KEY: KeyRecord = {
  id: 'one',
  name: 'of one',
  role: 'viewer',
  digest: '0'.repeat(64),
  limits: undefined,
  createdAtMs: 7,
};
const ROW: Row = {
  id: 'one',
  name: 'of one',
  role: 'viewer',
  hash: '0'.repeat(64),
  limits: 'null',
  created_at: 7,
};

/** A database that has these rows, and writes as it is told. */
function databaseWith(rows: readonly Row[], savedTo: SavedTo = 'file') {
  const state = { rows, savedTo, reload: () => {} };
  const store: KeysStore = {
    read: async () => state.rows,
    writeWithin: async () => state.savedTo,
    onReloaded: (listener) => {
      state.reload = listener;
      return () => {};
    },
  };
  return { state, keys: new StoredKeys(store) };
}

test('a key whose removal is lost is there as before, and one that could not be kept is not', async () => {
  const { keys, state } = databaseWith([ROW]);
  await keys.load();
  state.savedTo = 'lost';
  await assert.rejects(keys.remove('one'), AcemuxError);
  await assert.rejects(keys.add({ ...KEY, id: 'two' }), AcemuxError);
  assert.deepEqual(await keys.list(), [KEY]);
  state.savedTo = 'waiting';
  assert.equal(await keys.remove('one'), true, 'the file gets it later');
  assert.deepEqual(await keys.list(), []);
});

test('limits that can’t be read let nobody watch, instead of everybody', async () => {
  const { keys } = databaseWith([{ ...ROW, limits: '{"viewersMax": 2' }]);
  await keys.load();
  assert.deepEqual(await keys.list(), [{ ...KEY, limits: { viewersMax: 0 } }]);
});

test('another database has its own keys, and whoever listens hears of it', async () => {
  const { keys, state } = databaseWith([ROW]);
  await keys.load();
  const heard = new Promise<void>((resolve) => keys.onReloaded(resolve));
  state.rows = [{ ...ROW, id: 'two' }];
  state.reload();
  await heard;
  assert.deepEqual(await keys.list(), [{ ...KEY, id: 'two' }]);
});
