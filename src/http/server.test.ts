import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { reachableUrl } from './server.ts';
import { buildRig, call, GET_HEALTH, HASH, openRaw, startRig } from './testing/rig.ts';

test('the server tells where it listens', async (t) => {
  const rig = await startRig(t);
  assert.equal(rig.url, `http://127.0.0.1:${rig.port}`);
  assert.notEqual(rig.port, 0);
  assert.equal((await fetch(`${rig.url}/health`)).status, 200);
});

test('an address for everybody is shown as one that a browser can open', async (t) => {
  const rig = await startRig(t, { host: '0.0.0.0' });
  assert.equal(rig.url, `http://127.0.0.1:${rig.port}`);
});

test('every host to listen on becomes a URL', () => {
  assert.equal(reachableUrl('0.0.0.0', 8000), 'http://127.0.0.1:8000');
  assert.equal(reachableUrl('::', 8000), 'http://[::1]:8000');
  assert.equal(reachableUrl('fd00::7', 8000), 'http://[fd00::7]:8000');
  assert.equal(reachableUrl('nas.local', 8000), 'http://nas.local:8000');
});

test('a taken port is an error that names PORT', async (t) => {
  const first = await startRig(t);
  const { server } = buildRig({ port: first.port });
  t.after(() => server.close());
  await assert.rejects(
    server.listen(),
    (error) => error instanceof AcemuxError && error.code === 'port_taken' && /PORT/.test(error.message),
  );
});

test('an address of another machine is an error that names HOST', async (t) => {
  const { server } = buildRig({ host: '203.0.113.1' });
  t.after(() => server.close());
  await assert.rejects(
    server.listen(),
    (error) => error instanceof AcemuxError && error.code === 'config_invalid' && /HOST/.test(error.message),
  );
});

test('a server that never listened can be closed', async () => {
  await buildRig().server.close();
});

test('a path that does not exist is 404 in our shape', async (t) => {
  const rig = await startRig(t);
  for (const path of [
    '/nothing',
    '/ace/getstream/more',
    '/api/v1/ace/getstream',
    '/api/v1',
    '/docs/static/nothing',
  ]) {
    const reply = await call(rig, path);
    assert.equal(reply.status, 404, path);
    assert.equal(Object(reply.json()).code, 'not_found', path);
  }
});

test('a path that exists, asked with another method, is 405 and tells the right ones', async (t) => {
  const rig = await startRig(t);
  const status = await call(rig, '/proxy/status?x=1', { method: 'POST', body: 'x' });
  assert.equal(status.status, 405);
  assert.equal(status.headers.allow, 'GET, HEAD');
  assert.equal(Object(status.json()).code, 'method_not_allowed');
  const play = await call(rig, `/ace/getstream?id=${HASH}`, { method: 'DELETE' });
  assert.equal(play.status, 405);
  assert.equal(play.headers.allow, 'GET, HEAD, OPTIONS');
  assert.equal((await call(rig, '/proxy/status', { method: 'PROPFIND' })).status, 405);
});

test('a URL that cannot be decoded is 400 in our shape', async (t) => {
  const rig = await startRig(t);
  const reply = await call(rig, '/proxy/sessions/%zz');
  assert.equal(reply.status, 400);
  assert.equal(Object(reply.json()).code, 'bad_request');
  assert.equal(reply.headers['x-content-type-options'], 'nosniff');
});

test('a body beyond 64 KiB is refused', async (t) => {
  const rig = await startRig(t);
  const raw = await openRaw(t, rig);
  raw.write('OPTIONS /ace/getstream HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n');
  raw.write(`Content-Length: ${64 * 1024 + 1}\r\n\r\n`);
  assert.match(await raw.ended, /^HTTP\/1\.1 413 [\s\S]*"code":"body_too_large"/);
});

test('a mistake while serving a list is 500, logged, and the server lives', async (t) => {
  const rig = await startRig(t, { renderMetrics: () => Promise.reject(new Error('secret')) });
  const reply = await call(rig, '/metrics');
  assert.equal(reply.status, 500);
  assert.equal(Object(reply.json()).code, 'internal');
  assert.doesNotMatch(reply.text, /secret/);
  assert.equal((await call(rig, '/health')).status, 200);
});

test('web pages of other origins may use playing paths and nothing else', async (t) => {
  const rig = await startRig(t);
  const originOf = async (path: string, method = 'GET') => {
    const reply = await call(rig, path, { method, headers: { Origin: 'http://elsewhere' } });
    return reply.headers['access-control-allow-origin'];
  };
  for (const path of [`/ace/getstream?id=${HASH}`, '/ace/getstream', '/ace/getstream/?id=x']) {
    assert.equal(await originOf(path), '*', path);
  }
  assert.equal(await originOf('/ace/getstream', 'POST'), '*');
  for (const path of [
    '/health',
    '/proxy/status',
    '/metrics',
    '/openapi.json',
    '/docs/',
    '/nothing',
    '/proxy/sessions/x',
  ]) {
    assert.equal(await originOf(path), undefined, path);
  }
});

test('no reply is to be guessed at', async (t) => {
  const rig = await startRig(t);
  for (const path of [
    '/health',
    '/proxy/status',
    '/metrics',
    '/nothing',
    '/docs/',
    '/ace/getstream',
    `/ace/getstream?id=${HASH}`,
  ]) {
    assert.equal((await call(rig, path)).headers['x-content-type-options'], 'nosniff', path);
  }
});

test('everything but playing also answers under /api/v1', async (t) => {
  const rig = await startRig(t);
  for (const path of [
    '/proxy/status',
    '/proxy/sessions',
    '/health',
    '/readyz',
    '/metrics',
    '/openapi.json',
    '/docs/',
  ]) {
    const plain = await call(rig, path);
    const prefixed = await call(rig, `/api/v1${path}`);
    assert.equal(plain.status, 200, path);
    assert.deepEqual([prefixed.status, prefixed.text], [plain.status, plain.text], path);
  }
});

test('HEAD works where GET does', async (t) => {
  const rig = await startRig(t);
  const reply = await call(rig, '/proxy/status', { method: 'HEAD' });
  assert.deepEqual([reply.status, reply.text], [200, '']);
});

test('clients of HTTP/1.0 are served', async (t: TestContext) => {
  const rig = await startRig(t);
  const raw = await openRaw(t, rig);
  raw.write(GET_HEALTH.replace('HTTP/1.1', 'HTTP/1.0'));
  assert.match(await raw.ended, /live/);
});
