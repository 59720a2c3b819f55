import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database } from './database.ts';
import { StoredSettings } from './stored-settings.ts';

function stored() {
  const state = { database: Database.inMemory(4_000_000), reload: () => {} };
  const settings = new StoredSettings({
    read: async (statement) => state.database.read(statement),
    writeWithin: async (_waitMs, statements) => {
      state.database.write([statements]);
      return 'file';
    },
    onReloaded: (listener) => {
      state.reload = listener;
      return () => {};
    },
  });
  const set = (value: number): Promise<unknown> =>
    settings.set({ path: 'a', value, changedAtMs: value, changedBy: 'admin' });
  return { state, settings, set };
}

test('the newest 1,000 changes are remembered', async () => {
  const { settings, set } = stored();
  for (let value = 1; value <= 1_002; value++) await set(value);
  const changes = await settings.changes(2_000);
  assert.deepEqual([changes.length, changes[0]?.value, changes.at(-1)?.value], [1_000, 1_002, 3]);
});

test('when the database is another one its settings hold, and whoever listens hears of it', async () => {
  const { settings, set, state } = stored();
  await settings.load();
  await set(1);
  const heard = new Promise<void>((resolve) => settings.onReloaded(resolve));
  state.database = Database.inMemory(4_000_000);
  state.reload();
  await heard;
  assert.deepEqual(settings.list(), []);
});
