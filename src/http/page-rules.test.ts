import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN_KEY, call, HASH, LOOPBACK_PROXY, openRaw, type Rig, startRig } from './testing/rig.ts';

const VIEWS = [
  '/proxy/status',
  '/api/v1/proxy/sessions',
  '/metrics',
  '/openapi.json',
  '/docs/',
  '/ace/status',
];
const OTHERS = ['/health', '/readyz', `/ace/getstream?id=${HASH}`];

async function answerOf(rig: Rig, path: string, headers: Record<string, string>): Promise<string> {
  const reply = await call(rig, path, { headers });
  return reply.status < 400 ? 'allowed' : `${reply.status} ${Object(reply.json()).code}`;
}

test('a page that gave its own name our address sees nothing, not even with a key', async (t) => {
  const rig = await startRig(t);
  const headers = { Host: 'evil.example:8000', 'X-API-Key': ADMIN_KEY };
  for (const path of VIEWS) assert.equal(await answerOf(rig, path, headers), '403 host_not_allowed', path);
  for (const path of OTHERS) assert.equal(await answerOf(rig, path, headers), 'allowed', path);
  assert.ok(rig.refused.every((reason) => reason === 'host_not_allowed'));
});

test('the refusal says what to set', async (t) => {
  const rig = await startRig(t);
  const reply = await call(rig, '/proxy/status', { headers: { Host: 'tv.example.org' } });
  assert.match(Object(reply.json()).detail, /PUBLIC_URL/);
});

test('acemux may be looked at under the name of PUBLIC_URL', async (t) => {
  const rig = await startRig(t, { publicUrl: 'https://tv.example.org/tv' });
  for (const path of VIEWS)
    assert.equal(await answerOf(rig, path, { Host: 'tv.example.org' }), 'allowed', path);
});

test('what a trusted proxy forwards counts, beside the name that it used itself', async (t) => {
  const publicUrl = 'https://tv.example.org';
  const rig = await startRig(t, { publicUrl, trustedProxies: LOOPBACK_PROXY });
  const from = { 'X-Forwarded-For': '192.168.1.9' };
  const ask = (host: string, forwarded: string): Promise<string> =>
    answerOf(rig, '/proxy/status', { ...from, Host: host, 'X-Forwarded-Host': forwarded });
  assert.equal(await ask('acemux:8000', 'tv.example.org'), 'allowed');
  assert.equal(await ask('acemux:8000', 'evil.example'), '403 host_not_allowed');
  assert.equal(await ask('evil.example', 'localhost'), '403 host_not_allowed');
  assert.equal(await ask('acemux:8000', 'localhost, evil.example'), '403 host_not_allowed');
});

test('what anybody else forwards does not make a name ours', async (t) => {
  const rig = await startRig(t);
  const headers = { Host: 'evil.example', 'X-Forwarded-Host': 'localhost' };
  assert.equal(await answerOf(rig, '/proxy/status', headers), '403 host_not_allowed');
});

test('pages of other hosts may play, and read nothing', async (t) => {
  const rig = await startRig(t);
  for (const headers of [{ Origin: 'https://evil.example' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
    for (const path of VIEWS) assert.equal(await answerOf(rig, path, headers), '403 cross_site', path);
    for (const path of OTHERS) assert.equal(await answerOf(rig, path, headers), 'allowed', path);
  }
});

test('a client of HTTP/1.0 that names no host may look', async (t) => {
  const rig = await startRig(t);
  const raw = await openRaw(t, rig);
  raw.write('GET /proxy/status HTTP/1.0\r\n\r\n');
  assert.match(await raw.ended, /^HTTP\/1\.1 200 /);
});
