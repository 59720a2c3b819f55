import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, HASH, playingSession, startRig } from '../testing/rig.ts';

const OTHER = 'b'.repeat(40);
const INFOHASH = 'f'.repeat(40);

test('an idle acemux has no streams, and says so with 200: health checks ask', async (t) => {
  const rig = await startRig(t, {
    phase: 'draining',
    readiness: { configured: false, healthy: 0, total: 0 },
  });
  const reply = await call(rig, '/ace/status');
  assert.deepEqual([reply.status, reply.text], [200, '{"streams":0}']);
  assert.match(reply.headers['content-type'] ?? '', /^application\/json/);
  const head = await call(rig, '/ace/status', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('streams are those that can be watched', async (t) => {
  const ended = playingSession({ streamId: OTHER, infohash: OTHER, isActive: false, state: 'ended' });
  const rig = await startRig(t, { sessions: [playingSession(), ended] });
  for (const query of ['', '?', '?id=', `?id=${HASH}&infohash=${INFOHASH}`, '?id=&infohash=', '?other=1']) {
    assert.deepEqual((await call(rig, `/ace/status${query}`)).json(), { streams: 1 }, query);
  }
});

test('one stream tells how many watch it, in the keys and the order of acexy', async (t) => {
  const rig = await startRig(t, { sessions: [playingSession()] });
  for (const query of [
    `id=${HASH}`,
    `infohash=${INFOHASH}`,
    `id=${HASH}&infohash=`,
    `id=${HASH.toUpperCase()}`,
  ]) {
    const reply = await call(rig, `/ace/status?${query}`);
    const url = `${rig.url}/proxy/sessions/${HASH}`;
    assert.equal(reply.text, `{"clients":2,"stream_id":{},"stat_url":"${url}"}`, query);
  }
});

test('stat_url is a place of acemux itself that exists, and names no engine', async (t) => {
  const rig = await startRig(t, { sessions: [playingSession()] });
  const { stat_url } = Object((await call(rig, `/ace/status?id=${HASH}`)).json());
  const session = await fetch(stat_url);
  assert.equal(session.status, 200);
  assert.equal(Object(await session.json()).stream_id, HASH);
  assert.doesNotMatch(stat_url, /10\.0\.0\.7|6878|playback-1|engine/);
});

test('stat_url is built from PUBLIC_URL', async (t) => {
  const publicUrl = 'https://tv.example.org/tv';
  const rig = await startRig(t, { sessions: [playingSession()], publicUrl });
  const { stat_url } = Object((await call(rig, `/ace/status?id=${HASH}`)).json());
  assert.equal(stat_url, `${publicUrl}/proxy/sessions/${HASH}`);
});

test('a stream that nobody opened, or that has ended, is 404', async (t) => {
  const rig = await startRig(t, { sessions: [playingSession({ isActive: false, state: 'ended' })] });
  for (const id of [OTHER, HASH]) {
    const reply = await call(rig, `/ace/status?id=${id}`);
    assert.equal(reply.status, 404);
    assert.deepEqual(reply.json(), { detail: 'Stream not found', code: 'session_unknown' });
  }
});

test('what is no id is 400', async (t) => {
  const rig = await startRig(t);
  for (const [query, code] of [
    ['id=xyz', 'id_malformed'],
    [`id=${HASH}&id=${HASH}`, 'id_ambiguous'],
    [`infohash=${HASH}%00`, 'id_malformed'],
  ] as const) {
    const reply = await call(rig, `/ace/status?${query}`);
    assert.deepEqual([reply.status, Object(reply.json()).code], [400, code], query);
  }
});
