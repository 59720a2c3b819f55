/** What happens is told over real HTTP, with what brought it about; who reads it costs those who watch nothing. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { type EventReader, readEvents } from '../support/event-reader.ts';
import { temporaryFolder } from '../support/passing-stream.ts';
import { BYTES_PER_SECOND, ID, type Rig, startRig, until } from '../support/rig.ts';

type Shown = Readonly<Record<string, unknown>>;

async function listed(rig: Rig, query = ''): Promise<readonly Shown[]> {
  const events: unknown = await (await fetch(`${rig.url}/events?limit=1000${query}`)).json();
  assert.ok(Array.isArray(events));
  return events.toReversed();
}

const typesOf = (events: readonly Shown[]): unknown[] => events.map(({ type }) => type);

/** The index of the engine that plays. */
function playing(rig: Rig): number {
  return rig.engines.findIndex((engine) => engine.sessions().length > 0);
}

test('a killed engine is seen as a source that is over, and as a splice because of that', async (t) => {
  const rig = await startRig(t, { engines: [{}, {}], config: { streams: { idleTimeoutMs: 50 } } });
  const viewer = rig.watch();
  await viewer.received(2 * BYTES_PER_SECOND);
  const [before] = await listed(rig, `&type=stream.started&session=${ID}`);
  rig.engines[playing(rig)]?.faults.set({ fault: { kind: 'restart', downMs: 1_000 } });
  const bus = rig.app.events;
  await until(() => bus.newestFirst().some(({ type }) => type === 'stream.spliced'));
  await viewer.received(4 * BYTES_PER_SECOND);
  viewer.leave();
  await until(() => bus.newestFirst().some(({ type }) => type === 'stream.ended'));

  const events = await listed(rig, `&session=${ID}`);
  const of = (type: string): Shown => events.find((event) => event['type'] === type) ?? {};
  assert.deepEqual(
    typesOf(events).filter((type) => type !== 'stream.attempt_failed'),
    [
      'stream.begun',
      'stream.started',
      'client.joined',
      'stream.source_over',
      'stream.spliced',
      'client.left',
      'stream.lingering',
      'stream.ended',
    ],
  );
  const over = of('stream.source_over');
  const spliced = of('stream.spliced');
  assert.equal(over['container_id'], before?.['container_id']);
  assert.equal(spliced['cause_id'], over['id']);
  assert.notEqual(spliced['container_id'], over['container_id']);
  const details = Object(spliced['details']);
  assert.deepEqual([details.kind, details.from_engine], ['same-broadcast', over['container_id']]);
  assert.ok(typeof details.overlap_seconds === 'number' && typeof details.lag_seconds === 'number');
  assert.equal(of('client.joined')['client_id'], of('client.left')['client_id']);
  assert.equal(Object(of('stream.ended')['details']).reason, 'idle');
  const stats = Object(await rig.json('/api/v1/events/stats'));
  assert.equal(stats.total, (await listed(rig)).length);
  const metrics = await (await fetch(`${rig.url}/metrics`)).text();
  assert.match(metrics, /^acemux_events_total\{type="stream.spliced"\} 1$/m);
});

test('a stream that no engine has is a start that failed, with the engines that were asked, and one refusal', async (t) => {
  const rig = await startRig(t, { engines: [{ catalogue: () => undefined }] });
  const unknown = 'b'.repeat(40);
  for (const _ of [1, 2, 3])
    await (await fetch(`${rig.url}/ace/getstream?id=${unknown}&token=secret`)).text();
  const events = await listed(rig);
  const failed = events.find(({ type }) => type === 'stream.failed');
  assert.equal(failed?.['stream_id'], unknown);
  assert.deepEqual(Object(failed?.['details']).engines, [rig.app.fleet.snapshot()[0]?.id]);
  const ended = events.find(({ type }) => type === 'stream.ended');
  assert.equal(ended?.['cause_id'], failed?.['id']);
  // What is kept of it for an issue.
  const { cases } = Object(await rig.json('/history/evidence'));
  const kept = Object.values(Object(cases)).map(Object);
  assert.deepEqual(
    kept.map(({ type, event_id: id, stream_id: stream }) => [type, id, stream]),
    [
      ['stream.attempt_failed', events.find(({ type }) => type === 'stream.attempt_failed')?.['id'], unknown],
      ['stream.failed', failed?.['id'], unknown],
    ],
  );
  assert.equal(kept[1].attempts[0].reason, 'content_unknown');
  assert.equal(kept[1].decision.reason, 'content_unknown');
  const refused = events.filter(({ type }) => type === 'request.refused');
  assert.equal(refused.length, 1);
  assert.doesNotMatch(JSON.stringify(events), /secret|token/);
});

test('a reader that is cut off again and again hears of each event once, in order', async (t) => {
  const rig = await startRig(t, { config: { streams: { idleTimeoutMs: 20 } } });
  const bus = rig.app.events;
  const url = `${rig.url}/events/stream`;
  const first = bus.newestId;
  const heard: (number | undefined)[] = [];
  let lastId = first;
  let reader: EventReader | undefined;
  for (let round = 0; round < 5; round++) {
    reader = await readEvents(t, url, { 'Last-Event-ID': String(lastId) });
    const viewer = rig.watch();
    await viewer.received(188);
    const seen = reader;
    await seen.until(() => (seen.lastId ?? 0) > lastId);
    reader.close();
    await reader.ended;
    heard.push(...reader.events.map(({ id }) => id));
    lastId = reader.lastId ?? lastId;
    viewer.leave();
    await rig.enginesFree();
  }
  const last = await readEvents(t, url, { 'Last-Event-ID': String(lastId) });
  await last.until(() => last.lastId === bus.newestId);
  heard.push(...last.events.map(({ id }) => id));
  const expected = Array.from({ length: bus.newestId - first }, (_, index) => first + 1 + index);
  assert.deepEqual(heard, expected);
  assert.ok(expected.length >= 5 * 6);
});

test('readers are told of the end and ended at once when acemux stops, and do not count as viewers', async (t) => {
  const rig = await startRig(t);
  const readers = await Promise.all([1, 2, 3].map(() => readEvents(t, `${rig.url}/events/stream`)));
  assert.equal(rig.app.sessions.clientCount, 0);
  await rig.app.drain();
  await Promise.all(readers.map((reader) => reader.ended));
  for (const { names, events } of readers) {
    assert.deepEqual(names.slice(-2), ['system.draining', 'system.stopping']);
    assert.equal(events.at(-1)?.data?.['cause_id'], events.at(-2)?.id);
  }
});

test('who read events when acemux was started again gets behind the last one all that has happened since, each once', async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = await startRig(t, { dataDir });
  const reader = await readEvents(t, `${first.url}/events/stream`);
  const viewer = first.watch();
  await viewer.received(188);
  await reader.until(() => reader.names.includes('client.joined'));
  reader.close();
  viewer.leave();
  await until(() => first.app.sessions.clientCount === 0);
  await first.app.stop();
  // The clock of that life was ahead of this one's: what happens now still comes behind.
  const database = new DatabaseSync(path.join(dataDir, 'acemux.db'));
  const [newest] = database.prepare('SELECT max(id) AS id FROM events').all();
  const lastStored = Number(newest?.['id']) + 1_000_000_000;
  database.exec(`UPDATE events SET id = ${lastStored} WHERE id = ${Number(newest?.['id'])}`);
  database.close();

  const second = await startRig(t, { dataDir });
  assert.ok(second.app.events.newestId > lastStored);
  const again = await readEvents(t, `${second.url}/events/stream`, {
    'Last-Event-ID': String(reader.lastId),
  });
  await again.until(() => again.names.includes('system.started'));
  const happened = await listed(second);
  const ids = happened.map(({ id }) => id);
  const behind = ids.slice(ids.indexOf(reader.lastId) + 1);
  await again.until(() => again.lastId === behind.at(-1));
  assert.deepEqual(
    again.events.map(({ id }) => id),
    behind,
  );
  for (const name of ['client.left', 'system.stopping']) assert.ok(again.names.includes(name), name);
  assert.ok(!again.names.includes('missed'));
  assert.ok(ids.indexOf(reader.lastId) > 0, 'what it has seen is not told again');
  again.close();
  // The first rig looks whether anything is left before the second one is stopped.
  await second.app.stop();
});
