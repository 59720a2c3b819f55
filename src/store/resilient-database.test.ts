import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { Database } from './database.ts';
import { type DatabaseState, ResilientDatabase } from './resilient-database.ts';

const NAMES = { sql: 'SELECT path FROM settings ORDER BY path' };
const group = (id: number, name: string) => ({
  id,
  statements: [
    {
      sql: 'INSERT OR REPLACE INTO settings (path, value, changed_at, changed_by) VALUES (?, ?, ?, ?)',
      values: [name, '1', 0, 'test'],
    },
  ],
});

class House {
  readonly clock = new ManualClock();
  readonly states: (DatabaseState & { readonly isReloaded: boolean })[] = [];
  readonly written: [number, string][] = [];
  readonly mistaken: number[] = [];
  readonly file: string;
  readonly database: ResilientDatabase;

  constructor(file: string) {
    this.file = file;
    this.database = new ResilientDatabase({
      file,
      memoryBytesMax: 1_000_000,
      clock: this.clock,
      owner: {
        stateChanged: (state, isReloaded) => this.states.push({ ...state, isReloaded }),
        written: (id, to) => this.written.push([id, to]),
        mistaken: (id) => this.mistaken.push(id),
      },
    });
  }

  write(id: number, name: string): void {
    this.database.add(group(id, name));
    this.database.flush();
  }

  names(): unknown[] {
    return this.database.read(NAMES).map((row) => row['path']);
  }

  get latest() {
    const state = this.states.at(-1);
    return [state?.place, state?.problem];
  }
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'acemux-store-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function houseAt(t: TestContext, file: string): House {
  const house = new House(file);
  house.database.start();
  t.after(() => {
    house.database.stop();
    assert.equal(house.clock.pendingTimers, 0);
  });
  return house;
}

test('it writes to the file', (t) => {
  const house = houseAt(t, path.join(folderFor(t), 'acemux.db'));
  house.write(1, 'a');
  assert.deepEqual(house.written, [[1, 'file']]);
  assert.deepEqual(house.names(), ['a']);
  assert.deepEqual(house.latest, ['file', undefined]);
});

test('what a lock held elsewhere keeps out waits, and is told of only if it lasts', async (t) => {
  const house = houseAt(t, path.join(folderFor(t), 'acemux.db'));
  const other = new DatabaseSync(house.file);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  house.write(1, 'a');
  house.write(2, 'b');
  await house.clock.advance(900);
  assert.deepEqual(house.latest, ['file', undefined]);
  await house.clock.advance(300);
  assert.deepEqual(house.latest, ['file', 'store_locked']);
  assert.deepEqual(house.written, []);
  assert.deepEqual(house.names(), []);
  other.exec('ROLLBACK');
  await house.clock.advance(200);
  assert.deepEqual(house.latest, ['file', undefined]);
  assert.deepEqual(house.written, [
    [1, 'file'],
    [2, 'file'],
  ]);
  assert.deepEqual(house.names(), ['a', 'b']);
});

test('a file that can’t be opened yet gets what memory was told meanwhile', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  const before = Database.open(file);
  before.write([group(1, 'old').statements]);
  before.close();
  const other = new DatabaseSync(file);
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  const house = houseAt(t, file);
  assert.deepEqual(house.latest, ['memory', 'store_locked']);
  house.write(2, 'new');
  assert.deepEqual(house.written, [[2, 'memory']]);
  assert.deepEqual(house.names(), ['new']);
  // In this mode the lock lasts until the file is closed.
  other.close();
  await house.clock.advance(400);
  assert.deepEqual(house.latest, ['file', undefined]);
  assert.equal(house.states.at(-1)?.isReloaded, true);
  assert.deepEqual(house.names(), ['new', 'old']);
  assert.deepEqual(opened(t, file), ['new', 'old']);
});

test('of what memory was told meanwhile the file gets the newest 5,000', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  Database.open(file).close();
  const other = new DatabaseSync(file);
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  const house = houseAt(t, file);
  const name = (number: number): string => String(number).padStart(5, '0');
  for (let number = 0; number <= 5_000; number++) house.database.add(group(number, name(number)));
  house.database.flush();
  other.close();
  await house.clock.advance(400);
  const names = house.names();
  assert.deepEqual([names.length, names[0], names.at(-1)], [5_000, name(1), name(5_000)]);
});

function opened(t: TestContext, file: string): unknown[] {
  const database = Database.open(file);
  t.after(() => database.close());
  return database.read(NAMES).map((row) => row['path']);
}

test('a damaged file is given up for this life, and left as it is', async (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  writeFileSync(file, 'This is a letter. '.repeat(100));
  const house = houseAt(t, file);
  assert.deepEqual(house.latest, ['memory', 'store_corrupt']);
  house.write(1, 'a');
  assert.deepEqual(house.written, [[1, 'memory']]);
  assert.deepEqual(house.names(), ['a']);
  assert.equal(house.clock.pendingTimers, 0);
});

test('a file that turns out to be damaged later is given up, too', (t) => {
  const folder = folderFor(t);
  const file = path.join(folder, 'acemux.db');
  const full = Database.open(file);
  for (let index = 0; index < 200; index++)
    full.write([group(index, `${index} ${'x'.repeat(1_000)}`).statements]);
  full.close();
  const bytes = Buffer.alloc(150_000, 0xa5);
  const other = new DatabaseSync(file);
  other.exec('PRAGMA journal_mode = DELETE');
  other.close();
  const damaged = path.join(folder, 'damaged.db');
  renameSync(file, damaged);
  const whole = readFileSync(damaged);
  bytes.copy(whole, 40_960);
  writeFileSync(file, whole);
  const house = houseAt(t, file);
  assert.deepEqual(house.latest, ['file', undefined]);
  assert.deepEqual(house.names(), []);
  assert.deepEqual(house.latest, ['memory', 'store_corrupt']);
  house.write(1, 'a');
  assert.deepEqual(house.names(), ['a']);
});

test('what memory has no room for is lost, and said to be', (t) => {
  const file = path.join(folderFor(t), 'acemux.db');
  writeFileSync(file, 'This is a letter. '.repeat(100));
  const house = houseAt(t, file);
  house.write(1, 'x'.repeat(2_000_000));
  house.write(2, 'a');
  assert.deepEqual(house.written, [
    [1, 'lost'],
    [2, 'memory'],
  ]);
});

test('a mistake does not keep others from being written', (t) => {
  const house = houseAt(t, path.join(folderFor(t), 'acemux.db'));
  house.database.add({ id: 1, statements: [{ sql: 'INSERT INTO nowhere VALUES (1)' }] });
  house.write(2, 'a');
  assert.deepEqual(house.mistaken, [1]);
  assert.deepEqual(house.written, [[2, 'file']]);
});
