import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { AskedStart, LeftStart } from '../engine/start-journal.ts';
import type { StartRow } from '../store/start-rows.ts';
import type { SavedTo } from '../store/statement.ts';
import { silentLog } from '../telemetry/log.ts';
import { EngineStarts } from './engine-starts.ts';

const ADDRESS = { host: 'engine', port: 6878 };
const ID = 'a'.repeat(40);
const INFOHASH = 'b'.repeat(40);
const OTHER = 'c'.repeat(40);
const COMMAND = 'http://engine:6878/ace/cmd/x/y';

/** A journal in memory, as the process before has left it. */
class Rows {
  readonly rows = new Map<string, StartRow>();
  to: SavedTo = 'file';

  async add(row: StartRow): Promise<SavedTo> {
    this.rows.set(row.id, row);
    return this.to;
  }

  noteOpened(id: string, commandUrl: string, asked: unknown): void {
    const row = this.rows.get(id);
    assert.ok(row);
    this.rows.set(id, { ...row, commandUrl, asked });
  }

  remove(id: string): void {
    this.rows.delete(id);
  }

  async list(): Promise<readonly StartRow[]> {
    return [...this.rows.values()];
  }
}

const left = (changes: Partial<StartRow> = {}, asked: object = {}): StartRow => ({
  id: 'left',
  address: 'engine:6878',
  asked: {
    selector: { kind: 'id', hash: ID, parameters: {} },
    wanted: 'stream',
    infohash: INFOHASH,
    pid: 'old pid',
    ...asked,
  },
  commandUrl: COMMAND,
  askedAtMs: 0,
  ...changes,
});

const start = (hash: string, changes: Partial<AskedStart> = {}): AskedStart => ({
  address: ADDRESS,
  selector: { kind: 'id', hash, parameters: {} },
  wanted: 'stream',
  infohash: undefined,
  ...changes,
});

async function house(rows: readonly StartRow[], isStoppable = true) {
  const clock = new ManualClock();
  const journal = new Rows();
  for (const row of rows) journal.rows.set(row.id, row);
  const stopped: LeftStart[] = [];
  const told: string[] = [];
  const engine = { isStoppable, isThere: true };
  const starts = new EngineStarts({
    rows: journal,
    clientAt: () =>
      engine.isThere
        ? {
            stopLeft: async (start) => {
              stopped.push(start);
              return engine.isStoppable;
            },
          }
        : undefined,
    events: { emit: (type) => told.push(type) },
    clock,
    log: silentLog(),
  });
  await starts.load();
  return { clock, journal, stopped, told, engine, starts };
}

test('a start is written down before it is asked, with how to stop it when that is known, until it is stopped', async () => {
  const { journal, starts, clock } = await house([]);
  const note = await starts.note(start(ID));
  const [row] = journal.rows.values();
  assert.deepEqual(row?.asked, {
    selector: { kind: 'id', hash: ID, parameters: {} },
    wanted: 'stream',
    infohash: undefined,
    pid: note.pid,
  });
  assert.deepEqual([row?.address, row?.commandUrl], ['engine:6878', undefined]);
  note.opened({ commandUrl: new URL(COMMAND), infohash: INFOHASH });
  assert.equal([...journal.rows.values()][0]?.commandUrl, COMMAND);
  note.over();
  assert.equal(journal.rows.size, 0);
  await starts.stop();
  assert.equal(clock.pendingTimers, 0);
});

test('a start whose entry is late goes on, and the alarm says so once a minute', async () => {
  const { journal, starts, told, clock } = await house([]);
  journal.to = 'waiting';
  await starts.note(start(ID));
  await starts.note(start(OTHER));
  assert.deepEqual(told, ['system.start_not_noted']);
  await clock.advance(60_000);
  await starts.note(start(ID));
  assert.equal(told.length, 2);
  await starts.stop();
});

test('what was left with its address is stopped when nobody has come back for it', async () => {
  const { clock, journal, starts, stopped } = await house([left()]);
  await clock.advance(4_000);
  assert.deepEqual(stopped, []);
  await clock.advance(2_000);
  assert.deepEqual(
    stopped.map(({ commandUrl, pid }) => [commandUrl, pid]),
    [[COMMAND, 'old pid']],
  );
  assert.deepEqual([journal.rows.size, starts.leftCount, clock.pendingTimers], [0, 0, 0]);
});

test('what may have been left, because no reply has come, is asked for and stopped at once', async () => {
  const { clock, stopped } = await house([left({ commandUrl: undefined }, { infohash: undefined })]);
  await clock.advance(1_000);
  assert.equal(stopped.length, 1);
  assert.equal(stopped[0]?.commandUrl, undefined);
});

test('who comes back goes on with what was left, as the same player, and it is written down as this start’s', async () => {
  const { clock, journal, starts, stopped } = await house([left()]);
  assert.deepEqual(starts.playedAt(ADDRESS), [INFOHASH]);
  const note = await starts.note(start(ID, { infohash: INFOHASH }));
  assert.equal(note.pid, 'old pid');
  assert.deepEqual([...journal.rows.keys()], ['left']);
  assert.equal(journal.rows.get('left')?.commandUrl, undefined);
  await clock.advance(10_000);
  assert.deepEqual(stopped, []);
  note.over();
  assert.equal(journal.rows.size, 0);
});

test('under another name, or perhaps another one, what was left is stopped before its engine is asked', async () => {
  for (const asked of [
    start(OTHER),
    start(OTHER, { infohash: INFOHASH }),
    start(INFOHASH, { selector: { kind: 'infohash', hash: INFOHASH, parameters: {} } }),
    start(ID, { selector: { kind: 'id', hash: ID, parameters: { _idx: '1' } } }),
    start(ID, { wanted: 'file' }),
  ]) {
    const { starts, stopped } = await house([left()]);
    const { pid } = await starts.note(asked);
    assert.equal(stopped.length, 1);
    assert.notEqual(pid, 'old pid');
    await starts.stop();
  }
});

test('another broadcast, and another engine, have nothing to do with it', async () => {
  const { starts, stopped } = await house([left()]);
  await starts.note(start(OTHER, { infohash: OTHER }));
  await starts.note(start(ID, { address: { host: 'engine', port: 6879 } }));
  assert.deepEqual(stopped, []);
  await starts.stop();
  assert.equal(stopped.length, 1);
});

test('what can’t be stopped bars its engine for this stream until its idle time is over', async () => {
  const { clock, journal, starts, stopped } = await house([left()], false);
  await clock.advance(6_000);
  assert.equal(stopped.length, 1);
  const isOccupied = (error: unknown): boolean =>
    error instanceof AcemuxError && error.code === 'engine_occupied' && (error.retryAfterSeconds ?? 0) > 30;
  await assert.rejects(starts.note(start(ID)), isOccupied);
  await assert.rejects(starts.note(start(OTHER)), isOccupied);
  await starts.note(start(OTHER, { infohash: OTHER }));
  assert.equal(stopped.length, 1);
  await clock.advance(66_000);
  await starts.note(start(ID));
  assert.ok(!journal.rows.has('left'));
  assert.equal(clock.pendingTimers, 0);
});

test('an engine that appears late is asked then, and one that never does is forgotten', async () => {
  const { clock, engine, journal, starts, stopped } = await house([left()]);
  engine.isThere = false;
  await clock.advance(60_000);
  assert.deepEqual(stopped, []);
  engine.isThere = true;
  await clock.advance(1_000);
  assert.equal(stopped.length, 1);

  const away = await house([left()]);
  away.engine.isThere = false;
  await away.clock.advance(5 * 60_000);
  assert.deepEqual([away.journal.rows.size, away.clock.pendingTimers], [0, 0]);
  assert.equal(journal.rows.size + starts.leftCount, 0);
});

test('what acemux itself could not stop is forgotten when the engine has ended it', async () => {
  const { clock, journal, starts } = await house([]);
  const note = await starts.note(start(ID));
  note.left();
  await clock.advance(60_000);
  assert.equal(journal.rows.size, 1);
  await clock.advance(10_000);
  assert.equal(journal.rows.size, 0);
});

test('entries that acemux has not written are removed', async () => {
  const { journal, starts } = await house([
    left({ id: '1', asked: undefined }),
    left({ id: '2', address: 'nowhere' }),
    left({ id: '3' }, { selector: { kind: 'id', hash: '../../x', parameters: {} } }),
    left({ id: '4' }, { pid: 7 }),
  ]);
  assert.deepEqual([journal.rows.size, starts.leftCount], [0, 0]);
});
