import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RecordingClock } from '../../test/support/recording-clock.ts';
import {
  beginMedia,
  reply,
  replyRedirect,
  startWireServer,
  type WireRequest,
} from '../../test/support/wire-server.ts';
import type { Clock } from '../base/clock.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { silentLog } from '../telemetry/log.ts';
import { type MediaStream, openMedia } from './media.ts';
import { engineRoot, rewriteToEngine } from './rewrite.ts';
import { EngineTransport } from './transport.ts';
import type { Playback } from './types.ts';

async function rig(t: TestContext, handle: (request: WireRequest) => void) {
  const clock = new RecordingClock();
  return { clock, ...(await rigBy(t, clock, true, handle)) };
}

async function rigBy(t: TestContext, clock: Clock, isLive: boolean, handle: (request: WireRequest) => void) {
  const server = await startWireServer(t, handle);
  const limits = { connectTimeoutMs: 3_000, headerBytesMax: 16_384, redirectsMax: 5, statTimeoutMs: 3_000 };
  const transport = new EngineTransport({ address: server.address, clock, limits });
  t.after(() => transport.close());
  const root = engineRoot(server.address);
  const at = (path: string): URL => rewriteToEngine(path, root);
  const playback: Playback = {
    infohash: 'a'.repeat(40),
    isLive,
    isEncrypted: false,
    playbackSessionId: undefined,
    playbackUrl: at('/ace/r/a/b'),
    statUrl: at('/ace/stat/a/b'),
    commandUrl: at('/ace/cmd/a/b'),
  };
  const abort = new AbortController();
  const open = (): Promise<MediaStream> =>
    openMedia({ transport, root, clock, log: silentLog(), limits }, playback, abort.signal);
  return { server, abort, open };
}

async function readAll(media: MediaStream): Promise<string> {
  let text = '';
  for await (const chunk of media) text += chunk.toString('latin1');
  return text;
}

function media(request: WireRequest, body: string): void {
  beginMedia(request);
  request.socket.end(body);
}

test('the redirect to the media is followed, its host replaced and its endless body left unread', async (t) => {
  const { server, clock, open } = await rig(t, (request) => {
    if (request.path === '/ace/r/a/b') replyRedirect(request, 'http://172.17.0.2:6878/content/a/0.67?x=1');
    else media(request, 'media');
  });
  const stream = await open();
  assert.equal(stream.contentType, 'video/mp2t');
  assert.equal(await readAll(stream), 'media');
  assert.deepEqual(
    server.requests.map(({ target }) => target),
    ['/ace/r/a/b', '/content/a/0.67?x=1'],
  );
  await server.allClosed();
  assert.equal(clock.pendingTimers, 0);
});

test('a relative redirect is followed', async (t) => {
  const { open } = await rig(t, (request) => {
    if (request.path === '/ace/r/a/b') replyRedirect(request, '/content/a/1');
    else media(request, 'media');
  });
  assert.equal(await readAll(await open()), 'media');
});

for (const location of ['ftp://172.17.0.2/x', 'file:///etc/passwd']) {
  test(`a redirect to ${location} is engine_protocol`, async (t) => {
    const { open } = await rig(t, (request) => replyRedirect(request, location));
    await assert.rejects(open(), { code: 'engine_protocol' });
  });
}

test('a redirect in a circle is engine_protocol after five', async (t) => {
  const { server, open } = await rig(t, (request) => replyRedirect(request, '/ace/r/a/b'));
  await assert.rejects(open(), { code: 'engine_protocol' });
  assert.equal(server.requests.length, 6);
});

test('while the engine is not ready it is asked again, ever more slowly, from the playback’s address', async (t) => {
  const statuses = [404, 500, 503, 502];
  const { server, clock, open } = await rig(t, (request) => {
    if (request.path === '/ace/r/a/b') return replyRedirect(request, `/content/${server.requests.length}`);
    const status = statuses.shift();
    if (status === undefined) media(request, 'media');
    else reply(request, status, 'preloading');
  });
  const opened = open();
  await clock.passWait(250);
  await clock.passWait(500);
  await clock.passWait(1_000, 1);
  await clock.passWait(1_000, 2);
  assert.equal(await readAll(await opened), 'media');
  assert.equal(server.requests.filter(({ path }) => path === '/ace/r/a/b').length, 5);
});

test('an engine that never gets ready is asked until the signal aborts', async (t) => {
  const { clock, abort, open } = await rig(t, (request) => reply(request, 500, 'preloading'));
  const opened = assert.rejects(open(), /no more/);
  for (const [delayMs, times] of [
    [250, 1],
    [500, 1],
    [1_000, 1],
    [1_000, 2],
  ] as const) {
    await clock.passWait(delayMs, times);
  }
  abort.abort(new Error('no more'));
  await opened;
});

test('403, and the words for it, mean that the playback is gone', async (t) => {
  for (const [status, words] of [
    [403, 'Forbidden'],
    [500, 'unknown playback session id'],
  ] as const) {
    const { open } = await rig(t, (request) => reply(request, status, words));
    await assert.rejects(open(), { code: 'playback_unknown' });
  }
});

test('a not-ready reply whose text never ends does not hold up the next try', async (t) => {
  const { server, clock, open } = await rig(t, (request) => {
    if (server.requests.length === 1) request.socket.write('HTTP/1.1 500 Error\r\n\r\npre');
    else media(request, 'media');
  });
  const opened = open();
  await clock.passWait(3_000, 2); // The first one was for the connection.
  await clock.passWait(250);
  assert.equal(await readAll(await opened), 'media');
});

test('any other status is engine_protocol', async (t) => {
  for (const status of [204, 400, 416]) {
    const { open } = await rig(t, (request) => reply(request, status, ''));
    await assert.rejects(open(), { code: 'engine_protocol' });
  }
});

test('compressed media are engine_protocol', async (t) => {
  const { open } = await rig(t, (request) => reply(request, 200, 'x', ['Content-Encoding: gzip']));
  await assert.rejects(open(), { code: 'engine_protocol' });
});

test('a connection reset before any reply is tried once more', async (t) => {
  const { server, clock, open } = await rig(t, (request) => {
    if (server.requests.length === 1) request.socket.resetAndDestroy();
    else media(request, 'media');
  });
  const opened = open();
  await clock.passWait(1_000);
  assert.equal(await readAll(await opened), 'media');
});

test('the reply of a second reader, with two status lines, is engine_protocol', async (t) => {
  const { open } = await rig(t, ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nHTTP/1.1 500 Internal Server Error\r\n\r\n');
  });
  await assert.rejects(open(), { code: 'engine_protocol' });
});

test('media that break off throw source_failed', async (t) => {
  const { open } = await rig(t, (request) => {
    beginMedia(request);
    request.socket.write('media', () => request.socket.resetAndDestroy());
  });
  await assert.rejects(open().then(readAll), { code: 'source_failed' });
});

test('destroyed media end without an error, and the connection with them', async (t) => {
  const { server, open } = await rig(t, beginMedia);
  const stream = await open();
  const read = readAll(stream);
  stream.destroy();
  assert.equal(await read, '');
  await server.allClosed();
});

test('media that nobody reads hold the engine back instead of filling the memory', async (t) => {
  const block = Buffer.alloc(1024 * 1024, 0x47);
  const stuck = Promise.withResolvers<void>();
  let sentBytes = 0;
  const { open } = await rig(t, (request) => {
    beginMedia(request);
    const send = (): void => {
      while (!request.socket.writableNeedDrain && sentBytes < 256 * block.length) {
        sentBytes += block.length;
        request.socket.write(block);
      }
      stuck.resolve();
    };
    request.socket.on('drain', send);
    send();
  });
  const stream = await open();
  await stuck.promise;
  for await (const chunk of stream) {
    assert.ok(chunk.length <= 1024 * 1024);
    break;
  }
  assert.ok(sentBytes < 64 * block.length, `${sentBytes} bytes were taken in`);
});

test('once a live stream has run for a while, what comes in small pieces is read 11 times a second', async (t) => {
  const clock = new ManualClock();
  let engine: WireRequest | undefined;
  const { open } = await rigBy(t, clock, true, (request) => {
    engine = request;
    beginMedia(request);
    request.socket.write('first');
  });
  const stream = await open();
  const pieces = stream[Symbol.asyncIterator]();
  assert.equal(String((await pieces.next()).value), 'first');
  engine?.socket.write('second');
  assert.equal(String((await pieces.next()).value), 'second', 'nothing waits while it starts');
  await clock.advance(2_000);
  engine?.socket.write('third');
  const third = pieces.next();
  await turn();
  assert.equal(clock.pendingTimers, 1);
  await clock.advance(89);
  assert.equal(clock.pendingTimers, 1);
  await clock.advance(1);
  assert.equal(String((await third).value), 'third');

  const none = pieces.next();
  await turn();
  stream.destroy();
  assert.equal((await none).done, true, 'it ends at once, whatever it waits for');
  assert.equal(clock.pendingTimers, 0);
});

test('what fills a read is followed by the next read at once, and so is all of a recording', async (t) => {
  for (const isLive of [true, false]) {
    const clock = new ManualClock();
    const { open } = await rigBy(t, clock, isLive, (request) => {
      beginMedia(request);
      request.socket.write(Buffer.alloc(4 * 1024 * 1024, 0x47));
    });
    const stream = await open();
    const pieces = stream[Symbol.asyncIterator]();
    let [readBytes, small, waits] = [0, 0, 0];
    while (readBytes < 3 * 1024 * 1024) {
      let size: number | undefined;
      const piece = pieces.next().then(({ value }) => {
        size = value?.length ?? 0;
      });
      while (size === undefined) {
        await turn();
        if (clock.pendingTimers > 0) waits++;
        await clock.advance(90);
      }
      await piece;
      if (size < 64 * 1024) small++;
      if (readBytes === 0) await clock.advance(2_000);
      readBytes += size;
    }
    stream.destroy();
    assert.ok(waits <= (isLive ? small : 0), `${waits} waits, ${small} small pieces`);
  }
});

/** A turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
