import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { RecordingClock, until } from '../../test/support/recording-clock.ts';
import { beginMedia, reply, startWireServer, type WireRequest } from '../../test/support/wire-server.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { engineRoot } from './rewrite.ts';
import { EngineTransport, type Exchange, TransportError } from './transport.ts';
import type { EngineAddress } from './types.ts';

const limits = { connectTimeoutMs: 3_000, headerBytesMax: 16_384 };
const never = new AbortController().signal;
const url = new URL('http://another.example:1/path?x=1');

async function transportTo(t: TestContext, handle: (request: WireRequest) => void) {
  const server = await startWireServer(t, handle);
  const { transport, clock } = build(t, server.address);
  return { server, transport, clock };
}

function build(t: TestContext, address: EngineAddress) {
  const clock = new RecordingClock();
  const transport = new EngineTransport({ address, clock, limits });
  t.after(() => transport.close());
  return { transport, clock };
}

async function readAll(exchange: Exchange): Promise<string> {
  let text = '';
  for await (const chunk of exchange) text += chunk.toString('latin1');
  return text;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === 'object');
  await new Promise((resolve) => server.close(resolve));
  return bound.port;
}

function failsAs(failure: string) {
  return (error: unknown) => error instanceof TransportError && error.failure === failure;
}

describe('a request', () => {
  test('looks like a player’s, on a connection of its own, to the configured address only', async (t) => {
    const { server, transport, clock } = await transportTo(t, (request) => reply(request, 200, 'yes'));
    assert.equal(await readAll(await transport.open(url, never)), 'yes');
    assert.equal(await readAll(await transport.open(url, never)), 'yes');
    const { method, target, headers } = server.requests[0]!;
    assert.equal(`${method} ${target}`, 'GET /path?x=1');
    assert.deepEqual(Object.fromEntries(headers), {
      host: `127.0.0.1:${server.address.port}`,
      'user-agent': 'VLC/3.0.21 LibVLC/3.0.21',
      accept: '*/*',
      'accept-encoding': 'identity',
      connection: 'close',
    });
    assert.equal(server.connections, 2);
    await server.allClosed();
    assert.equal(clock.pendingTimers, 0);
  });

  test('to a port where nobody listens is refused', async (t) => {
    const { transport, clock } = build(t, { host: '127.0.0.1', port: await freePort() });
    await assert.rejects(transport.open(url, never), failsAs('refused'));
    await transport.close();
    assert.equal(clock.pendingTimers, 0);
  });

  test('that does not connect in time is unreachable', async (t) => {
    // Time is up before the first event of the network can come.
    const hasty: Clock = {
      ...systemClock,
      startTimer: (_delayMs, fire) => {
        queueMicrotask(fire);
        return { cancel: () => {} };
      },
    };
    const server = await startWireServer(t, beginMedia);
    const transport = new EngineTransport({ address: server.address, clock: hasty, limits });
    t.after(() => transport.close());
    await assert.rejects(transport.open(url, never), failsAs('unreachable'));
    await until(() => transport.connectionCount === 0);
  });

  test('ends its connection when its signal aborts', async (t) => {
    const asked = Promise.withResolvers<void>();
    const { server, transport } = await transportTo(t, () => asked.resolve());
    const abort = new AbortController();
    const opened = transport.open(url, abort.signal);
    await asked.promise;
    abort.abort(new Error('enough'));
    await assert.rejects(opened, /enough/);
    await server.allClosed();
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  });

  const breaks: readonly (readonly [string, string, (request: WireRequest) => void])[] = [
    ['closed', 'an end before any reply', ({ socket }) => void socket.end()],
    ['closed', 'a reset before any reply', ({ socket }) => void socket.resetAndDestroy()],
    ['closed', 'an end within the headers', ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nServ')],
    [
      'syntax',
      'a second status line among the headers',
      ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n\r\n'),
    ],
    ['syntax', 'something that is no HTTP', ({ socket }) => void socket.end('SSH-2.0-engine\r\n\r\n')],
    [
      'syntax',
      'endless headers',
      ({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}`),
    ],
    [
      'closed',
      'a switch of protocols',
      ({ socket }) =>
        void socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    ],
  ];
  for (const [failure, name, handle] of breaks) {
    test(`answered by ${name} fails as ${failure}`, async (t) => {
      const { server, transport } = await transportTo(t, handle);
      await assert.rejects(transport.open(url, never), failsAs(failure));
      await server.allClosed();
    });
  }
});

for (const isMedia of [false, true]) {
  describe(isMedia ? 'a body of media' : 'a body', () => {
    test('that only the end of the connection delimits ends with it', async (t) => {
      const { transport } = await transportTo(t, (request) => {
        beginMedia(request);
        request.socket.end('media');
      });
      assert.equal(await readAll(await transport.open(url, never, undefined, isMedia)), 'media');
    });

    test('that a reset cuts does not look like its end', async (t) => {
      const cut = Promise.withResolvers<WireRequest>();
      const { transport } = await transportTo(t, (request) => {
        beginMedia(request);
        request.socket.write('media');
        cut.resolve(request);
      });
      const chunks = (await transport.open(url, never, undefined, isMedia))[Symbol.asyncIterator]();
      assert.equal((await chunks.next()).value?.toString(), 'media');
      const { socket } = await cut.promise;
      socket.resetAndDestroy();
      await assert.rejects(chunks.next(), failsAs('closed'));
    });

    test('that a reset cuts while nobody reads it fails at the next read, not the process', async (t) => {
      const { server, transport } = await transportTo(t, (request) => {
        beginMedia(request);
        request.socket.write(Buffer.alloc(1_000, 0x47), () => request.socket.resetAndDestroy());
      });
      const exchange = await transport.open(url, never, undefined, isMedia);
      await server.allClosed();
      await assert.rejects(readAll(exchange), failsAs('closed'));
    });

    test('that is shorter than its length fails', async (t) => {
      const { transport } = await transportTo(t, ({ socket }) => {
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort');
      });
      await assert.rejects(readAll(await transport.open(url, never, undefined, isMedia)), failsAs('closed'));
    });

    test('with malformed chunks fails as syntax', async (t) => {
      const { transport } = await transportTo(t, ({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnot a size\r\n');
      });
      await assert.rejects(readAll(await transport.open(url, never, undefined, isMedia)), failsAs('syntax'));
    });

    test('followed by rubbish is whole', async (t) => {
      const { transport } = await transportTo(t, ({ socket }) => {
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyrubbish\r\n\r\n');
      });
      assert.equal(await readAll(await transport.open(url, never, undefined, isMedia)), 'body');
    });

    test('ends at once when it is destroyed, also in the middle of a read', async (t) => {
      const { server, transport } = await transportTo(t, beginMedia);
      const exchange = await transport.open(url, never, undefined, isMedia);
      const read = readAll(exchange);
      exchange.destroy();
      exchange.destroy();
      assert.equal(await read, '');
      await server.allClosed();
    });
  });
}

test('media come whole and in order, wherever the reply is cut, and are read into one piece of memory', async (t) => {
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251));
  const head = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n');
  for (const cuts of [[], [1], [head.length], [head.length + 1], [head.length - 1, head.length + 70_000]]) {
    const wire = Buffer.concat([head, body]);
    const { transport } = await transportTo(t, ({ socket }) => {
      socket.setNoDelay(true);
      let from = 0;
      const send = (): void => {
        const to = cuts.find((cut) => cut > from) ?? wire.length;
        if (from === wire.length) socket.end();
        else socket.write(wire.subarray(from, to), () => setImmediate(send));
        from = to;
      };
      send();
    });
    const exchange = await transport.open(url, never, undefined, true);
    const parts: Buffer[] = [];
    const memory = new Set<ArrayBufferLike>();
    for await (const chunk of exchange) {
      parts.push(Buffer.from(chunk));
      memory.add(chunk.buffer);
    }
    assert.ok(Buffer.concat(parts).equals(body));
    assert.ok(parts.length > 2 && memory.size <= 2, `${memory.size} of ${parts.length} chunks are elsewhere`);
  }
});

describe('closing', () => {
  test('ends what waits and what plays, and leaves nothing', async (t) => {
    const { server, transport, clock } = await transportTo(t, (request) => {
      if (request.query.has('x')) beginMedia(request);
    });
    const exchange = await transport.open(url, never);
    const media = assert.rejects(readAll(exchange), failsAs('closed'));
    const stream = await transport.open(url, never, undefined, true);
    const alsoMedia = assert.rejects(readAll(stream), failsAs('closed'));
    const waiting = assert.rejects(transport.open(engineRoot(server.address), never), failsAs('closed'));
    await transport.close();
    await Promise.all([media, alsoMedia, waiting, server.allClosed()]);
    assert.equal(clock.pendingTimers, 0);
    await assert.rejects(transport.open(url, never), failsAs('closed'));
  });
});
