import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { serveConnection, type WireRequest } from './wire.ts';

/** A server that answers every request with its target; what a client gets until the connection ends. */
async function startServer(
  t: TestContext,
): Promise<{ requests: WireRequest[]; send: (bytes: Buffer | string) => Promise<string> }> {
  const requests: WireRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    serveConnection(socket, {
      poisons: () => false,
      serverHeader: 'Test/1',
      wallMs: () => 0,
      onRequest(exchange) {
        requests.push(exchange.request);
        exchange.reply({ status: 200, contentType: 'text/plain', body: exchange.request.target });
      },
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  const send = (bytes: Buffer | string): Promise<string> =>
    new Promise((resolve) => {
      let received = '';
      const client = connect(address.port, '127.0.0.1', () => client.end(bytes));
      client.on('data', (chunk) => {
        received += chunk.toString('latin1');
      });
      client.on('error', () => {});
      client.on('close', () => resolve(received));
    });
  return { requests, send };
}

test('a reply has length, server and date, and leaves the connection open for the next request', async (t) => {
  const { requests, send } = await startServer(t);
  const received = await send(
    'GET /one?a=b%20c HTTP/1.1\r\nHost: x\r\nX-Y:  z \r\n\r\nGET /two HTTP/1.1\r\n\r\n',
  );
  const one =
    'HTTP/1.1 200 OK\r\nServer: Test/1\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/plain\r\n';
  assert(
    received.startsWith(`${one}Content-Length: 12\r\n\r\n/one?a=b%20c${one}Content-Length: 4\r\n\r\n/two`),
  );
  assert.equal(requests[0]?.query.get('a'), 'b c');
  assert.deepEqual(requests[0]?.headers, { host: 'x', 'x-y': 'z' });
});

test('Connection: close and HTTP/1.0 are obeyed, a request’s body is passed over', async (t) => {
  const { requests, send } = await startServer(t);
  assert.match(await send('GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n'), /Connection: close\r\n\r\n\/a$/);
  await send('GET /c HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyzGET /d HTTP/1.1\r\nConnection: close\r\n\r\n');
  assert.deepEqual(
    requests.map((request) => request.path),
    ['/a', '/c', '/d'],
  );
});

test('bytes that are no request are answered 400 or dropped, and nothing breaks', async (t) => {
  const { send } = await startServer(t);
  assert.match(await send('nonsense\r\n\r\n'), /^HTTP\/1\.1 400/);
  assert.equal(await send('G'.repeat(200_000)), '');
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await send(Buffer.concat([Buffer.from(bytes), Buffer.from('\r\n\r\n')]));
    }),
    { numRuns: 50 },
  );
  assert.match(await send('GET /alive HTTP/1.1\r\nConnection: close\r\n\r\n'), /\/alive$/);
});
