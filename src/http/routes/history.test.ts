import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import type { Moment } from '../../history/history.ts';
import { call, startRig } from '../testing/rig.ts';

const AT = Date.parse('2026-01-31T21:04:00Z');
const ID = 'a'.repeat(40);

const STREAM = {
  sessionId: '0123456789abcdef',
  stream: ID,
  infohash: undefined,
  keyType: 'content_id',
  beganAtMs: AT - 60_000,
  startedAtMs: AT - 58_000,
  endedAtMs: undefined,
  reason: undefined,
  bytesIn: 1_000,
  bytesOut: 2_000,
};
const MINUTE = {
  atMs: AT,
  sessionId: STREAM.sessionId,
  engine: 'e1',
  clients: 1,
  ingestBytes: 1_000,
  longestGapMs: 8_500,
  ringMs: undefined,
  peers: 0,
  speedBytesPerSecond: 0,
};
const MOMENT: Moment = {
  fromMs: AT - 120_000,
  toMs: AT + 120_000,
  stream: STREAM,
  viewer: undefined,
  streamMinutes: [MINUTE],
  viewerMinutes: [],
  facts: {
    atMs: AT,
    stream: [MINUTE],
    viewer: [],
    others: { count: 0, troubled: 0 },
    process: [],
    events: [],
  },
};

test('/history says one verdict with its evidence', async (t) => {
  const asked: unknown[] = [];
  const rig = await startRig(t, {
    clock: new ManualClock(AT),
    history: {
      moment: async (question) => {
        asked.push(question);
        return MOMENT;
      },
    },
  });
  const reply = await call(
    rig,
    `/history?at=2026-01-31T21:04:00Z&client=living-room&stream=${ID.toUpperCase()}`,
  );
  const body = Object(reply.json());
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(asked, [{ atMs: AT, client: 'living-room', stream: ID }]);
  assert.deepEqual(
    [body.verdict, body.at, body.stream.stream_id],
    ['swarm_starved', '2026-01-31T21:04:00.000Z', ID],
  );
  assert.deepEqual(body.evidence[0], {
    at: '2026-01-31T21:04:00.000Z',
    text: 'The engine had no peers.',
    event_id: null,
  });
  assert.equal(body.stream_minutes[0].longest_gap_seconds, 8.5);
  assert.equal((await call(rig, '/api/v1/history?at=21:04')).status, 200);
});

test('what is no question is refused, and so is one that cannot be answered now', async (t) => {
  const rig = await startRig(t);
  for (const path of [
    '/history',
    '/history?at=yesterday',
    '/history?at=21:04&stream=xyz',
    '/history/timeline?hours=0',
    '/history/timeline?hours=99999',
    '/history/streams?from=never',
    '/history/streams/xyz',
  ]) {
    assert.equal((await call(rig, path)).status, 400, path);
  }
  const reply = await call(rig, '/history?at=21:04');
  assert.deepEqual([reply.status, Object(reply.json()).code], [503, 'store_unavailable']);
});

test('the timeline has what a chart needs, and a stream its page', async (t) => {
  const rig = await startRig(t, {
    history: {
      timeline: async () => ({
        stepSeconds: 300,
        points: [
          { atMs: AT, clients: 3, streams: 1, egressBytesPerSecond: 1_000.4, engines: 2, healthyEngines: 1 },
        ],
      }),
      streams: async () => [STREAM],
      stream: async (name) =>
        name === STREAM.sessionId
          ? { stream: STREAM, minutes: [MINUTE], viewers: [], viewerMinutes: [], events: [] }
          : undefined,
    },
  });
  assert.deepEqual((await call(rig, '/history/timeline?hours=24')).json(), {
    step_seconds: 300,
    points: [
      {
        at: '2026-01-31T21:04:00.000Z',
        clients: 3,
        streams: 1,
        egress_bytes_per_second: 1_000,
        engines: 2,
        healthy_engines: 1,
      },
    ],
  });
  const list = Object((await call(rig, '/history/streams')).json());
  assert.equal(list.streams[0].started_at, '2026-01-31T21:03:02.000Z');
  const page = Object((await call(rig, `/history/streams/${STREAM.sessionId}`)).json());
  assert.deepEqual([page.stream.bytes_out, page.minutes.length], [2_000, 1]);
  assert.equal((await call(rig, `/history/streams/${ID}`)).status, 404);
});

test('evidence is given with its headers as base64', async (t) => {
  const kept = {
    eventId: 7,
    type: 'stream.spliced',
    atMs: AT,
    stream: ID,
    engine: 'e1',
    client: undefined,
    decision: { kind: 'same-broadcast' },
    stat: { peers: 3 },
    attempts: [{ isStandby: false }],
    media: { position: 188, headers: Buffer.from([0x47, 0x40, 0x00, 0x10]), units: [{ role: 'video' }] },
    joined: { position: 0, headers: Buffer.from([0x47, 0x41, 0x00, 0x10]), units: [{ role: 'audio' }] },
    unused: { position: 376, headers: Buffer.from([0x47, 0x42, 0x00, 0x10]), units: [] },
  };
  const rig = await startRig(t, { evidence: { list: () => [kept] } });
  const [only] = Object((await call(rig, '/history/evidence')).json()).cases;
  assert.deepEqual([only.event_id, only.client_id, only.media.packet_headers], [7, null, 'R0AAEA==']);
  assert.deepEqual(only.joined, { position: 0, packet_headers: 'R0EAEA==', units: [{ role: 'audio' }] });
  assert.deepEqual(only.unused, { position: 376, packet_headers: 'R0IAEA==', units: [] });
  assert.deepEqual([only.decision.kind, only.stat.peers, only.attempts.length], ['same-broadcast', 3, 1]);
});
