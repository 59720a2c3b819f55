import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilAborted } from '../base/abort.ts';
import { AcemuxError } from '../base/reasons.ts';
import { TS_RESPONSE_HEADERS } from '../output/ts/response-headers.ts';
import {
  call,
  FakeAttachment,
  GET_HEALTH,
  GET_STREAM,
  HASH,
  openRaw,
  type Parts,
  startRig,
} from './testing/rig.ts';

/** An output that never ends by itself. */
const playForEver: Parts['play'] = (response) =>
  void response.writeHead(200, TS_RESPONSE_HEADERS).write('media');

test('200 pipelined requests for streams on one connection begin at most one', async (t) => {
  const rig = await startRig(t, { join: ({ signal }) => untilAborted(new Promise(() => {}), signal) });
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM.repeat(200));
  await raw.ended;
  assert.ok(rig.joins.length <= 1, `${rig.joins.length} joins`);
  assert.deepEqual(rig.refused, ['client_pipelined']);
  assert.equal((await call(rig, '/health')).status, 200, 'and the server lives');
});

test('a second request while the first waits for its start ends the connection and aborts the start', async (t) => {
  const rig = await startRig(t, { join: ({ signal }) => untilAborted(new Promise(() => {}), signal) });
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM);
  const { signal } = await rig.joined();
  raw.write(GET_STREAM);
  await raw.ended;
  assert.equal(signal.reason instanceof AcemuxError && signal.reason.code, 'client_pipelined');
  assert.equal(rig.joins.length, 1);
});

for (const [what, second] of [
  ['another stream', GET_STREAM],
  ['anything else', GET_HEALTH],
  ['what is no request', 'nonsense\r\n\r\n'],
] as const) {
  test(`a connection that plays is ended when ${what} is asked on it`, async (t) => {
    const attachment = new FakeAttachment();
    const rig = await startRig(t, { join: async () => attachment, play: playForEver });
    const raw = await openRaw(t, rig);
    raw.write(GET_STREAM);
    await raw.until('media');
    raw.write(second);
    assert.equal(await attachment.left, 'client_pipelined');
    const received = await raw.ended;
    assert.equal(received.match(/HTTP\/1\.1/g)?.length, 1, 'nothing is written into the stream');
    assert.equal(rig.joins.length, 1);
    assert.deepEqual(rig.refused, ['client_pipelined']);
  });
}

test('a stream asked for behind an unfinished request is not started', async (t) => {
  const rig = await startRig(t, { play: playForEver });
  const raw = await openRaw(t, rig);
  raw.write(GET_HEALTH + GET_STREAM);
  await raw.ended;
  assert.equal(rig.joins.length, 0);
  assert.deepEqual(rig.refused, ['client_pipelined']);
});

test('a stream asked for with another request behind it is not started', async (t) => {
  const rig = await startRig(t, { play: playForEver });
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM + GET_HEALTH);
  await raw.ended;
  assert.equal(rig.joins.length, 0);
});

test('a stream asked for after the reply to another request plays', async (t) => {
  const rig = await startRig(t, { play: playForEver });
  const raw = await openRaw(t, rig);
  raw.write(GET_HEALTH);
  await raw.until('live');
  raw.write(GET_STREAM);
  await raw.until('media');
  assert.deepEqual(rig.refused, []);
  raw.socket.destroy();
});

test('pipelined requests that do not play are answered in order', async (t) => {
  const rig = await startRig(t);
  const raw = await openRaw(t, rig);
  raw.write(`${GET_HEALTH}GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`);
  assert.match(await raw.ended, /live[\s\S]*a_metric/);
});

test('what is not HTTP is answered with our error and closed', async (t) => {
  const rig = await startRig(t);
  const raw = await openRaw(t, rig);
  raw.write('HELLOBG version=3\r\n\r\n');
  const reply = await raw.ended;
  assert.match(reply, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(reply, /\r\nConnection: close\r\n[\s\S]*"code":"bad_request"/);
  assert.deepEqual(rig.refused, ['bad_request']);
});

test('headers beyond 16 KiB are answered with 431 and closed', async (t) => {
  const rig = await startRig(t);
  const raw = await openRaw(t, rig);
  raw.write(`GET /health HTTP/1.1\r\nHost: test\r\nX-Long: ${'x'.repeat(17 * 1024)}\r\n\r\n`);
  assert.match(await raw.ended, /^HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"/);
});

test('a request that does not arrive in time is answered with 408 and closed', async (t) => {
  const rig = await startRig(t, {
    limits: { headersTimeoutMs: 50, requestTimeoutMs: 50, checkIntervalMs: 20 },
  });
  const raw = await openRaw(t, rig);
  raw.write('GET /health HTTP/1.1\r\nHost: te');
  assert.match(await raw.ended, /^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
});

test('a connection that plays outlives the timeouts of requests', async (t) => {
  const limits = { headersTimeoutMs: 30, requestTimeoutMs: 30, keepAliveTimeoutMs: 30, checkIntervalMs: 10 };
  const rig = await startRig(t, {
    limits,
    play(response) {
      response.writeHead(200, TS_RESPONSE_HEADERS);
      // More than ten checks pass between the first byte and the last.
      let ticks = 0;
      const ticker = setInterval(() => {
        ticks += 1;
        response.write('tick');
        if (ticks < 15) return;
        clearInterval(ticker);
        response.end('last');
      }, 10);
      response.once('close', () => clearInterval(ticker));
    },
  });
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM);
  assert.match(await raw.ended, /last/);
});

test('closing does not wait for connections that ask nothing', async (t) => {
  const rig = await startRig(t, { limits: { closeGraceMs: 60_000 } });
  const silent = await openRaw(t, rig);
  const half = await openRaw(t, rig);
  half.write('GET /health HTTP/1.1\r\nHo');
  const keptAlive = await openRaw(t, rig);
  keptAlive.write(GET_HEALTH);
  await keptAlive.until('live');
  await rig.server.close();
  assert.equal(await silent.ended, '');
  assert.equal(await half.ended, '');
  await keptAlive.ended;
});

test('closing lets a reply that is under way end', async (t) => {
  const page = Promise.withResolvers<string>();
  const asked = Promise.withResolvers<void>();
  const rig = await startRig(t, {
    renderMetrics() {
      asked.resolve();
      return page.promise;
    },
  });
  const reply = call(rig, '/metrics');
  await asked.promise;
  const closed = rig.server.close();
  page.resolve('late_metric 1\n');
  assert.equal((await reply).text, 'late_metric 1\n');
  await closed;
});

test('closing ends in bounded time even if a stream was forgotten', async (t) => {
  const rig = await startRig(t, { play: playForEver, limits: { closeGraceMs: 20 } });
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM);
  await raw.until('media');
  await rig.server.close();
  await raw.ended;
});

test('after closing no socket, server or timer is left', async (t) => {
  const rig = await startRig(t);
  await call(rig, '/health');
  await call(rig, `/ace/getstream?id=${HASH}`);
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM.repeat(3));
  await raw.ended;
  await rig.server.close();
  await rig.server.close();
  const left = () => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind));
  // A handle that has said that it is closed is gone a few turns of the loop later.
  for (let turn = 0; turn < 20 && left().length > 0; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(left(), []);
});
