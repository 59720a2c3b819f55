import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { startWireServer, type WireRequest } from '../../test/support/wire-server.ts';
import { systemClock } from '../base/clock.ts';
import { type CallRequest, RawCall } from './raw-call.ts';

const { signal } = new AbortController();

/** Asks a server that answers by hand; the call ends with the test. */
async function ask(
  t: TestContext,
  answer: (request: WireRequest) => void,
  more: Partial<CallRequest> = {},
): Promise<RawCall> {
  const server = await startWireServer(t, answer);
  const call = new RawCall(
    { address: server.address, target: '/x?y=1', keepBytes: 1_000, ...more },
    { clock: systemClock, connectTimeoutMs: 2_000, onClosed: () => {} },
  );
  t.after(() => call.destroy());
  return call;
}

describe('a call', () => {
  test('sees head, body and end, and when they came', async (t) => {
    const call = await ask(t, ({ socket }) => socket.end('HTTP/1.1 200 OK\r\nServer: x\r\n\r\nhello'));
    assert.equal((await call.untilHead(signal)).status, 200);
    assert.equal((await call.untilWhole(signal)).toString(), 'hello');
    assert.equal(await call.untilEnd(signal), 'engine-fin');
    const times = [call.startedMs, call.connectedMs, call.headMs, call.firstBodyMs, call.endMs].map(Number);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  test('asks as a player does, on a connection that is not to be kept, unless told otherwise', async (t) => {
    const asked: WireRequest[] = [];
    const answer = (request: WireRequest): void => {
      asked.push(request);
      request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    };
    await (await ask(t, answer)).untilWhole(signal);
    await (await ask(t, answer, { host: 'other', keepAlive: true, headers: ['Range: bytes=0-'] })).untilWhole(
      signal,
    );
    const [first, second] = asked;
    assert.deepEqual([first?.target, first?.headers.get('connection')], ['/x?y=1', 'close']);
    assert.match(first?.headers.get('host') ?? '', /^127\.0\.0\.1:\d+$/);
    assert.deepEqual([second?.headers.get('host'), second?.headers.get('connection')], ['other', undefined]);
    assert.equal(second?.headers.get('range'), 'bytes=0-');
  });

  test('is whole at its length or its last chunk, while the connection stays open', async (t) => {
    for (const reply of [
      'Content-Length: 5\r\n\r\nhello',
      'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    ]) {
      const call = await ask(t, ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\n${reply}`));
      assert.equal((await call.untilWhole(signal)).toString(), 'hello');
      assert.equal(call.end, undefined);
    }
  });

  test('hands the body on as it comes, and keeps no more of it than asked', async (t) => {
    const parts: Buffer[] = [];
    const call = await ask(t, ({ socket }) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(5_000)}`), {
      onBody: (bytes) => parts.push(bytes),
      keepBytes: 10,
    });
    await call.untilWhole(signal);
    assert.deepEqual([Buffer.concat(parts).length, call.bodyBytes, call.body.length], [5_000, 5_000, 10]);
  });

  test('tells a reset from an end, and both from an answer', async (t) => {
    const reset = await ask(t, ({ socket }) => socket.resetAndDestroy());
    await assert.rejects(reset.untilHead(signal), {
      code: 'engine_closed',
      message: /reset before an answer/,
    });
    assert.equal(reset.end, 'engine-reset');
    const short = await ask(t, ({ socket }) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello'),
    );
    await assert.rejects(short.untilBytes(9, signal), {
      code: 'engine_closed',
      message: /closed within its answer/,
    });
  });

  test('refuses what is not HTTP, and a head without an end', async (t) => {
    for (const bytes of ['SSH-2.0-OpenSSH\r\n', `HTTP/1.1 200 OK\r\n${'x'.repeat(70_000)}`]) {
      const call = await ask(t, ({ socket }) => socket.write(bytes));
      await assert.rejects(call.untilHead(signal), { code: 'engine_protocol' });
    }
  });

  test('stops waiting when it is told to', async (t) => {
    const call = await ask(t, () => {});
    const stop = new AbortController();
    const waiting = call.untilHead(stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(waiting, { message: 'enough' });
    await assert.rejects(call.untilEnd(stop.signal), { message: 'enough' });
  });

  test('ends by us, and whoever waits hears of it', async (t) => {
    const call = await ask(t, () => {});
    const waiting = assert.rejects(call.untilHead(signal), { code: 'engine_closed' });
    call.destroy();
    await waiting;
    assert.equal(await call.untilEnd(signal), 'doctor');
  });

  test('to a port where nobody listens is refused', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    assert(bound !== null && typeof bound === 'object');
    await new Promise((resolve) => server.close(resolve));
    const closed = Promise.withResolvers<RawCall>();
    const call = new RawCall(
      { address: { host: '127.0.0.1', port: bound.port }, target: '/' },
      { clock: systemClock, connectTimeoutMs: 2_000, onClosed: closed.resolve },
    );
    await assert.rejects(call.untilHead(signal), { code: 'engine_unreachable', message: /ECONNREFUSED/ });
    assert.equal(call.end, 'refused');
    assert.equal(await closed.promise, call);
  });
});
