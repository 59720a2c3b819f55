// It froze: what acemux says afterwards, of a real failure on real engines.
import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { JumpClock } from '../support/jump-clock.ts';
import { temporaryFolder } from '../support/passing-stream.ts';
import { BYTES_PER_SECOND, ID, type Rig, startRig, until } from '../support/rig.ts';

async function ask(rig: Rig, query: string): Promise<Record<string, unknown>> {
  return rig.json(`/history?at=${encodeURIComponent(new Date().toISOString())}${query}`);
}

/** Asks again and again until what is written by then has one of these verdicts. */
async function untilVerdict(
  rig: Rig,
  words: readonly unknown[],
  query: string,
): Promise<Record<string, unknown>> {
  for (const endMs = performance.now() + 30_000; ; ) {
    const moment = await ask(rig, query);
    if (words.includes(moment['verdict'])) return moment;
    assert.ok(performance.now() < endMs, JSON.stringify(moment, null, 1));
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

test('an engine hangs in the middle of a stream: why says so for the viewer by its name, with what happened', async (t) => {
  const clock = new JumpClock();
  const rig = await startRig(t, {
    engines: [{}, {}],
    config: { clients: { prebufferMs: 500 }, history: { addresses: false } },
    clock,
  });
  const viewer = rig.watch(`id=${ID}&client=living-room`);
  await viewer.received(2 * BYTES_PER_SECOND);
  const playing = rig.engines.find((engine) => engine.sessions().length > 0);
  assert.ok(playing);
  for (const engine of rig.engines) engine.faults.set({ fault: { kind: 'hangMidStream', afterMs: 0 } });
  const isOver = (): boolean =>
    rig.app.events.newestFirst().some(({ type }) => type === 'stream.source_over');
  // Until silence is believed seconds pass: twenty times as fast here.
  await until(() => {
    clock.jump(100);
    return isOver();
  });
  for (const engine of rig.engines) engine.faults.clear();
  await viewer.receivedMore(4 * BYTES_PER_SECOND);
  // Both engines hung for a moment: which of the two it was is not to be told from here.
  const moment = await untilVerdict(rig, ['engine_failed', 'swarm_starved'], '&client=living-room');
  const client = Object(moment['client']);
  assert.deepEqual([client.name, client.address], ['living-room', null]);
  assert.equal(Object(moment['stream']).stream_id, ID);
  const evidence: unknown = moment['evidence'];
  assert.ok(Array.isArray(evidence) && evidence.some(({ event_id: id }) => typeof id === 'number'));
  assert.equal((await ask(rig, '&client=nobody'))['verdict'], 'nothing_known');

  rig.app.events.emit('client.skipped', {}, { session: ID, client: 'a-viewer' });
  const cases: unknown = (await rig.json('/history/evidence'))['cases'];
  assert.ok(Array.isArray(cases));
  const over = cases.find(({ type }) => type === 'stream.source_over');
  assert.ok(over, JSON.stringify(cases.map(({ type }) => type)));
  assert.ok(over.media.units.length > 0 && over.attempts.length > 0);
  assert.equal(Buffer.from(over.media.packet_headers, 'base64')[0], 0x47);
  const skipped = cases.find(({ type }) => type === 'client.skipped');
  assert.deepEqual([skipped?.client_id, skipped?.joined], ['a-viewer', null]);
  assert.ok(skipped.media.units.length > 0 && skipped.stat !== undefined);
  const spliced = cases.find(({ type }) => type === 'stream.spliced');
  assert.ok(spliced, JSON.stringify(cases.map(({ type }) => type)));
  assert.equal(typeof spliced.decision.kind, 'string');
  for (const part of [spliced.media, spliced.joined]) {
    assert.ok(part.units.length > 0);
    assert.equal(Buffer.from(part.packet_headers, 'base64')[0], 0x47);
  }

  const timeline = await rig.json('/history/timeline?hours=1');
  const points: unknown = timeline['points'];
  assert.ok(Array.isArray(points) && points.some(({ clients, engines }) => clients === 1 && engines === 2));
  viewer.leave();
  await until(() => rig.app.sessions.clientCount === 0);
  const page = await rig.json(`/history/streams/${ID}`);
  const clients: unknown = page['clients'];
  assert.ok(Array.isArray(clients) && clients.length === 1);

  await rig.app.stop();
  const database = new DatabaseSync(path.join(rig.dataDir, 'acemux.db'), { readOnly: true });
  t.after(() => database.close());
  const kept = JSON.stringify(database.prepare('SELECT details FROM events').all());
  assert.doesNotMatch(kept, /127\.0\.0\.1/, 'HISTORY_ADDRESSES=false');
  // How it ended, and what was sent, is written too.
  const ended = database.prepare('SELECT reason, ended_at IS NOT NULL AS is_over FROM streams').all();
  assert.deepEqual(ended.map(Object.values), [['shutdown', 1]]);
  const [sent] = database.prepare('SELECT sum(egress_bytes) AS bytes FROM minutes').all();
  assert.ok(Number(sent?.['bytes']) >= 6 * BYTES_PER_SECOND, JSON.stringify(sent));
});

test('what there was from before is kept as HISTORY_MAX_BYTES and HISTORY_DAYS say; with 0 days nothing is written', async (t) => {
  const dataDir = await temporaryFolder(t);
  const file = path.join(dataDir, 'acemux.db');
  await (await startRig(t, { dataDir })).app.stop();
  const count = (from = 0): number => {
    const database = new DatabaseSync(file, { readOnly: true });
    const [row] = database.prepare('SELECT count(*) AS count FROM events WHERE id > ?').all(from);
    database.close();
    return Number(row?.['count']);
  };
  const before = new DatabaseSync(file);
  const insert = before.prepare(
    "INSERT INTO events (id, at, type, details) VALUES (?, ?, 'client.skipped', ?)",
  );
  const nowMs = Date.now();
  before.exec('BEGIN');
  // Four megabytes, over the last forty hours.
  for (let id = 1; id <= 4_000; id++)
    insert.run(id, nowMs - (4_000 - id) * 36_000, `{"x":"${'x'.repeat(1_000)}"}`);
  before.exec('COMMIT');
  before.close();

  const small = await startRig(t, { dataDir, config: { history: { maxBytes: 1024 * 1024 } } });
  await until(() => count() < 1_000);
  await small.app.stop();
  assert.ok(count(3_900) > 50, 'the newest are kept');

  const none = await startRig(t, { dataDir, config: { history: { days: 0 } } });
  await none.watch().received(188);
  await until(() => count() === 0);
  assert.deepEqual((await none.json('/history/evidence'))['cases'], []);
  none.forgetViewers();
  await none.app.stop();
  const database = new DatabaseSync(file, { readOnly: true });
  t.after(() => database.close());
  for (const table of ['events', 'streams', 'viewers', 'minutes', 'stream_minutes', 'viewer_minutes']) {
    assert.deepEqual(database.prepare(`SELECT * FROM ${table}`).all(), [], table);
  }
});
