import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { untilAborted } from '../../base/abort.ts';
import { AcemuxError, REASONS, type ReasonCode } from '../../base/reasons.ts';
import { TS_RESPONSE_HEADERS } from '../../output/ts/response-headers.ts';
import { call, FakeAttachment, GET_STREAM, HASH, openRaw, startRig } from '../testing/rig.ts';
import { GETSTREAM_PATHS } from './getstream.ts';

test('a viewer is let in and the output takes over', async (t) => {
  const rig = await startRig(t);
  for (const path of [`/ace/getstream?id=${HASH}`, `/ace/getstream/?infohash=${HASH}&pid=7&quality=hd`]) {
    const reply = await call(rig, path, { headers: { 'User-Agent': 'VLC/3.0.20 LibVLC/3.0.20' } });
    assert.equal(reply.status, 200);
    assert.equal(reply.text, 'media');
  }
  const [first, second] = rig.joins;
  assert.deepEqual(first?.selector, { kind: 'id', hash: HASH, parameters: {} });
  const { caller, request, ...viewer } = first?.viewer ?? {};
  assert.deepEqual(viewer, { address: '127.0.0.1', userAgent: 'VLC/3.0.20 LibVLC/3.0.20' });
  assert.match(request ?? '', /^[0-9a-f]+-\d+$/);
  assert.equal(caller?.role, 'guest');
  assert.deepEqual(second?.selector, { kind: 'infohash', hash: HASH, parameters: { quality: 'hd' } });
});

test('the output gets a reply to which nothing has been written', async (t) => {
  let headersSent: boolean | undefined;
  const rig = await startRig(t, {
    play(response) {
      headersSent = response.headersSent;
      response.writeHead(200, TS_RESPONSE_HEADERS).end();
    },
  });
  await call(rig, `/ace/getstream?id=${HASH}`);
  assert.equal(headersSent, false);
});

test('players of HTTP/1.0 and players that ask for ranges are served', async (t) => {
  const rig = await startRig(t);
  const raw = await openRaw(t, rig);
  raw.write(`GET /ace/getstream?id=${HASH} HTTP/1.0\r\nRange: bytes=0-\r\nIcy-MetaData: 1\r\n\r\n`);
  assert.match(await raw.ended, /^HTTP\/1\.1 200 OK\r\n[\s\S]*media$/);
});

test('HEAD answers the headers of GET and reaches no engine', async (t) => {
  const rig = await startRig(t);
  for (const path of GETSTREAM_PATHS) {
    const head = await call(rig, `${path}?id=${HASH}`, { method: 'HEAD' });
    const get = await call(rig, `${path}?id=${HASH}`);
    assert.equal(head.status, 200);
    for (const [name, value] of Object.entries(TS_RESPONSE_HEADERS)) {
      assert.equal(head.headers[name.toLowerCase()], value, name);
      assert.equal(get.headers[name.toLowerCase()], value, name);
    }
    assert.equal(head.headers['content-length'], undefined);
    assert.equal(head.headers['transfer-encoding'], undefined);
  }
  assert.equal(rig.joins.length, 2, 'only the two GETs joined');
});

test('a malformed request is refused before anybody is asked', async (t) => {
  const rig = await startRig(t);
  const cases: [string, ReasonCode][] = [
    ['', 'id_missing'],
    ['?id=x', 'id_malformed'],
    [`?id=${HASH}&infohash=${HASH}`, 'id_ambiguous'],
    [`?id=${HASH}&id=${HASH}`, 'id_ambiguous'],
    [`?id=${HASH}&quality=${'x'.repeat(65)}`, 'bad_request'],
  ];
  for (const [query, code] of cases) {
    const reply = await call(rig, `/ace/getstream${query}`);
    assert.equal(reply.status, 400, query);
    assert.equal(errorCodeOf(reply.json()), code);
    const head = await call(rig, `/ace/getstream${query}`, { method: 'HEAD' });
    assert.equal(head.status, 400, query);
  }
  assert.equal(rig.joins.length, 0);
});

test('every reason for which a start fails is answered with its status, word and delay', async (t) => {
  const rig = await startRig(t);
  for (const code of Object.keys(REASONS) as ReasonCode[]) {
    if (REASONS[code].retryAfterSeconds === undefined && REASONS[code].status === undefined) continue;
    rig.parts.join = () => Promise.reject(new AcemuxError(code));
    const reply = await call(rig, `/ace/getstream?id=${HASH}`);
    assert.equal(reply.status, REASONS[code].status, code);
    assert.equal(errorCodeOf(reply.json()), code);
    assert.equal(rig.refused.at(-1), code, 'and counted');
    const delay = REASONS[code].retryAfterSeconds;
    assert.equal(reply.headers['retry-after'], delay === undefined ? undefined : String(delay), code);
    assert.match(reply.headers['content-type'] ?? '', /^application\/json/);
    assert.equal(reply.headers['access-control-allow-origin'], '*');
  }
});

test('a mistake of ours is 500 and keeps its message inside', async (t) => {
  const rig = await startRig(t, { join: () => Promise.reject(new TypeError('secret')) });
  const reply = await call(rig, `/ace/getstream?id=${HASH}`);
  assert.equal(reply.status, 500);
  assert.equal(errorCodeOf(reply.json()), 'internal');
  assert.doesNotMatch(reply.text, /secret/);
});

test('while acemux starts or drains nobody is let in', async (t) => {
  const rig = await startRig(t);
  for (const phase of ['starting', 'draining'] as const) {
    rig.parts.phase = phase;
    const reply = await call(rig, `/ace/getstream?id=${HASH}`);
    assert.equal(reply.status, 503);
    assert.equal(errorCodeOf(reply.json()), phase);
  }
  assert.equal(rig.joins.length, 0);
});

test('a viewer who leaves during the start aborts it', async (t) => {
  const rig = await startRig(t, { join: ({ signal }) => untilAborted(new Promise(() => {}), signal) });
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM);
  const { signal } = await rig.joined();
  assert.equal(signal.aborted, false);
  raw.socket.destroy();
  await once(signal, 'abort');
  assert.equal(signal.reason instanceof AcemuxError && signal.reason.code, 'client_left');
  assert.deepEqual(rig.refused, [], 'leaving is no refusal');
});

test('a start that succeeds for a viewer who has left is given back', async (t) => {
  const attachment = new FakeAttachment();
  let played = false;
  let succeed: () => void = () => {};
  const rig = await startRig(t, {
    join: () =>
      new Promise((resolve) => {
        succeed = () => resolve(attachment);
      }),
    play: () => {
      played = true;
    },
  });
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM);
  const { signal } = await rig.joined();
  raw.socket.destroy();
  await once(signal, 'abort');
  succeed();
  assert.equal(await attachment.left, 'client_left');
  assert.equal(played, false);
});

test('an output that throws costs this viewer only', async (t) => {
  const attachment = new FakeAttachment();
  const rig = await startRig(t, {
    join: async () => attachment,
    play: () => {
      throw new Error('broken');
    },
  });
  await assert.rejects(call(rig, `/ace/getstream?id=${HASH}`));
  assert.equal(await attachment.left, 'internal');
  assert.equal((await call(rig, '/health')).status, 200);
});

test('once the output has taken over, a viewer who leaves is its business', async (t) => {
  const attachment = new FakeAttachment();
  const closed = Promise.withResolvers<void>();
  const rig = await startRig(t, {
    join: async () => attachment,
    play(response: ServerResponse) {
      response.once('close', closed.resolve);
      response.writeHead(200, TS_RESPONSE_HEADERS).write('media');
    },
  });
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM);
  await raw.until('media');
  raw.socket.destroy();
  await closed.promise;
  assert.deepEqual(attachment.reasons, []);
  assert.equal(rig.joins[0]?.signal.aborted, false);
});

test('browsers of any origin may play: preflight needs no key', async (t) => {
  const rig = await startRig(t, { playAccess: 'key' });
  for (const path of GETSTREAM_PATHS) {
    const reply = await call(rig, path, { method: 'OPTIONS', headers: { Origin: 'http://any' } });
    assert.equal(reply.status, 204);
    assert.equal(reply.text, '');
    assert.equal(reply.headers['access-control-allow-origin'], '*');
    assert.match(reply.headers['access-control-allow-methods'] ?? '', /GET/);
    assert.match(reply.headers['access-control-allow-headers'] ?? '', /Authorization/);
  }
});

function errorCodeOf(body: unknown): unknown {
  assert.ok(typeof body === 'object' && body !== null && 'code' in body && 'detail' in body);
  return body.code;
}
