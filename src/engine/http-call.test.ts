import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { RecordingClock, until } from '../../test/support/recording-clock.ts';
import { reply, replyRedirect, startWireServer, type WireRequest } from '../../test/support/wire-server.ts';
import { untilAborted } from '../base/abort.ts';
import { callForText, RETRY_AFTER_MS, type TextReply } from './http-call.ts';
import { EngineTransport, type TransportFailure } from './transport.ts';

const REPLY_BYTES_MAX = 1_000;

async function caller(t: TestContext, handle: (request: WireRequest) => void) {
  const server = await startWireServer(t, handle);
  const clock = new RecordingClock();
  const limits = { connectTimeoutMs: 3_000, headerBytesMax: 16_384 };
  const transport = new EngineTransport({ address: server.address, clock, limits });
  t.after(() => transport.close());
  const abort = new AbortController();
  const call = (retryAfter: readonly TransportFailure[] = []): Promise<TextReply> =>
    callForText({
      open: (url, signal) => transport.open(url, signal),
      untilAccepting: () => Promise.reject(new Error('it was never refused')),
      url: new URL('http://engine.test/'),
      clock,
      replyBytesMax: REPLY_BYTES_MAX,
      retryAfter,
      signal: abort.signal,
    });
  return { server, clock, abort, call };
}

test('a reply’s text comes without its byte order mark', async (t) => {
  const { call } = await caller(t, (request) => reply(request, 200, '\uFEFF{"a": "ñ"}'));
  assert.deepEqual(await call(), { statusCode: 200, location: undefined, text: '{"a": "ñ"}' });
});

test('the body of a redirect, which may never end, is not waited for', async (t) => {
  const { server, call } = await caller(t, (request) => replyRedirect(request, 'http://elsewhere.test/x'));
  assert.deepEqual(await call(), { statusCode: 302, location: 'http://elsewhere.test/x', text: '' });
  await server.allClosed();
});

test('a reply that is too large is given up, however it is sent', async (t) => {
  const { server, call } = await caller(t, ({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(REPLY_BYTES_MAX + 1)}`);
  });
  await assert.rejects(call(), { code: 'engine_protocol' });
  await server.allClosed();
});

test('a reply that drips for ever ends with the call’s signal', async (t) => {
  const begun = Promise.withResolvers<void>();
  const { server, abort, call } = await caller(t, ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n{', () => begun.resolve());
  });
  const called = call();
  await begun.promise;
  abort.abort(new Error('time is up'));
  await assert.rejects(called, /time is up/);
  await server.allClosed();
});

test('a compressed reply is engine_protocol', async (t) => {
  const { call } = await caller(t, (request) => reply(request, 200, 'x', ['Content-Encoding: gzip']));
  await assert.rejects(call(), { code: 'engine_protocol' });
});

test('what broke before any reply is asked once more, a second later', async (t) => {
  const { server, clock, call } = await caller(t, (request) => {
    if (server.requests.length === 1) request.socket.resetAndDestroy();
    else reply(request, 200, 'yes');
  });
  const called = call(['closed']);
  await clock.passWait(RETRY_AFTER_MS);
  assert.equal((await called).text, 'yes');
  assert.equal(clock.pendingTimers, 0);
});

test('what breaks twice is not asked a third time', async (t) => {
  const { server, clock, call } = await caller(t, ({ socket }) => void socket.end());
  const called = call(['closed']);
  await Promise.all([assert.rejects(called, { code: 'engine_closed' }), clock.passWait(RETRY_AFTER_MS)]);
  assert.equal(server.requests.length, 2);
});

/** A call to an address where nobody listens, unless `opens` says otherwise for the so-manieth time. */
async function refusedCall(
  t: TestContext,
  untilAccepting: (signal: AbortSignal) => Promise<void>,
  accepts: (time: number) => boolean = () => false,
) {
  const { server, clock, abort } = await caller(t, (request) => reply(request, 200, 'yes'));
  const limits = { connectTimeoutMs: 3_000, headerBytesMax: 16_384 };
  const nobody = createServer().listen(0, '127.0.0.1');
  await once(nobody, 'listening');
  const { port } = nobody.address() as AddressInfo;
  await new Promise((resolve) => nobody.close(resolve));
  const nowhere = new EngineTransport({ address: { host: '127.0.0.1', port }, clock, limits });
  const there = new EngineTransport({ address: server.address, clock, limits });
  t.after(() => Promise.all([nowhere.close(), there.close()]));
  let times = 0;
  const reached = callForText({
    open: (url, signal) => (accepts(++times) ? there : nowhere).open(url, signal),
    untilAccepting,
    url: new URL('http://engine.test/'),
    clock,
    replyBytesMax: REPLY_BYTES_MAX,
    retryAfter: ['refused'],
    signal: abort.signal,
  });
  return { clock, abort, reached, times: () => times };
}

test('a connection that is refused is tried again when the engine accepts connections', async (t) => {
  const accepting = Promise.withResolvers<void>();
  const { clock, reached, times } = await refusedCall(
    t,
    (signal) => untilAborted(accepting.promise, signal),
    (time) => time === 2,
  );
  await until(() => clock.delaysMs.includes(RETRY_AFTER_MS));
  assert.equal(times(), 1);
  accepting.resolve();
  assert.equal((await reached).text, 'yes');
  assert.equal(clock.pendingTimers, 0);
});

test('an engine that refuses connections is waited for a second, however often it nearly came', async (t) => {
  let looks = 0;
  const { clock, reached, times } = await refusedCall(t, (signal) =>
    ++looks < 3 ? Promise.resolve() : untilAborted(new Promise(() => {}), signal),
  );
  const refused = assert.rejects(reached, { code: 'engine_unreachable' });
  await until(() => looks === 3);
  await clock.advance(RETRY_AFTER_MS);
  await refused;
  assert.equal(times(), 3);
  assert.equal(clock.pendingTimers, 0);
});

test('the wait for an engine that refuses connections ends with the call’s signal', async (t) => {
  const { clock, abort, reached } = await refusedCall(t, (signal) =>
    untilAborted(new Promise(() => {}), signal),
  );
  const gone = assert.rejects(reached, /gone/);
  await until(() => clock.delaysMs.includes(RETRY_AFTER_MS));
  abort.abort(new Error('gone'));
  await gone;
  await until(() => clock.pendingTimers === 0);
});

test('a reply that breaks in the middle is not asked again', async (t) => {
  const { server, call } = await caller(t, ({ socket }) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort');
  });
  await assert.rejects(call(['closed']), { code: 'engine_closed' });
  assert.equal(server.requests.length, 1);
});

test('malformed HTTP is engine_protocol and is not asked again', async (t) => {
  const { server, call } = await caller(t, ({ socket }) => void socket.end('nonsense\r\n\r\n'));
  await assert.rejects(call(['closed']), { code: 'engine_protocol' });
  assert.equal(server.requests.length, 1);
});

test('the wait before the retry ends with the call’s signal', async (t) => {
  const { clock, abort, call } = await caller(t, ({ socket }) => void socket.end());
  const called = assert.rejects(call(['closed']), /gone/);
  await until(() => clock.delaysMs.includes(RETRY_AFTER_MS));
  abort.abort(new Error('gone'));
  await called;
  assert.equal(clock.pendingTimers, 0);
});
