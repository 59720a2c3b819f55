import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, HASH, playingSession, startRig } from '../testing/rig.ts';
import { sessionInfoOf } from './proxy.ts';

/** The keys of acestream-orchestrator v1.5, in its order. */
const SEED_KEYS = [
  'stream_id',
  'ace_id',
  'engine_host',
  'engine_port',
  'container_id',
  'playback_session_id',
  'is_live',
  'is_active',
  'client_count',
  'created_at',
  'started_at',
  'ended_at',
  'error',
  'idle_seconds',
];

const PLAYING = {
  stream_id: HASH,
  ace_id: HASH,
  engine_host: '10.0.0.7',
  engine_port: 6878,
  container_id: 'engine-1',
  playback_session_id: 'playback-1',
  is_live: true,
  is_active: true,
  client_count: 2,
  created_at: '2026-01-02T03:04:05.678Z',
  started_at: '2026-01-02T03:04:06.000Z',
  ended_at: null,
  error: null,
  idle_seconds: 0.25,
  key_type: 'content_id',
  infohash: 'f'.repeat(40),
  state: 'playing',
  bytes_in: 1880,
  bytes_out: 3760,
  warnings: [],
  paused_count: 0,
};

test('/proxy/sessions/{id} is the session, in the keys and the order that programs know', async (t) => {
  const rig = await startRig(t, { sessions: [playingSession()] });
  for (const id of [HASH, HASH.toUpperCase(), 'f'.repeat(40)]) {
    const reply = await call(rig, `/proxy/sessions/${id}`);
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.json(), { ...PLAYING, timeline: [] });
    assert.deepEqual(Object.keys(Object(reply.json())).slice(0, SEED_KEYS.length), SEED_KEYS);
  }
});

test('a session that has no engine yet has null there, and one that failed has its reason', async (t) => {
  const rig = await startRig(t, {
    sessions: [
      playingSession({
        state: 'ended',
        isActive: false,
        engine: undefined,
        playbackSessionId: undefined,
        infohash: undefined,
        startedAtMs: undefined,
        endedAtMs: Date.UTC(2026, 0, 2, 4),
        error: 'zero_peers',
        warnings: ['no_keyframe'],
      }),
    ],
  });
  assert.deepEqual((await call(rig, `/proxy/sessions/${HASH}`)).json(), {
    ...PLAYING,
    timeline: [],
    state: 'ended',
    is_active: false,
    engine_host: null,
    engine_port: null,
    container_id: null,
    playback_session_id: null,
    infohash: null,
    started_at: null,
    ended_at: '2026-01-02T04:00:00.000Z',
    error: 'zero_peers',
    warnings: ['no_keyframe'],
  });
});

test('idle seconds are told to the millisecond', () => {
  assert.equal(sessionInfoOf(playingSession({ idleSeconds: 1.23456789 })).idle_seconds, 1.235);
});

test('an unknown session is 404 in the words that programs know', async (t) => {
  const rig = await startRig(t);
  const reply = await call(rig, '/proxy/sessions/NoSuch%20One');
  assert.equal(reply.status, 404);
  assert.deepEqual(reply.json(), { detail: 'Session NoSuch One not found', code: 'session_unknown' });
});

test('an id of absurd length is refused as malformed', async (t) => {
  const rig = await startRig(t);
  const reply = await call(rig, `/proxy/sessions/${'a'.repeat(600)}`);
  assert.equal(reply.status, 400);
  assert.match(reply.text, /"code":"bad_request"/);
  assert.deepEqual(rig.refused, ['bad_request']);
});

test('/proxy/sessions lists all of them', async (t) => {
  const rig = await startRig(t);
  assert.deepEqual((await call(rig, '/proxy/sessions')).json(), { sessions: [] });
  rig.parts.sessions = [playingSession()];
  assert.deepEqual((await call(rig, '/proxy/sessions')).json(), { sessions: [PLAYING] });
});

test('/proxy/status counts them', async (t) => {
  const rig = await startRig(t, {
    sessions: [playingSession(), playingSession({ isActive: false, state: 'ended', clientCount: 1 })],
  });
  const { sessions, ...counts } = Object(await call(rig, '/proxy/status').then((reply) => reply.json()));
  assert.deepEqual(Object.entries(counts), [
    ['running', true],
    ['total_sessions', 2],
    ['active_sessions', 1],
    ['total_clients', 3],
  ]);
  assert.equal(sessions.length, 2);
  rig.parts.phase = 'starting';
  assert.match((await call(rig, '/proxy/status')).text, /"running":false/);
});
