import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { ManualClock } from '../../../base/manual-clock.ts';
import { DockerApi } from './docker-api.ts';
import { DockerClient, withTag } from './docker-client.ts';
import type { DockerEndpoint } from './docker-endpoint.ts';
import { refuse, ScriptedDaemon } from './testing/scripted-daemon.ts';

const never = new AbortController().signal;

function apiFor(t: TestContext, endpoint: DockerEndpoint, clock = systemClock): DockerApi {
  const api = new DockerApi({ endpoint, clock });
  t.after(() => api.close());
  return api;
}

async function scripted(t: TestContext): Promise<{ daemon: ScriptedDaemon; api: DockerApi }> {
  const daemon = await ScriptedDaemon.start(t);
  return { daemon, api: apiFor(t, daemon.endpoint) };
}

test('a daemon that speaks less than acemux is spoken to in its own version', async (t) => {
  const { daemon, api } = await scripted(t);
  daemon.on('GET /info', ({ response }) => ({ url: response.req.url }));
  assert.deepEqual(await api.json({ method: 'GET', path: '/info' }, never), { url: '/v1.41/info' });
});

test('a daemon that speaks more is spoken to in the version of acemux', async (t) => {
  const { daemon, api } = await scripted(t);
  daemon.apiVersion = '1.99';
  daemon.on('GET /info', ({ response }) => ({ url: response.req.url }));
  assert.deepEqual(await api.json({ method: 'GET', path: '/info' }, never), { url: '/v1.47/info' });
});

test('a daemon that is too old is told from one that is away', async (t) => {
  const { daemon, api } = await scripted(t);
  daemon.apiVersion = '1.24';
  await assert.rejects(api.json({ method: 'GET', path: '/info' }, never), {
    code: 'docker_protocol',
    message: /version 1\.24 of its API; acemux needs 1\.40 or newer/,
  });
});

test('what listens there and is no Docker is said to be none', async (t) => {
  const { daemon, api } = await scripted(t);
  daemon.apiVersion = undefined;
  await assert.rejects(api.json({ method: 'GET', path: '/info' }, never), { code: 'docker_protocol' });
});

test('what does not even speak HTTP is said not to', async (t) => {
  const server = createServer((socket) => void socket.end('SSH-2.0-other\r\n'));
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  const api = apiFor(t, { kind: 'tcp', host: '127.0.0.1', port: address.port, tlsFolder: undefined });
  await assert.rejects(api.json({ method: 'GET', path: '/info' }, never), { code: 'docker_protocol' });
});

test('a refusal carries the status and the words of Docker', async (t) => {
  const { daemon, api } = await scripted(t);
  daemon.on('POST /containers/create', ({ response }) => refuse(response, 409, 'name is in use'));
  await assert.rejects(api.json({ method: 'POST', path: '/containers/create', body: {} }, never), {
    code: 'docker_refused',
    status: 409,
    said: 'name is in use',
  });
});

test('a reply that is no JSON is refused', async (t) => {
  const { daemon, api } = await scripted(t);
  daemon.on('GET /info', ({ response }) => void response.end('<html>'));
  await assert.rejects(api.json({ method: 'GET', path: '/info' }, never), { code: 'docker_protocol' });
});

test('a socket that is not there is unreachable, and named', async (t) => {
  const api = apiFor(t, { kind: 'socket', path: '/nowhere/docker.sock' });
  await assert.rejects(api.json({ method: 'GET', path: '/info' }, never), {
    code: 'docker_unreachable',
    message: 'Docker at unix:///nowhere/docker.sock can’t be reached: there is no such socket (ENOENT).',
  });
});

test('a daemon that never answers is given up when its time is over', async (t) => {
  const daemon = await ScriptedDaemon.start(t);
  const clock = new ManualClock();
  const api = apiFor(t, daemon.endpoint, clock);
  const asked = Promise.withResolvers<void>();
  daemon.on('GET /info', () => asked.resolve());
  const answer = assert.rejects(api.json({ method: 'GET', path: '/info' }, never), {
    code: 'docker_unreachable',
    message: /did not answer GET \/info within 15 s/,
  });
  await asked.promise;
  await clock.advance(15_000);
  await answer;
  assert.equal(clock.pendingTimers, 0);
});

test('a caller that gives up is told so at once, and hinders no other', async (t) => {
  const { daemon, api } = await scripted(t);
  const held: (() => void)[] = [];
  const asked = Promise.withResolvers<void>();
  daemon.on('GET /info', ({ response }) => {
    held.push(() => response.end('{}'));
    if (held.length === 2) asked.resolve();
  });
  const giveUp = new AbortController();
  const first = assert.rejects(api.json({ method: 'GET', path: '/info' }, giveUp.signal), {
    name: 'AbortError',
  });
  const second = api.json({ method: 'GET', path: '/info' }, never);
  await asked.promise;
  giveUp.abort();
  await first;
  for (const answer of held) answer();
  assert.deepEqual(await second, {});
});

test('at most eight calls are under way at once, and streams are not counted', async (t) => {
  const { daemon, api } = await scripted(t);
  const held: (() => void)[] = [];
  const eight = Promise.withResolvers<void>();
  daemon.on('GET /info', ({ response }) => {
    held.push(() => response.end('{}'));
    if (held.length === 8) eight.resolve();
  });
  daemon.on('GET /events', ({ response }) => void response.write('{"a":1}\n'));
  const calls = Array.from({ length: 12 }, () => api.json({ method: 'GET', path: '/info' }, never));
  await eight.promise;
  const events = await api.lines({ method: 'GET', path: '/events' }, never);
  assert.deepEqual((await events.next()).value, { a: 1 });
  await events.return();
  assert.equal(held.length, 8);
  daemon.on('GET /info', () => ({}));
  for (const answer of held) answer();
  await Promise.all(calls);
});

test('lines come as they are cut off, and half of one is no line', async (t) => {
  const { daemon, api } = await scripted(t);
  daemon.on('GET /events', ({ response }) => {
    response.write('{"a":1}\n{"a"');
    response.write(':2}\nnothing of JSON\n');
    response.end('{"a":3}');
  });
  const lines: unknown[] = [];
  for await (const line of await api.lines({ method: 'GET', path: '/events' }, never)) lines.push(line);
  assert.deepEqual(lines, [{ a: 1 }, { a: 2 }, { a: 3 }]);
});

test('a stream of lines that breaks is unreachable, and not its end', async (t) => {
  const { daemon, api } = await scripted(t);
  daemon.on('GET /events', ({ response }) => {
    response.write('{"a":1}\n', () => response.destroy());
  });
  const lines = await api.lines({ method: 'GET', path: '/events' }, never);
  await lines.next();
  await assert.rejects(lines.next(), { code: 'docker_unreachable' });
});

test('closing ends what is under way', async (t) => {
  const { daemon, api } = await scripted(t);
  const asked = Promise.withResolvers<void>();
  daemon.on('GET /info', () => asked.resolve());
  const call = assert.rejects(api.json({ method: 'GET', path: '/info' }, never), { code: 'shutdown' });
  await asked.promise;
  api.close();
  api.close();
  await call;
  await assert.rejects(api.json({ method: 'GET', path: '/info' }, never), { code: 'shutdown' });
});

test('names from outside can’t leave their place in a path', async (t) => {
  const { daemon, api } = await scripted(t);
  const client = new DockerClient(api);
  assert.equal(await client.inspect('../info?x=', never), undefined);
  await client.imageId('a/b:1', never);
  assert.deepEqual(daemon.calls, ['GET /containers/..%2Finfo%3Fx%3D/json', 'GET /images/a/b%3A1/json']);
});

test('an image without a tag is the latest', () => {
  assert.equal(withTag('engine'), 'engine:latest');
  assert.equal(withTag('registry:5000/engine'), 'registry:5000/engine:latest');
  assert.equal(withTag('engine:3'), 'engine:3');
  assert.equal(withTag('engine@sha256:00'), 'engine@sha256:00');
});
