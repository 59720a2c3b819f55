import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeFleetControl, madeEngine } from '../testing/fleet.ts';
import { ADMIN_KEY, call, HASH, playingSession, type Reply, type Rig, startRig } from '../testing/rig.ts';

function post(rig: Rig, path: string, body: unknown, key: string | undefined = ADMIN_KEY): Promise<Reply> {
  const headers = { 'Content-Type': 'application/json', ...(key !== undefined && { 'X-API-Key': key }) };
  return call(rig, path, { method: 'POST', headers, body: JSON.stringify(body) });
}

const REPORT = {
  engine: { host: '10.0.0.7', port: 19_000 },
  stream: { key_type: 'content_id', key: HASH },
  session: {
    playback_session_id: 'p1',
    stat_url: 'http://10.0.0.7:19000/ace/stat/x/y',
    command_url: 'http://10.0.0.7:19000/ace/cmd/x/y',
    is_live: 1,
  },
};

test('what a program of the orchestrator reports is told as events, and shown nowhere as acemux’s own', async (t) => {
  const rig = await startRig(t);
  const started = await post(rig, '/events/stream_started', REPORT);
  assert.equal(started.status, 200);
  const { container_id, id, is_live, status, stat_url } = Object(started.json());
  assert.deepEqual(
    [container_id, id, is_live, status, stat_url],
    ['engine-1', `${HASH}|p1`, true, 'started', ''],
  );
  assert.deepEqual((await call(rig, '/streams')).json(), []);

  const ended = await post(rig, '/api/v1/events/stream_ended', { stream_id: id, reason: 'eof' });
  const { stream, updated } = Object(ended.json());
  assert.deepEqual([updated, stream.id, stream.status], [true, id, 'ended']);
  assert.ok(Date.parse(stream.ended_at) > 0);
  const again = Object((await post(rig, '/events/stream_ended', { stream_id: id })).json());
  assert.deepEqual([again.updated, again.stream.status], [false, 'ended']);

  const told = [...rig.parts.events.newestFirst()].reverse();
  const address = '10.0.0.7:19000';
  const by = 'admin';
  assert.deepEqual(
    told.map(({ details, engine, type }) => [type, engine, details]),
    [
      [
        'stream.reported_started',
        'engine-1',
        { id, key_type: 'content_id', name: HASH, address, is_known_engine: true, by },
      ],
      ['stream.reported_ended', 'engine-1', { id, reason: 'eof', by }],
    ],
  );
});

test('an engine that acemux does not know is told as such, and comes to be by no report', async (t) => {
  const rig = await startRig(t);
  const body = {
    ...REPORT,
    container_id: 'none',
    engine: { host: '192.0.2.1', port: 1 },
    labels: { stream_id: 'mine' },
  };
  const { container_id, id } = Object((await post(rig, '/events/stream_started', body)).json());
  assert.deepEqual([container_id, id], [null, 'mine']);
  assert.equal(Object(rig.parts.events.newestFirst().next().value?.details)['is_known_engine'], false);
  const engines: unknown = (await call(rig, '/engines')).json();
  assert.ok(Array.isArray(engines) && engines.length === 1);
  const byContainer = Object((await post(rig, '/events/stream_ended', { container_id: 'none' })).json());
  assert.deepEqual(byContainer, { updated: false, stream: null }, 'not even by the name that it gave itself');
});

test('without a stream the newest of that engine or container has ended', async (t) => {
  const fleetControl = new FakeFleetControl();
  fleetControl.list = [madeEngine(), madeEngine({ id: 'engine-2', port: 19_001, container: undefined })];
  const rig = await startRig(t, { fleetControl });
  for (const [stream_id, container_id] of [
    ['one', 'c0ffee'],
    ['two', 'engine-1'],
    ['other', 'engine-2'],
  ]) {
    const body = { ...REPORT, container_id, labels: { stream_id } };
    assert.equal((await post(rig, '/events/stream_started', body)).status, 200);
  }
  const ended: unknown[] = [];
  for (let times = 0; times < 3; times++)
    ended.push(
      Object((await post(rig, '/events/stream_ended', { container_id: 'c0ffee' })).json()).stream?.id,
    );
  assert.deepEqual(ended, ['two', 'one', undefined]);
});

test('nobody ends by a report what acemux plays', async (t) => {
  const session = playingSession();
  const rig = await startRig(t, { streams: [{ session, samples: [] }], sessions: [session] });
  const { stream, updated } = Object(
    (await post(rig, '/events/stream_ended', { stream_id: session.sessionId })).json(),
  );
  assert.deepEqual([updated, stream.id, stream.status], [false, session.sessionId, 'started']);
  assert.deepEqual(rig.endedStreams, []);
});

test('a report needs the key from every address, and is refused where it is no report', async (t) => {
  const rig = await startRig(t, { viewAccess: 'open', playAccess: 'open' });
  for (const path of ['/events/stream_started', '/events/stream_ended', '/api/v1/events/stream_started']) {
    const headers = { 'Content-Type': 'application/json' };
    const reply = await call(rig, path, { method: 'POST', headers, body: JSON.stringify(REPORT) });
    assert.equal(reply.status, 401, path);
  }
  const wrong = [
    {},
    { ...REPORT, engine: { host: 'x', port: 0 } },
    { ...REPORT, stream: { key_type: 'efile', key: HASH } },
    { ...REPORT, session: { ...REPORT.session, playback_session_id: 'x'.repeat(3_000) } },
    { ...REPORT, labels: { stream_id: { toString: 'x' } } },
  ];
  for (const body of wrong)
    assert.equal(
      (await post(rig, '/events/stream_started', body)).status,
      400,
      JSON.stringify(body).slice(0, 200),
    );
  assert.equal([...rig.parts.events.newestFirst()].length, 0);
});

test('only so many reports are remembered', async (t) => {
  const rig = await startRig(t);
  for (let number = 0; number <= 500; number++)
    await post(rig, '/events/stream_started', { ...REPORT, labels: { stream_id: `s${number}` } });
  const ended = async (id: string) =>
    Object((await post(rig, '/events/stream_ended', { stream_id: id })).json()).updated;
  assert.deepEqual([await ended('s0'), await ended('s1'), await ended('s500')], [false, true, true]);
});
