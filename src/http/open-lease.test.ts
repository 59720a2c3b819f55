import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { untilAborted } from '../base/abort.ts';
import { AcemuxError, REASONS, type ReasonCode } from '../base/reasons.ts';
import { call, FakeLease, HASH, openRaw, playingSession, startRig } from './testing/rig.ts';

const PATH = `/ace/getstream?id=${HASH}&format=json`;

test('the reply is an engine’s, with addresses of our own, letter by letter', async (t) => {
  const rig = await startRig(t);
  const reply = await call(rig, PATH);
  const { infohash, playbackSessionId, token } = new FakeLease();
  const base = `http://127.0.0.1:${rig.port}/ace`;
  assert.equal(reply.status, 200);
  assert.equal(
    reply.text,
    `{"response": {"playback_url": "${base}/r/${infohash}/${token}", "stat_url": "${base}/stat/${infohash}/${token}", ` +
      `"command_url": "${base}/cmd/${infohash}/${token}", "infohash": "${infohash}", ` +
      `"playback_session_id": "${playbackSessionId}", "client_session_id": -1, "is_live": 1, "is_encrypted": 0}, ` +
      '"error": null}',
  );
  assert.equal(reply.headers['content-type'], 'application/json; charset=utf-8');
  assert.equal(reply.headers['cache-control'], 'no-store');
  assert.equal(reply.headers['access-control-allow-origin'], '*');
  assert.equal(rig.joins.length, 0, 'nobody plays yet');
});

test('what programs send to an engine is taken: their ids, and what means nothing here', async (t) => {
  const rig = await startRig(t, {
    openLease: async ({ clientSessionId }) => {
      const lease = new FakeLease(clientSessionId);
      lease.session = playingSession({ isEncrypted: true });
      return lease;
    },
  });
  const query = `content_id=${HASH}&quality=hd&pid=7&use_stop_notifications=1&use_api_events=1&client_session_id=42`;
  const reply = await call(rig, `/ace/getstream/?${query}&format=json`, {
    headers: { 'User-Agent': 'acexy' },
  });
  const { response } = Object(reply.json());
  assert.equal(response.client_session_id, 42);
  assert.equal(response.is_encrypted, 1);
  assert.equal('event_url' in response, false, 'there are no events to wait for');
  const [opening] = rig.openings;
  assert.deepEqual(opening?.selector, { kind: 'id', hash: HASH, parameters: { quality: 'hd' } });
  const { caller, request, ...viewer } = opening?.viewer ?? {};
  assert.deepEqual(viewer, { address: '127.0.0.1', userAgent: 'acexy' });
  assert.match(request ?? '', /^[0-9a-f]+-\d+$/);
  assert.equal(caller?.address, '127.0.0.1');
  for (const wrong of ['', 'abc', '1.5', '9'.repeat(30)]) {
    const { response } = Object((await call(rig, `${PATH}&client_session_id=${wrong}`)).json());
    assert.equal(response.client_session_id, -1, wrong);
  }
});

test('the addresses are where the program has asked, or where it is connected to', async (t) => {
  const rig = await startRig(t);
  const baseFor = async (request: string): Promise<string> => {
    const raw = await openRaw(t, rig);
    raw.write(request);
    const body = (await raw.ended).split('\r\n\r\n')[1] ?? '';
    return new URL(Object(JSON.parse(body)).response.playback_url).origin;
  };
  const own = `http://127.0.0.1:${rig.port}`;
  const cases: [string, string][] = [
    ['tv.example.org', 'http://tv.example.org'],
    ['ace_mux:8000', 'http://ace_mux:8000'],
    ['[::1]:8000', 'http://[::1]:8000'],
    ['evil/path?x', own],
    ['user@host', own],
  ];
  for (const [host, expected] of cases) {
    const request = `GET ${PATH} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    assert.equal(await baseFor(request), expected, host);
  }
  assert.equal(await baseFor(`GET ${PATH} HTTP/1.0\r\n\r\n`), own, 'HTTP/1.0 names no host');
});

test('what came of asking is told as an engine tells it: 200, and the reason in the body, in both shapes', async (t) => {
  const rig = await startRig(t);
  for (const code of Object.keys(REASONS) as ReasonCode[]) {
    if (code === 'internal') continue;
    rig.parts.openLease = () => Promise.reject(new AcemuxError(code));
    const reply = await call(rig, PATH);
    assert.equal(reply.status, 200, code);
    const body = Object(reply.json());
    assert.deepEqual([body.response, body.code], [null, code]);
    assert.ok(body.error && body.detail);
    const delay = body.retry_after_seconds;
    assert.equal(reply.headers['retry-after'], delay === undefined ? undefined : String(delay), code);
    assert.equal(rig.refused.at(-1), code, 'and counted');
  }
});

test('a request that is wrong in itself keeps its status, and its body is for both too', async (t) => {
  const rig = await startRig(t);
  const expect = async (path: string, status: number, code: ReasonCode): Promise<void> => {
    const reply = await call(rig, path);
    const body = Object(reply.json());
    assert.deepEqual([reply.status, body.response, body.code], [status, null, code], path);
    assert.ok(body.error && body.detail);
  };
  await expect('/ace/getstream?format=json', 400, 'id_missing');
  await expect('/ace/getstream?format=json&id=x', 400, 'id_malformed');
  await expect(`${PATH}p&callback=f`, 400, 'bad_request');
  rig.parts.openLease = () => Promise.reject(new TypeError('secret'));
  await expect(PATH, 500, 'internal');
  rig.parts.phase = 'draining';
  await expect(PATH, 503, 'draining');
  const closed = await startRig(t, { playAccess: 'key' });
  const refused = await call(closed, PATH);
  assert.equal(refused.status, 401);
  assert.ok(Object(refused.json()).error);
  assert.equal(closed.openings.length, 0);
});

test('a request for media has one shape of refusal only', async (t) => {
  const rig = await startRig(t, { join: () => Promise.reject(new AcemuxError('zero_peers')) });
  const reply = await call(rig, `/ace/getstream?id=${HASH}&format=`);
  assert.equal(reply.status, 504);
  assert.equal('error' in Object(reply.json()), false);
});

test('HEAD opens nothing', async (t) => {
  const rig = await startRig(t);
  const reply = await call(rig, PATH, { method: 'HEAD' });
  assert.equal(reply.status, 200);
  assert.match(reply.headers['content-type'] ?? '', /json/);
  assert.equal(rig.openings.length, 0);
});

test('a program that leaves while the stream is being opened aborts that, and is no refusal', async (t) => {
  const rig = await startRig(t, { openLease: ({ signal }) => untilAborted(new Promise(() => {}), signal) });
  const raw = await openRaw(t, rig);
  raw.write(`GET ${PATH} HTTP/1.1\r\nHost: test\r\n\r\n`);
  while (rig.openings.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const signal = rig.openings[0]?.signal;
  assert.ok(signal);
  raw.socket.destroy();
  await once(signal, 'abort');
  assert.equal(signal.reason instanceof AcemuxError && signal.reason.code, 'client_left');
  assert.deepEqual(rig.refused, []);
});

test('200 pipelined on one connection open one stream at most; one after the other they are served', async (t) => {
  const rig = await startRig(t, { openLease: ({ signal }) => untilAborted(new Promise(() => {}), signal) });
  const request = `GET ${PATH} HTTP/1.1\r\nHost: test\r\n\r\n`;
  const raw = await openRaw(t, rig);
  raw.write(request.repeat(200));
  await raw.ended;
  assert.ok(rig.openings.length <= 1);
  rig.parts.openLease = async () => new FakeLease();
  const polite = await openRaw(t, rig);
  for (let count = 1; count <= 2; count++) {
    const before = polite.received().length;
    polite.write(request);
    await polite.until(`"error": null}`);
    while (polite.received().length === before) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(polite.received().split('"error": null}').length - 1, count);
  }
});
