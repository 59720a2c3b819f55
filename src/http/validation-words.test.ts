import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN_KEY, call, startRig } from './testing/rig.ts';

test('a request that is wrong is told where, and what may stand there', async (t) => {
  const rig = await startRig(t);
  const detailOf = async (body: unknown): Promise<unknown> => {
    const headers = { 'Content-Type': 'application/json', 'X-API-Key': ADMIN_KEY };
    const reply = await call(rig, '/keys', { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(reply.status, 400);
    return Object(reply.json()).detail;
  };
  const key = { name: 'lodger', role: 'viewer' };
  assert.equal(
    await detailOf({ ...key, role: 'god' }),
    'body/role must be one of admin, operator, viewer, metrics',
  );
  assert.equal(await detailOf({ name: 'lodger' }), "body must have required property 'role'");
  assert.equal(
    await detailOf({ ...key, limits: { streams_max: 0 } }),
    'body/limits/streams_max must be >= 1',
  );
  assert.equal(await detailOf([]), 'body must be object');
});

test('a word that means nothing is refused where it would be missed: a key that was to have a limit, or an end, would have none', async (t) => {
  const rig = await startRig(t);
  const headers = { 'Content-Type': 'application/json', 'X-API-Key': ADMIN_KEY };
  const key = { name: 'lodger', role: 'viewer' };
  for (const [path, body, said] of [
    ['/keys', { ...key, limits: { streams_maxx: 1 } }, 'body/limits has no "streams_maxx"'],
    ['/keys', { ...key, expires_at: '2030-01-01' }, 'body has no "expires_at"'],
    ['/signed-urls', { id: 'a'.repeat(40), expires_in: 60 }, 'body has no "expires_in"'],
    ['/signed-urls', { id: 'a'.repeat(40), limits: { viewers: 1 } }, 'body/limits has no "viewers"'],
  ] as const) {
    const reply = await call(rig, path, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.deepEqual([reply.status, Object(reply.json()).detail], [400, said], path);
  }
});
