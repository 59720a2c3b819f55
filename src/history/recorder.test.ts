import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { Database } from '../store/database.ts';
import type { Row, Statement, WrittenTo } from '../store/statement.ts';
import type { AcemuxEvent } from '../telemetry/events/event.ts';
import { Recorder } from './recorder.ts';
import { Retention } from './retention.ts';
import type { Sample } from './samples.ts';

const START_MS = Date.UTC(2026, 0, 31, 21, 4);
const STREAM = 'a'.repeat(40);

/** A real database on this thread, as the store has it on another. */
class DirectStore {
  readonly #database: Database;
  readonly health = {
    place: 'file',
    problem: undefined,
    detail: undefined,
    sinceMs: 0,
    waiting: 0,
    lost: 0,
  } as const;

  constructor(t: TestContext) {
    this.#database = Database.inMemory(64 * 1024 * 1024);
    t.after(() => this.#database.close());
  }

  write(statements: readonly Statement[]): Promise<WrittenTo> {
    const [mistake] = this.#database.write([statements]).values();
    if (mistake) throw mistake;
    return Promise.resolve('file');
  }

  read(statement: Statement): Promise<readonly Row[]> {
    return Promise.resolve(this.rows(statement.sql, statement.values));
  }

  rows(sql: string, values: Statement['values'] = []): Row[] {
    return this.#database.read({ sql, values });
  }

  usedBytes(): Promise<number> {
    return Promise.resolve(this.#database.usedBytes);
  }

  shrink(): void {
    // Memory has nothing to give back.
  }
}

function sample(bytes: number): Sample {
  return {
    process: { clients: 1, streams: 1, egressBytes: bytes, engines: 2, healthyEngines: 1, loopDelayMs: 3 },
    streams: [
      {
        sessionId: 'session',
        stream: STREAM,
        infohash: undefined,
        keyType: 'content_id',
        engine: 'e1',
        isPlaying: true,
        clients: 1,
        bytesIn: bytes,
        bytesOut: bytes,
        ringMs: 20_000,
        peers: 4,
        speedBytesPerSecond: 99.6,
        beganAtMs: START_MS,
        startedAtMs: START_MS + 2_000.4,
        endedAtMs: undefined,
        reason: undefined,
      },
    ],
    viewers: [
      {
        client: 'client',
        sessionId: 'session',
        output: 'ts',
        bytesSent: bytes,
        isBlocked: false,
        lagMs: 4_000,
        skips: 0,
      },
    ],
  };
}

function house(t: TestContext, keepsAddresses = true) {
  const clock = new ManualClock(START_MS);
  const store = new DirectStore(t);
  const seen = { sample: sample(0) };
  const recorder = new Recorder({ store, look: () => seen.sample, keepsAddresses, clock });
  return { clock, store, seen, recorder };
}

const event = (id: number, changes: Partial<AcemuxEvent>): AcemuxEvent => ({
  id,
  type: 'client.joined',
  wallMs: START_MS + 1_000,
  session: STREAM,
  client: 'client',
  details: { address: '192.0.2.7', name: 'living-room' },
  ...changes,
});

test('there is a row a minute for each stream and viewer, and for acemux, with the last one at the end', async (t) => {
  const { clock, store, seen, recorder } = house(t);
  recorder.start();
  for (let second = 1; second <= 90; second++) {
    seen.sample = sample(second * 1_000);
    await clock.advance(1_000);
  }
  recorder.stop();
  assert.equal(clock.pendingTimers, 0);
  const minutes = [START_MS, START_MS + 60_000];
  const atOf = (table: string) => store.rows(`SELECT at FROM ${table} ORDER BY at`).map((row) => row['at']);
  assert.deepEqual(
    [atOf('minutes'), atOf('stream_minutes'), atOf('viewer_minutes')],
    [minutes, minutes, minutes],
  );
  assert.deepEqual(
    store
      .rows('SELECT ingest_bytes, peers, speed_bytes, engine FROM stream_minutes ORDER BY at')
      .map(Object.values),
    [
      [59_000, 4, 100, 'e1'],
      [31_000, 4, 100, 'e1'],
    ],
  );
  assert.deepEqual(store.rows('SELECT started_at, bytes_out FROM streams').map(Object.values), [
    [START_MS + 2_000, 90_000],
  ]);
});

test('each row has what was measured in its minute, column by column', async (t) => {
  const { clock, store, seen, recorder } = house(t);
  recorder.start();
  const withBytes = (streamBytes: number, viewerBytes: number, isBlocked: boolean, skips: number): Sample => {
    const { process, streams, viewers } = sample(streamBytes);
    const lagMs = isBlocked ? 9_000.4 : 4_000;
    return {
      process: { ...process, loopDelayMs: isBlocked ? 80 : 3 },
      streams,
      viewers: viewers.map((viewer) => ({ ...viewer, bytesSent: viewerBytes, isBlocked, lagMs, skips })),
    };
  };
  /** What grows, for so many seconds. */
  const pass = async (seconds: number, at: (second: number) => Sample): Promise<void> => {
    for (let second = 1; second <= seconds; second++) {
      seen.sample = at(second);
      await clock.advance(1_000);
    }
  };
  await pass(10, (second) => withBytes(second * 1_000, second * 1_000, false, 0));
  // Its line takes nothing; then the source is silent, and it is sent null packets.
  await pass(5, (second) => withBytes(10_000 + second * 1_000, 10_000, true, 0));
  await pass(1, () => withBytes(16_000, 11_000, false, 1));
  await pass(8, () => withBytes(16_000, 11_000, false, 1));
  recorder.stop();
  const rowOf = (table: string) => store.rows(`SELECT * FROM ${table}`).map((row) => ({ ...row }));
  assert.deepEqual(rowOf('stream_minutes'), [
    {
      at: START_MS,
      session_id: 'session',
      engine: 'e1',
      clients: 1,
      ingest_bytes: 16_000,
      longest_gap_ms: 8_000,
      ring_ms: 20_000,
      peers: 4,
      speed_bytes: 100,
    },
  ]);
  assert.deepEqual(rowOf('viewer_minutes'), [
    {
      at: START_MS,
      client: 'client',
      output: 'ts',
      bytes: 11_000,
      longest_gap_ms: 8_000,
      lag_ms: 9_000,
      skips: 1,
      null_ms: 7_000,
      blocked_ms: 5_000,
    },
  ]);
  assert.deepEqual(rowOf('minutes'), [
    {
      at: START_MS,
      clients: 1,
      streams: 1,
      egress_bytes: 16_000,
      engines: 2,
      healthy_engines: 1,
      loop_delay_ms: 80,
    },
  ]);
});

test('events are kept, and viewers with when they came, when they left, and why', async (t) => {
  const { clock, store, recorder } = house(t);
  recorder.start();
  recorder.hear(event(1, {}));
  recorder.hear(
    event(2, { type: 'client.left', wallMs: START_MS + 9_000, details: { reason: 'client_left' } }),
  );
  await clock.advance(300);
  recorder.stop();
  assert.deepEqual(store.rows('SELECT id, type, details FROM events').map(Object.values), [
    [1, 'client.joined', '{"address":"192.0.2.7","name":"living-room"}'],
    [2, 'client.left', '{"reason":"client_left"}'],
  ]);
  assert.deepEqual(
    store.rows('SELECT name, address, joined_at, left_at, reason FROM viewers').map(Object.values),
    [['living-room', '192.0.2.7', START_MS + 1_000, START_MS + 9_000, 'client_left']],
  );
});

test('with HISTORY_ADDRESSES=false no address is written anywhere', async (t) => {
  const { store, recorder } = house(t, false);
  recorder.start();
  recorder.hear(event(1, {}));
  recorder.stop();
  assert.deepEqual(store.rows('SELECT details FROM events').map(Object.values), [['{"name":"living-room"}']]);
  assert.deepEqual(store.rows('SELECT address FROM viewers').map(Object.values), [[null]]);
});

test('what is older than HISTORY_DAYS goes', async (t) => {
  const { clock, store, recorder } = house(t);
  recorder.start();
  recorder.hear(event(1, { wallMs: START_MS - 2 * 86_400_000 }));
  recorder.hear(event(2, { client: 'other' }));
  recorder.stop();
  const retention = new Retention({ store, days: 1, bytesMax: 1e9, clock });
  await retention.sweep();
  assert.deepEqual(store.rows('SELECT id FROM events').map(Object.values), [[2]]);
  assert.deepEqual(store.rows('SELECT client FROM viewers').map(Object.values), [['other']]);
  await new Retention({ store, days: 0, bytesMax: 1e9, clock: new ManualClock(START_MS + 60_000) }).sweep();
  assert.deepEqual(store.rows('SELECT id FROM events'), []);
});

test('of what is more than HISTORY_MAX_BYTES the oldest goes', async (t) => {
  const { clock, store, recorder } = house(t);
  for (let id = 1; id <= 10_000; id++) {
    recorder.hear(
      event(id, {
        type: 'client.skipped',
        wallMs: START_MS - 1e9 + id * 60_000,
        details: { x: 'x'.repeat(200) },
      }),
    );
  }
  recorder.stop();
  const before = await store.usedBytes();
  assert.ok(before > 2_000_000, `${before}`);
  await new Retention({ store, days: 3650, bytesMax: 1_000_000, clock }).sweep();
  assert.ok((await store.usedBytes()) <= 1_000_000);
  const [left] = store.rows('SELECT min(id) AS min, max(id) AS max FROM events');
  assert.equal(left?.['max'], 10_000);
  assert.ok(Number(left?.['min']) > 5_000);
});
