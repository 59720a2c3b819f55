import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordEvents } from '../../../test/support/event-recorder.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { ADMIN_KEY, call, LOOPBACK_PROXY, type Rig, startRig } from '../testing/rig.ts';

const T0 = Date.UTC(2026, 0, 1);

/** Ten streams that lingered, a second apart, of two engines; the last was an error. */
async function rigOfTen(t: Parameters<typeof startRig>[0], clock = new ManualClock(T0)) {
  const { bus } = recordEvents(clock);
  for (let index = 0; index < 9; index++) {
    bus.emit('stream.lingering', {}, { session: `s${index}`, engine: `e${index % 2}` });
    await clock.advance(1_000);
  }
  bus.emit('stream.retry_budget_spent', { reason: 'no_media' }, { session: 's9', causeId: bus.newestId });
  return { rig: await startRig(t, { events: bus, clock }), bus };
}

const idsOf = async (rig: Rig, query: string): Promise<unknown[]> => {
  const reply = await call(rig, `/events${query}`);
  assert.equal(reply.status, 200, reply.text);
  const events = reply.json();
  assert.ok(Array.isArray(events));
  return events.map((event) => event.stream_id);
};

test('events come the newest first, page by page, here and under /api/v1', async (t) => {
  const { rig, bus } = await rigOfTen(t);
  assert.deepEqual(await idsOf(rig, ''), ['s9', 's8', 's7', 's6', 's5', 's4', 's3', 's2', 's1', 's0']);
  assert.deepEqual(await idsOf(rig, '?limit=3'), ['s9', 's8', 's7']);
  assert.deepEqual(await idsOf(rig, '?limit=3&offset=3'), ['s6', 's5', 's4']);
  assert.deepEqual(await idsOf(rig, `?limit=2&before=${bus.newestId - 7}`), ['s1', 's0']);
  assert.deepEqual(await idsOf(rig, '?offset=100'), []);
  assert.equal((await call(rig, '/api/v1/events')).text, (await call(rig, '/events')).text);
  const [newest] = Object((await call(rig, '/events?limit=1')).json());
  assert.deepEqual(newest.details, { reason: 'no_media' });
  assert.equal(newest.cause_id, newest.id - 1);
});

test('a list can be narrowed', async (t) => {
  const { rig } = await rigOfTen(t);
  assert.deepEqual(await idsOf(rig, '?type=stream.retry_budget_spent,stream.ended'), ['s9']);
  assert.deepEqual(await idsOf(rig, '?event_type=stream&category=retry_budget_spent'), ['s9']);
  assert.deepEqual(await idsOf(rig, '?event_type=client'), []);
  assert.deepEqual(await idsOf(rig, '?severity=warning'), ['s9']);
  assert.deepEqual(await idsOf(rig, '?engine=e1&limit=2'), ['s7', 's5']);
  assert.deepEqual(await idsOf(rig, '?container_id=e0&offset=3'), ['s2', 's0']);
  assert.deepEqual(await idsOf(rig, '?stream_id=S4'), ['s4']);
  assert.deepEqual(await idsOf(rig, '?since=2026-01-01T00:00:02Z&until=2026-01-01T00:00:04'), [
    's4',
    's3',
    's2',
  ]);
});

test('what means nothing is refused', async (t) => {
  const { rig } = await rigOfTen(t);
  for (const query of [
    'limit=0',
    'limit=1001',
    'limit=a',
    'offset=-1',
    'severity=bad',
    'type=nothing',
    'since=soon',
    'before=x',
  ]) {
    const reply = await call(rig, `/events?${query}`);
    assert.deepEqual([reply.status, Object(reply.json()).code], [400, 'bad_request'], query);
  }
  assert.equal((await call(rig, '/events/stream?last_event_id=x')).status, 400);
  assert.equal((await call(rig, '/events/stream', { method: 'HEAD' })).status, 405);
});

test('they are counted', async (t) => {
  const { rig } = await rigOfTen(t);
  const stats = Object((await call(rig, '/events/stats')).json());
  assert.equal(stats.total, 10);
  assert.deepEqual([stats.by_type.stream, stats.by_type.vpn], [10, 0]);
  assert.deepEqual(stats.by_severity, { info: 9, warning: 0, error: 1 });
  assert.deepEqual([stats.oldest, stats.newest], ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:09.000Z']);
  const empty = await startRig(t);
  const none = Object((await call(empty, '/events/stats')).json());
  assert.deepEqual([none.total, none.oldest, none.newest], [0, null, null]);
});

test('those of so many days and older are let go of at once, with a key', async (t) => {
  const clock = new ManualClock(T0);
  const { rig } = await rigOfTen(t, clock);
  const cleanup = (query: string, headers = {}) =>
    call(rig, `/events/cleanup${query}`, { method: 'POST', headers });
  const key = { 'X-API-Key': ADMIN_KEY };
  assert.equal((await cleanup('?max_age_days=0')).status, 401);
  assert.equal((await cleanup('?max_age_days=-1', key)).status, 400);
  const deleted = async (query: string) => Object((await cleanup(query, key)).json()).deleted;
  assert.equal(await deleted(''), 0, 'thirty days where nothing else is said');
  // A day after the fifth.
  await clock.advance(86_400_000 - 4_500);
  assert.equal(await deleted('?max_age_days=1'), 5);
  assert.deepEqual(await idsOf(rig, ''), ['s9', 's8', 's7', 's6', 's5']);
});

test('they are for those who may look', async (t) => {
  const rig = await startRig(t, { trustedProxies: LOOPBACK_PROXY });
  for (const path of ['/events', '/events/stats', '/events/stream', '/api/v1/events/stream']) {
    assert.equal(
      (await call(rig, path, { headers: { 'X-Forwarded-For': '203.0.113.9' } })).status,
      401,
      path,
    );
  }
});

test('what memory does not hold comes from what is stored, less what was there; if it can’t be had, the rest comes', async (t) => {
  const asked: unknown[] = [];
  const old = { id: 5, type: 'client.skipped', wallMs: 0, details: {} } as const;
  const { bus: events } = recordEvents(new ManualClock());
  const first = events.emit('client.skipped', {});
  events.emit('client.skipped', {});
  const rig = await startRig(t, {
    events,
    storedEvents: {
      after: async () => undefined,
      before: async (...question) => {
        asked.push(question);
        return [old];
      },
    },
  });
  const idsAt = async (query: string): Promise<unknown[]> => {
    const list: unknown = (await call(rig, `/events?${query}`)).json();
    assert.ok(Array.isArray(list));
    return list.map(({ id }) => id);
  };
  assert.deepEqual(await idsAt('limit=2'), [first + 1, first]);
  assert.deepEqual(asked, []);
  assert.deepEqual(await idsAt('limit=3&offset=1'), [first, 5]);
  assert.deepEqual(await idsAt('limit=3&offset=7'), [5]);
  assert.deepEqual(asked, [
    [first, {}, { skip: 0, count: 2 }],
    [first, {}, { skip: 5, count: 3 }],
  ]);
});
