import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readEvents } from '../../test/support/event-reader.ts';
import { until } from '../../test/support/rig.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { EventBus } from '../telemetry/events/event-bus.ts';
import { silentLog } from '../telemetry/log.ts';
import { call, type Parts, type Rig, startRig } from './testing/rig.ts';

function busOf(clock: ManualClock, countMax = 100, bytesMax = 1_000_000): EventBus {
  return new EventBus({ bounds: { countMax, bytesMax }, clock, log: silentLog() });
}

async function rigWith(t: TestContext, events: EventBus, clock = new ManualClock()): Promise<Rig> {
  const rig = await startRig(t, { events, clock });
  t.after(() => assert.equal(clock.pendingTimers, 0));
  t.after(() => rig.server.endEventStreams());
  return rig;
}

const hello = (bus: EventBus, session: string): number => bus.emit('stream.lingering', {}, { session });

test('what happens is told as it happens, and a comment comes when nothing does', async (t) => {
  const clock = new ManualClock();
  const bus = busOf(clock);
  const rig = await rigWith(t, bus, clock);
  hello(bus, 'before');
  const reader = await readEvents(t, `${rig.url}/api/v1/events/stream`);
  assert.equal(reader.response.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(reader.response.headers['cache-control'], 'no-store');
  assert.equal(reader.response.headers['x-accel-buffering'], 'no');
  const id = hello(bus, 's1');
  await reader.until(() => reader.events.length === 1);
  const [event] = reader.events;
  assert.deepEqual([event?.id, event?.name, event?.data?.['stream_id']], [id, 'stream.lingering', 's1']);
  await clock.advance(15_000);
  await reader.until(() => reader.comments === 1);
});

test('who was away gets what it has missed, each once, however often it comes back', async (t) => {
  const bus = busOf(new ManualClock());
  const rig = await rigWith(t, bus);
  const ids = [hello(bus, '1'), hello(bus, '2'), hello(bus, '3')];
  const heard: (number | undefined)[] = [];
  let last = ids[0];
  for (let round = 0; round < 3; round++) {
    const reader = await readEvents(t, `${rig.url}/events/stream`, { 'Last-Event-ID': String(last) });
    ids.push(hello(bus, 'now'));
    await reader.until(() => reader.lastId === ids.at(-1));
    heard.push(...reader.events.map(({ id }) => id));
    last = reader.lastId ?? last;
    reader.close();
    ids.push(hello(bus, 'away'));
  }
  const final = await readEvents(t, `${rig.url}/events/stream?last_event_id=${last}`);
  await final.until(() => final.lastId === ids.at(-1));
  heard.push(...final.events.map(({ id }) => id));
  assert.deepEqual(heard, ids.slice(1));
});

test('what can’t be told any more is said to be missed: too old, or of another life of acemux', async (t) => {
  const clock = new ManualClock();
  const bus = busOf(clock, 3);
  const rig = await rigWith(t, bus, clock);
  const ids = Array.from({ length: 5 }, (_, index) => hello(bus, String(index)));
  const oldest = bus.oldestId;
  assert.equal(oldest, ids[2]);
  for (const last of [ids[0]!, ids[0]! - 1e9, bus.newestId + 1e9]) {
    const reader = await readEvents(t, `${rig.url}/events/stream`, { 'Last-Event-ID': String(last) });
    await reader.until(() => reader.lastId === ids[4]);
    const [missed, ...rest] = reader.events;
    assert.deepEqual([missed?.name, missed?.id, missed?.data], ['missed', undefined, { oldest_id: oldest }]);
    assert.deepEqual(
      rest.map(({ id }) => id),
      ids.slice(2),
    );
    reader.close();
  }
  const whole = await readEvents(t, `${rig.url}/events/stream?last_event_id=${ids[1]}`);
  await whole.until(() => whole.lastId === ids[4]);
  assert.deepEqual(
    whole.events.map(({ id }) => id),
    ids.slice(2),
  );
});

test('who wants few events resumes behind those that it did not want', async (t) => {
  const clock = new ManualClock();
  const bus = busOf(clock, 3);
  const rig = await rigWith(t, bus, clock);
  const reader = await readEvents(t, `${rig.url}/events/stream?session=mine`);
  const mine = hello(bus, 'mine');
  await reader.until(() => reader.lastId === mine);
  for (let index = 0; index < 10; index++) hello(bus, 'other');
  await clock.advance(15_000);
  await reader.until(() => reader.comments === 1);
  assert.equal(reader.lastId, bus.newestId);
  reader.close();
  const again = await readEvents(t, `${rig.url}/events/stream?session=mine&last_event_id=${reader.lastId}`);
  const next = hello(bus, 'mine');
  await again.until(() => again.lastId === next);
  assert.deepEqual(again.names, ['stream.lingering']);
});

test('a reader that takes nothing holds up nobody, costs little, and is ended', async (t) => {
  const clock = new ManualClock();
  const bus = busOf(clock, 50_000, 100_000_000);
  const rig = await rigWith(t, bus, clock);
  const socket = connect(rig.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.pause();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write('GET /events/stream HTTP/1.1\r\nHost: test\r\n\r\n');
  const quick = await readEvents(t, `${rig.url}/events/stream?type=stream.lingering`);
  await until(() => clock.pendingTimers === 2);
  // Until the kernel takes no more of the slow one's, and a clock that goes on finds that.
  const detail = 'x'.repeat(400);
  let isOver = false;
  void closed.then(() => (isOver = true));
  for (let turn = 0; turn < 1_000 && clock.pendingTimers === 2; turn++) {
    for (let index = 0; index < 40; index++) {
      bus.emit('health.failed', { from: detail, reason: detail, detail });
    }
    await clock.advance(100);
    if (turn % 100 === 99) hello(bus, 'quick');
  }
  await until(() => clock.pendingTimers === 1);
  const last = hello(bus, 'quick');
  await quick.until(() => quick.lastId === last);
  socket.resume();
  await until(() => isOver);
});

test('a reader that falls behind what is held is ended', async (t) => {
  const clock = new ManualClock();
  const bus = busOf(clock, 20);
  const rig = await rigWith(t, bus, clock);
  const socket = connect(rig.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.pause();
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write('GET /events/stream HTTP/1.1\r\nHost: test\r\n\r\n');
  await until(() => clock.pendingTimers === 1);
  const detail = 'x'.repeat(400);
  for (let turn = 0; turn < 2_000 && clock.pendingTimers === 1; turn++) {
    for (let index = 0; index < 40; index++) {
      bus.emit('health.failed', { from: detail, reason: detail, detail });
    }
    await new Promise((resolve) => setImmediate(resolve));
    // What it takes now makes it go on, and find that the next one is gone.
    if (turn % 50 === 49) socket.read();
  }
  await until(() => clock.pendingTimers === 0);
});

test('a shutdown ends all readers at once, and lets nobody in', async (t) => {
  const bus = busOf(new ManualClock());
  const rig = await rigWith(t, bus);
  const readers = await Promise.all([1, 2, 3].map(() => readEvents(t, `${rig.url}/events/stream`)));
  const id = bus.emit('system.stopping', {});
  rig.server.endEventStreams();
  await Promise.all(readers.map((reader) => reader.ended));
  for (const reader of readers) assert.equal(reader.lastId, id, 'it was told why');
  const refused = await call(rig, '/events/stream');
  assert.equal(refused.status, 503);
  assert.equal(Object(refused.json()).code, 'draining');
});

test('there are only so many readers', async (t) => {
  const rig = await rigWith(t, busOf(new ManualClock()));
  const readers = await Promise.all(
    Array.from({ length: 100 }, () => readEvents(t, `${rig.url}/events/stream`)),
  );
  const refused = await call(rig, '/events/stream');
  assert.deepEqual([refused.status, Object(refused.json()).code], [503, 'overloaded']);
  readers[0]?.close();
  // Its place is free as soon as the server has seen that.
  let status: number | undefined = 503;
  while (status === 503) status = (await readEvents(t, `${rig.url}/events/stream`)).response.statusCode;
  assert.equal(status, 200);
});

test('what memory does not hold any more comes from what is stored, while what happens waits for its turn', async (t) => {
  const clock = new ManualClock();
  const bus = busOf(clock, 10);
  const ids = Array.from({ length: 1_200 }, (_, index) => hello(bus, index === 700 ? 'mine' : 'other'));
  const asked: number[] = [];
  const storedEvents: Parts['storedEvents'] = {
    before: async () => [],
    after: async (afterId, beforeId, countMax) => {
      asked.push(afterId);
      if (afterId < ids[0]!) return undefined;
      if (asked.length < 3) ids.push(hello(bus, 'meanwhile'));
      const stored = ids.filter((id) => id > afterId && id < beforeId).slice(0, countMax);
      const events = stored.map((id) => {
        const session = id === ids[700] ? 'mine' : 'other';
        return { id, type: 'stream.lingering', wallMs: 0, session, details: {} } as const;
      });
      return { events, throughId: stored.length < countMax ? beforeId - 1 : (stored.at(-1) ?? 0) };
    },
  };
  const rig = await startRig(t, { events: bus, clock, storedEvents });
  t.after(() => rig.server.endEventStreams());
  const whole = await readEvents(t, `${rig.url}/events/stream?last_event_id=${ids[0]}`);
  await whole.until(() => whole.lastId === bus.newestId);
  const told = whole.events.map(({ id }) => id ?? 0);
  assert.deepEqual(told, ids.slice(1), 'each once, in order');
  assert.ok(asked.length >= 3, 'in parts');
  whole.close();
  const few = await readEvents(t, `${rig.url}/events/stream?session=mine&last_event_id=${ids[5]}`);
  await few.until(() => few.events.length === 1);
  assert.equal(few.events[0]?.id, ids[700]);
  few.close();
  const tooOld = await readEvents(t, `${rig.url}/events/stream?last_event_id=${ids[0]! - 1}`);
  await tooOld.until(() => tooOld.lastId === bus.newestId);
  assert.deepEqual([tooOld.events[0]?.name, tooOld.events.length], ['missed', 11]);
});
