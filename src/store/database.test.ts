import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { Database } from './database.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './migrations.ts';
import { StoreFailure, type StoreProblem } from './statement.ts';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'acemux-store-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function opened(t: TestContext, file: string): Database {
  const database = Database.open(file);
  t.after(() => database.close());
  return database;
}

function failsWith(problem: StoreProblem): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreFailure, String(error));
    assert.equal(error.problem, problem, error.message);
    return true;
  };
}

const setting = (name: string, value = '1') => ({
  sql: 'INSERT INTO settings (path, value, changed_at, changed_by) VALUES (?, ?, ?, ?)',
  values: [name, value, 0, 'test'],
});
const NAMES = { sql: 'SELECT path FROM settings ORDER BY path' };

test('what was written is there when the file is opened again', (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const first = Database.open(file);
  assert.equal(first.write([[setting('a')], [setting('b')]]).size, 0);
  first.close();
  assert.deepEqual(opened(t, file).read(NAMES), [{ path: 'a' }, { path: 'b' }]);
});

test('who reads the file elsewhere waits for no write, and no write waits for him', (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const database = opened(t, file);
  assert.deepEqual(database.read({ sql: 'PRAGMA journal_mode' }), [{ journal_mode: 'wal' }]);
  database.write([[setting('a')]]);
  const other = new DatabaseSync(file, { readOnly: true });
  t.after(() => other.close());
  other.exec('BEGIN');
  const seen = () => other.prepare(NAMES.sql).all().length;
  assert.equal(seen(), 1);
  assert.equal(database.write([[setting('b')]]).size, 0);
  assert.equal(seen(), 1, 'it goes on with what there was');
});

test('a group with a mistake is left out whole, and the others are written', (t) => {
  const database = opened(t, path.join(folderFor(t), 'acemux.db'));
  const mistakes = database.write([[setting('a')], [setting('b'), setting('a')], [setting('c')]]);
  assert.deepEqual([...mistakes.keys()], [1]);
  assert.deepEqual(database.read(NAMES), [{ path: 'a' }, { path: 'c' }]);
});

test('a mistake in what is read is no failure of the store', (t) => {
  const database = opened(t, path.join(folderFor(t), 'acemux.db'));
  assert.throws(
    () => database.read({ sql: 'SELECT nothing' }),
    (error) => !(error instanceof StoreFailure),
  );
});

test('a write lock held elsewhere is told, and does no harm', (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const database = opened(t, file);
  const other = new DatabaseSync(file);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  assert.throws(() => database.write([[setting('a')]]), failsWith('store_locked'));
  assert.deepEqual(database.read(NAMES), []);
  other.exec('ROLLBACK');
  database.write([[setting('a')]]);
  assert.deepEqual(database.read(NAMES), [{ path: 'a' }]);
});

test('memory holds as much as it may, and then is full', () => {
  const database = Database.inMemory(256 * 1024);
  assert.throws(() => database.write([[setting('a', 'x'.repeat(300 * 1024))]]), failsWith('store_full'));
  database.write([[setting('b')]]);
  assert.deepEqual(database.read(NAMES), [{ path: 'b' }]);
  database.close();
});

describe('a file that is not what it should be is left as it is', () => {
  const cases: readonly [string, StoreProblem, (file: string) => void][] = [
    ['no database', 'store_corrupt', (file) => writeFileSync(file, 'This is a letter. '.repeat(100))],
    [
      'a database of another program',
      'store_corrupt',
      (file) => {
        const other = new DatabaseSync(file);
        other.exec('CREATE TABLE photos (name TEXT)');
        other.close();
      },
    ],
    [
      'from the future',
      'store_newer',
      (file) => {
        Database.open(file).close();
        const newer = new DatabaseSync(file);
        newer.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
        newer.close();
      },
    ],
    [
      'cut in half',
      'store_corrupt',
      (file) => {
        const whole = Database.open(file);
        whole.write([[setting('a', 'x'.repeat(100_000))]]);
        whole.close();
        truncateSync(file, readFileSync(file).length / 2);
      },
    ],
    ['not a file', 'store_failed', (file) => rmSync(file, { force: true })],
  ];
  for (const [name, problem, make] of cases) {
    test(name, (t) => {
      const folder = folderFor(t);
      const file = name === 'not a file' ? folder : path.join(folder, 'acemux.db');
      if (name !== 'not a file') make(file);
      const before = name === 'not a file' ? undefined : readFileSync(file);
      assert.throws(() => Database.open(file), failsWith(problem));
      if (before) assert.ok(readFileSync(file).equals(before));
    });
  }
});

describe('every older schema', () => {
  /** The tables as SQLite knows them, without how their text was written. */
  const shapeOf = (database: Database) =>
    database.read({
      sql: "SELECT name, type, replace(replace(sql, char(10), ' '), '  ', '') AS sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
    });

  test('has a fixture', () => {
    const wanted = MIGRATIONS.map((_, index) => `schema-${index + 1}.db`);
    assert.deepEqual(readdirSync(FIXTURES).sort(), wanted.sort());
  });

  for (const [index] of MIGRATIONS.entries()) {
    test(`is brought to the newest one with all that it holds: schema ${index + 1}`, (t) => {
      const file = path.join(folderFor(t), 'acemux.db');
      copyFileSync(path.join(FIXTURES, `schema-${index + 1}.db`), file);
      const database = opened(t, file);
      const fresh = Database.inMemory(1_000_000);
      t.after(() => fresh.close());
      assert.deepEqual(shapeOf(database), shapeOf(fresh));
      assert.deepEqual(database.read({ sql: 'SELECT path, value, changed_by FROM settings' }), [
        { path: 'streams.retry_budget', value: '"90s"', changed_by: 'admin' },
      ]);
      assert.deepEqual(database.read({ sql: 'SELECT name, role FROM keys' }), [
        { name: 'living-room', role: 'viewer' },
      ]);
    });
  }
});
