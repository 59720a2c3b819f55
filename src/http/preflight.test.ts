import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, startRig } from './testing/rig.ts';

test('the pages of any host may ask every playing path with headers of their own, and no other path', async (t) => {
  const rig = await startRig(t, { playAccess: 'key', viewAccess: 'key' });
  const headers = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'GET' };
  for (const path of ['/ace/getstream', '/ace/getstream/', '/webui/api/service', '/server/api', '/search']) {
    const reply = await call(rig, path, { method: 'OPTIONS', headers });
    assert.equal(reply.status, 204, path);
    assert.equal(reply.headers['access-control-allow-origin'], '*');
    assert.match(reply.headers['access-control-allow-methods'] ?? '', /GET/);
    assert.match(reply.headers['access-control-allow-headers'] ?? '', /Authorization/);
  }
  for (const path of ['/ace/status', '/proxy/status', '/metrics']) {
    const reply = await call(rig, path, { method: 'OPTIONS', headers });
    assert.equal(reply.status, 405, path);
    assert.equal(reply.headers['access-control-allow-origin'], undefined, path);
  }
});
