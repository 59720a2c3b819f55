import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database } from '../store/database.ts';
import type { AcemuxEvent } from '../telemetry/events/event.ts';
import { eventRow } from './statements.ts';
import { StoredEvents } from './stored-events.ts';

const made = (id: number): AcemuxEvent => ({
  id,
  type: id % 2 === 0 ? 'client.joined' : 'client.skipped',
  wallMs: id * 10,
  session: 'a'.repeat(40),
  details: id % 2 === 0 ? { address: '192.0.2.7' } : {},
});

test('events of before are found as they were told, page by page, with a filter', async (t) => {
  const database = Database.inMemory(8_000_000);
  t.after(() => database.close());
  const ids = Array.from({ length: 2_500 }, (_, index) => index + 1);
  database.write([ids.map((id) => eventRow(made(id)))]);
  database.write([
    [{ sql: "INSERT INTO events VALUES (2501, 1, 'of.later', NULL, NULL, NULL, NULL, NULL, 'x')" }],
  ]);
  const stored = new StoredEvents({ read: async (statement) => database.read(statement) });
  assert.equal(await stored.lastId(), 2_501);
  assert.deepEqual(await stored.before(3_000, {}, { skip: 0, count: 1 }), [made(2_500)]);
  const page = await stored.before(2_001, { types: new Set(['client.joined']) }, { skip: 900, count: 3 });
  assert.deepEqual(
    page.map(({ id }) => id),
    [200, 198, 196],
  );
  const late = await stored.before(3_000, { sinceMs: 24_990 }, { skip: 0, count: 100 });
  assert.deepEqual(
    late.map(({ id }) => id),
    [2_500, 2_499],
  );
});
