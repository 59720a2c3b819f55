import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN_KEY, call, HASH, type Reply, type Rig, startRig } from '../testing/rig.ts';

const ADMIN = { 'X-API-Key': ADMIN_KEY };
const JSON_BODY = { ...ADMIN, 'Content-Type': 'application/json' };

function make(rig: Rig, body: unknown, headers: Record<string, string> = JSON_BODY): Promise<Reply> {
  return call(rig, '/keys', { method: 'POST', headers, body: JSON.stringify(body) });
}

const play = async (rig: Rig, key: string): Promise<number> =>
  (await call(rig, `/ace/getstream?id=${HASH}&token=${key}`)).status;

test('a key is told once, opens what it is for, and is worth nothing when it is removed', async (t) => {
  const rig = await startRig(t, { playAccess: 'key', viewAccess: 'key' });
  const limits = { streams_max: 1, on_limit: 'refuse' };
  const made = await make(rig, { name: 'living room', role: 'viewer', limits });
  assert.equal(made.status, 201);
  assert.equal(made.headers['cache-control'], 'no-store');
  const { created_at, id, key, ...rest } = Object(made.json());
  assert.deepEqual(rest, { name: 'living room', role: 'viewer', origin: 'made', limits });
  assert.ok(Date.parse(created_at) > 0);

  assert.equal(await play(rig, key), 200);
  assert.equal((await call(rig, '/streams', { headers: { 'X-API-Key': key } })).status, 403);

  const listed = await call(rig, '/keys', { headers: ADMIN });
  assert.ok(!listed.text.includes(key));
  const admin = { id: 'admin', name: 'admin', role: 'admin', origin: 'admin', created_at: null, limits: {} };
  assert.deepEqual(Object(listed.json()).keys, [
    { ...admin, viewer_count: 0 },
    { id, created_at, ...rest, viewer_count: 0 },
  ]);

  const removed = await call(rig, `/keys/${id}`, { method: 'DELETE', headers: ADMIN });
  assert.equal(removed.status, 200);
  assert.equal(await play(rig, key), 403);
  const again = await call(rig, `/keys/${id}`, { method: 'DELETE', headers: ADMIN });
  assert.deepEqual([again.status, Object(again.json()).code], [404, 'key_unknown']);
});

test('names are given once, and the admin key is not removed by request', async (t) => {
  const rig = await startRig(t);
  const wish = { name: 'guest', role: 'viewer' };
  assert.equal((await make(rig, wish)).status, 201);
  const taken = await make(rig, wish);
  assert.deepEqual([taken.status, Object(taken.json()).code], [409, 'key_name_taken']);
  const admin = await call(rig, '/keys/admin', { method: 'DELETE', headers: ADMIN });
  assert.deepEqual([admin.status, Object(admin.json()).code], [409, 'key_configured']);
});

test('what is no wish for a key makes none', async (t) => {
  const rig = await startRig(t);
  for (const wrong of [
    {},
    { name: 'x' },
    { name: 'x', role: 'root' },
    { name: '', role: 'viewer' },
    { name: 'a\nb', role: 'viewer' },
    { name: '{"level":60}', role: 'viewer' },
    { name: 'x'.repeat(65), role: 'viewer' },
    { name: 'x', role: 'viewer', limits: { streams_max: 0 } },
    { name: 'x', role: 'viewer', limits: { streams_max: 1.5 } },
    { name: 'x', role: 'viewer', limits: { on_limit: 'explode' } },
    [],
    'text',
    null,
  ]) {
    const reply = await make(rig, wrong);
    assert.deepEqual([reply.status, Object(reply.json()).code], [400, 'bad_request'], JSON.stringify(wrong));
  }
  const { keys } = Object((await call(rig, '/keys', { headers: ADMIN })).json());
  assert.equal(keys.length, 1);
});

test('a page of another host makes no key, whatever the browser sends along', async (t) => {
  const rig = await startRig(t);
  for (const headers of [
    { Origin: 'https://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { Host: 'evil.example' },
  ]) {
    const reply = await make(rig, { name: 'evil', role: 'admin' }, { ...JSON_BODY, ...headers });
    assert.equal(reply.status, 403);
    assert.match(Object(reply.json()).code, /^(cross_site|host_not_allowed)$/);
  }
});
