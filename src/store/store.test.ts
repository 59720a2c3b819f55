import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { Store, type StoreHealth } from './store.ts';
import { StoredKeys } from './stored-keys.ts';
import { StoredSettings } from './stored-settings.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'acemux-store-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

interface Opened {
  readonly store: Store;
  readonly healths: StoreHealth[];
  readonly mistakes: string[];
  /** Resolves when the store tells such a health. */
  health(is: (health: StoreHealth) => boolean): Promise<void>;
}

async function opened(t: TestContext, file: string): Promise<Opened> {
  const healths: StoreHealth[] = [];
  const mistakes: string[] = [];
  const waiting: { is: (health: StoreHealth) => boolean; resolve: () => void }[] = [];
  const store = new Store({
    file,
    clock: systemClock,
    witness: {
      storeChanged: (health) => {
        healths.push(health);
        for (const { is, resolve } of waiting) if (is(health)) resolve();
      },
      storeMistaken: (detail) => mistakes.push(detail),
    },
  });
  t.after(() => store.stop());
  await store.start();
  const health = (is: (health: StoreHealth) => boolean) =>
    new Promise<void>((resolve) => {
      if (is(store.health)) resolve();
      else waiting.push({ is, resolve });
    });
  return { store, healths, mistakes, health };
}

const setting = (name: string) => ({
  path: name,
  value: { deep: [1, 'two'] },
  changedAtMs: 5,
  changedBy: 'admin',
});
const key = (id: string) => ({
  id,
  name: `of ${id}`,
  role: 'viewer',
  digest: '0'.repeat(64),
  limits: { viewersMax: 2 },
  createdAtMs: 7,
});

test('settings and keys outlive the store, with who changed what', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const first = await opened(t, file);
  const settings = new StoredSettings(first.store);
  await settings.load();
  assert.equal(await settings.set(setting('a')), 'file');
  assert.equal(await settings.set({ ...setting('b'), value: 1 }), 'file');
  assert.equal(await settings.set({ ...setting('b'), value: 2, changedBy: 'operator' }), 'file');
  assert.equal(await settings.reset('a', 6, 'operator'), 'file');
  const keys = new StoredKeys(first.store);
  await keys.load();
  await keys.add(key('one'));
  await keys.add({ ...key('two'), limits: undefined });
  await keys.add(key('three'));
  assert.equal(await keys.remove('one'), true);
  assert.equal(await keys.remove('one'), false);
  await first.store.stop();
  assert.deepEqual(first.healths, []);

  const { store } = await opened(t, file);
  const again = new StoredSettings(store);
  await again.load();
  assert.deepEqual(again.list(), [{ ...setting('b'), value: 2, changedBy: 'operator' }]);
  assert.deepEqual(await again.changes(2), [
    { path: 'a', previous: { deep: [1, 'two'] }, value: undefined, changedAtMs: 6, changedBy: 'operator' },
    { path: 'b', previous: 1, value: 2, changedAtMs: 5, changedBy: 'operator' },
  ]);
  const keysAgain = new StoredKeys(store);
  await keysAgain.load();
  assert.deepEqual(await keysAgain.list(), [key('three'), { ...key('two'), limits: undefined }]);
});

test('while another process holds the file, settings change, keys work, and the alarm says so', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const { store, health } = await opened(t, file);
  const settings = new StoredSettings(store);
  const keys = new StoredKeys(store);
  await Promise.all([settings.load(), keys.load()]);
  const other = new DatabaseSync(file);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const saved = settings.set(setting('a'));
  assert.deepEqual(settings.get('a'), setting('a'));
  assert.deepEqual(await store.read({ sql: 'SELECT * FROM settings' }), []);
  await health(({ problem }) => problem === 'store_locked');
  assert.equal(store.health.waiting, 1);
  other.exec('ROLLBACK');
  await health(({ problem }) => problem === undefined);
  assert.equal(await saved, 'file');
  assert.equal(store.health.lost, 0);
});

test('without a usable file it lives in memory, and says so', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  writeFileSync(file, 'This is a letter. '.repeat(100));
  const { store, healths } = await opened(t, file);
  assert.deepEqual([store.health.place, store.health.problem], ['memory', 'store_corrupt']);
  assert.equal(healths.length, 1);
  const settings = new StoredSettings(store);
  await settings.load();
  assert.equal(await settings.set(setting('a')), 'memory');
  assert.equal((await store.read({ sql: 'SELECT * FROM settings' })).length, 1);
});

test('what is too much to wait is lost: first what is worth less', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const { store } = await opened(t, file);
  const other = new DatabaseSync(file);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const sql = 'DELETE FROM settings WHERE path = ?';
  const big = [{ sql, values: ['x'.repeat(3_000_000)] }];
  const waiting = [store.write(big, 'ordinary'), store.write(big, 'ordinary')];
  assert.equal(await store.write(big, 'ordinary'), 'lost');
  waiting.push(store.write(big));
  assert.deepEqual([store.health.waiting, store.health.lost], [3, 1]);
  other.exec('ROLLBACK');
  assert.deepEqual((await Promise.all(waiting)).length, 3);
  assert.equal(store.health.waiting, 0);
});

test('what has been written makes room for more', async (t) => {
  const { store } = await opened(t, path.join(folderFor(t), 'acemux.db'));
  const statement = { sql: 'DELETE FROM settings WHERE path = ?', values: ['x'.repeat(3_000_000)] };
  for (let write = 0; write < 4; write++) assert.equal(await store.write([statement], 'ordinary'), 'file');
});

test('so many wait and no more, however small they are', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const { store } = await opened(t, file);
  const other = new DatabaseSync(file);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const small = [{ sql: 'DELETE FROM settings' }];
  const waiting = Array.from({ length: 4_000 }, () => store.write(small, 'ordinary'));
  assert.equal(await store.write(small, 'ordinary'), 'lost');
  waiting.push(store.write(small));
  assert.deepEqual([store.health.waiting, store.health.lost], [4_001, 1]);
  other.exec('ROLLBACK');
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['file']));
});

/** Goes through so many rows: nothing else is answered meanwhile. */
const counting = (rows: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})`;

test('a thread that does not answer for 5 s is an alarm, until it answers', async (t) => {
  const clock = new ManualClock();
  const problems: unknown[] = [];
  const store = new Store({
    file: path.join(folderFor(t), 'acemux.db'),
    clock,
    witness: { storeChanged: ({ problem }) => problems.push(problem), storeMistaken: assert.fail },
  });
  t.after(() => store.stop());
  await store.start();
  const counted = store.read({ sql: `${counting(1_000_000)} SELECT count(*) FROM n` });
  const written = store.write([{ sql: 'DELETE FROM settings' }]);
  await Promise.all([clock.advance(4_900), assert.doesNotReject(counted)]);
  await written;
  assert.deepEqual(problems, []);
  const again = store.read({ sql: `${counting(1_000_000)} SELECT count(*) FROM n` }).catch(() => {});
  const late = store.write([{ sql: 'DELETE FROM settings' }]);
  await clock.advance(7_000);
  assert.deepEqual(problems, ['store_slow']);
  await Promise.all([again, late]);
  await clock.advance(1_000);
  assert.deepEqual(problems, ['store_slow', undefined]);
});

test('a thread that has ended is started again, and what it has not written is written', async (t) => {
  const clock = new ManualClock();
  const problems: unknown[] = [];
  const told = Promise.withResolvers<void>();
  const good = path.join(folderFor(t), 'acemux.db');
  let file = 'no file can be called \0';
  const store = new Store({
    get file() {
      return file;
    },
    clock,
    witness: {
      storeChanged: ({ problem }) => {
        problems.push(problem);
        if (problem === undefined) told.resolve();
      },
      storeMistaken: assert.fail,
    },
  });
  t.after(() => store.stop());
  await store.start();
  assert.deepEqual(problems, ['store_failed']);
  const settings = new StoredSettings(store);
  const saved = settings.set(setting('a'));
  file = good;
  await clock.advance(1_000);
  assert.equal(await saved, 'file');
  await told.promise;
  await settings.load();
  assert.deepEqual([settings.list(), problems], [[setting('a')], ['store_failed', undefined]]);
});

test('space is given back later where another process holds the file, and nobody is alarmed', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const { store, healths } = await opened(t, file);
  const sql = 'INSERT INTO settings (path, value, changed_at, changed_by) VALUES (?, ?, 0, ?)';
  await store.write([{ sql, values: ['a', 'x'.repeat(1_000_000), 'b'] }]);
  await store.write([{ sql: 'DELETE FROM settings' }]);
  const other = new DatabaseSync(file);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  store.shrink();
  assert.deepEqual(await store.read({ sql: 'SELECT * FROM settings' }), []);
  assert.deepEqual(healths, []);
});

test('a mistake is told and loses only itself', async (t) => {
  const { store, mistakes } = await opened(t, path.join(folderFor(t), 'acemux.db'));
  assert.equal(await store.write([{ sql: 'INSERT INTO nowhere VALUES (1)' }]), 'lost');
  assert.deepEqual(mistakes, ['no such table: nowhere']);
  await assert.rejects(
    store.read({ sql: 'SELECT nothing' }),
    (error) => error instanceof AcemuxError && error.code === 'store_unavailable',
  );
});

test('who waits for a write no longer than this goes on', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const { store } = await opened(t, file);
  const other = new DatabaseSync(file);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const statement = { sql: 'DELETE FROM settings' };
  assert.equal(await store.writeWithin(20, [statement]), 'waiting');
  other.exec('ROLLBACK');
  assert.equal(await store.writeWithin(10_000, [statement]), 'file');
});

test('what was told before the end is written, and nothing is taken after it', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const { store } = await opened(t, file);
  const settings = new StoredSettings(store);
  await settings.load();
  const saved = settings.set(setting('a'));
  await store.stop();
  assert.equal(await saved, 'file');
  assert.equal(await settings.set(setting('b')), 'lost');
  await assert.rejects(store.read({ sql: 'SELECT 1' }), AcemuxError);
  await assert.rejects(new StoredKeys(store).add(key('one')), AcemuxError);
});
