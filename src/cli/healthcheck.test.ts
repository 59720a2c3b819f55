import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { loadConfig } from '../config/load.ts';
import { healthcheck, healthUrl } from './healthcheck.ts';

async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  return String(address.port);
}

function serve(t: TestContext, answer: RequestListener): Promise<string> {
  return listen(t, createServer(answer));
}

describe('acemux healthcheck', () => {
  test('is 0 when the server of the same configuration lives', async (t) => {
    const paths: (string | undefined)[] = [];
    const port = await serve(t, (request, response) => {
      paths.push(request.url);
      response.end('{}');
    });
    assert.equal(await healthcheck.run([], new CommandRecorder({ PORT: port })), 0);
    assert.equal(await healthcheck.run(['--port', port], new CommandRecorder()), 0);
    assert.deepEqual(paths, ['/health/live', '/health/live']);
  });

  test('is 1 with the reason when it answers something else', async (t) => {
    const port = await serve(t, (_request, response) => response.writeHead(503).end());
    const io = new CommandRecorder({ PORT: port });
    assert.equal(await healthcheck.run([], io), 1);
    assert.match(io.errors, /\/health\/live answered 503/);
  });

  test('is 1 with the reason when nobody listens, or the connection breaks', async (t) => {
    const port = await listen(
      t,
      createTcpServer((socket) => socket.destroy()),
    );
    const io = new CommandRecorder({ PORT: port });
    assert.equal(await healthcheck.run([], io), 1);
    assert.match(io.errors, /failed: /);
  });

  test('goes to loopback for a wildcard address, else to the address itself', () => {
    const urlFor = (host: string): string => healthUrl(loadConfig({ environment: { HOST: host } }).config);
    assert.equal(urlFor('0.0.0.0'), 'http://127.0.0.1:8000/health/live');
    assert.equal(urlFor('::'), 'http://127.0.0.1:8000/health/live');
    assert.equal(urlFor('192.0.2.7'), 'http://192.0.2.7:8000/health/live');
    assert.equal(urlFor('::1'), 'http://[::1]:8000/health/live');
  });
});
