import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RecordingClock } from '../../test/support/recording-clock.ts';
import { reply, replyRedirect, startWireServer, type WireRequest } from '../../test/support/wire-server.ts';
import { fetchWhole } from './hls-fetch.ts';
import { engineRoot } from './rewrite.ts';
import { EngineTransport } from './transport.ts';

async function rig(t: TestContext, handle: (request: WireRequest) => void) {
  const server = await startWireServer(t, handle);
  const limits = { connectTimeoutMs: 3_000, headerBytesMax: 16_384 };
  const transport = new EngineTransport({ address: server.address, clock: new RecordingClock(), limits });
  t.after(() => transport.close());
  const root = engineRoot(server.address);
  const abort = new AbortController();
  const get = (path = '/a') =>
    fetchWhole(new URL(path, root), {
      transport,
      root,
      redirectsMax: 3,
      bytesMax: 1_000,
      signal: abort.signal,
    });
  return { server, transport, root, abort, get };
}

test('invariant 9: redirects are followed to the engine itself, whatever host they name', async (t) => {
  const { server, root, transport, get } = await rig(t, (request) => {
    if (request.path === '/a') replyRedirect(request, 'http://evil.example/b?x=1');
    else reply(request, 200, 'body');
  });
  const { statusCode, url, bytes } = await get();
  assert.deepEqual([statusCode, url.href, bytes.toString()], [200, `${root.origin}/b?x=1`, 'body']);
  assert.deepEqual(
    server.requests.map(({ target }) => target),
    ['/a', '/b?x=1'],
  );
  await server.allClosed();
  assert.equal(transport.connectionCount, 0);
});

test('redirects in a circle are engine_protocol', async (t) => {
  const { server, get } = await rig(t, (request) => replyRedirect(request, '/a'));
  await assert.rejects(get(), { code: 'engine_protocol' });
  assert.equal(server.requests.length, 4);
});

test('a body without an end is given up at the limit; of a refusal, however long, the first words are enough', async (t) => {
  const { server, get } = await rig(t, (request) => {
    const status = request.path === '/a' ? '200 OK' : '404 Not Found';
    request.socket.write(`HTTP/1.1 ${status}\r\n\r\n`);
    const pour = (): void => {
      while (!request.socket.destroyed && request.socket.write('x'.repeat(5_000)));
    };
    request.socket.on('drain', pour);
    pour();
  });
  await assert.rejects(get(), RangeError);
  const { statusCode, bytes } = await get('/b');
  assert.equal(statusCode, 404);
  assert.ok(bytes.length >= 4_096);
  await server.allClosed();
});

test('a body that is cut is a failure of the transport; one that hangs ends with the signal', async (t) => {
  const { server, abort, get } = await rig(t, (request) => {
    request.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    if (request.path === '/a') request.socket.end();
    else setImmediate(() => abort.abort(new Error('enough')));
  });
  await assert.rejects(get(), { name: 'TransportError', failure: 'closed' });
  await assert.rejects(get('/b'), /enough/);
  await server.allClosed();
});
