import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type GluetunSwitches, SimulatedGluetun } from './simulated-gluetun.ts';

async function start(t: TestContext, switches: Partial<GluetunSwitches> = {}) {
  const gluetun = new SimulatedGluetun(switches);
  const base = `http://127.0.0.1:${await gluetun.start()}`;
  t.after(() => gluetun.stop());
  const ask = async (path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> => {
    const reply = await fetch(base + path, { redirect: 'manual', ...init });
    return { status: reply.status, text: await reply.text() };
  };
  return { gluetun, ask };
}

test('a simulated Gluetun tells the port as its version does', async (t) => {
  const { gluetun, ask } = await start(t, { version: 'v3.40', ports: [40_001] });
  assert.deepEqual(await ask('/v1/openvpn/portforwarded'), { status: 200, text: '{"port":40001}' });
  assert.equal((await ask('/v1/portforward')).status, 401, 'an unknown route');
  gluetun.switches.version = 'v3.41';
  assert.equal((await ask('/v1/openvpn/portforwarded')).status, 301);
  assert.equal((await ask('/v1/portforward')).text, '{"port":40001}');
  gluetun.switches.ports = [40_001, 40_002];
  assert.equal((await ask('/v1/portforward')).text, '{"ports":[40001,40002]}');
  gluetun.switches.version = 'latest';
  gluetun.switches.auth = { kind: 'none' };
  gluetun.switches.ports = [];
  assert.equal((await ask('/v1/portforward')).text, '{"port":0,"ports":null}');
  assert.equal((await ask('/v1/unheard-of')).status, 404);
});

test('it lets in whom its version and its configuration let in', async (t) => {
  const { gluetun, ask } = await start(t, { version: 'latest' });
  assert.equal((await ask('/v1/vpn/status')).status, 401, 'private without a role');
  gluetun.switches.auth = { kind: 'apikey', key: 'k' };
  assert.equal((await ask('/v1/vpn/status')).status, 401);
  assert.equal((await ask('/v1/vpn/status', { headers: { 'X-API-Key': 'k' } })).status, 200);
  gluetun.switches.auth = { kind: 'basic', user: 'u', password: 'p' };
  const Authorization = `Basic ${Buffer.from('u:p').toString('base64')}`;
  assert.equal((await ask('/v1/vpn/status', { headers: { Authorization } })).status, 200);
});

test('its tunnel is stopped and started as by Gluetun, and nothing else is a status', async (t) => {
  const { gluetun, ask } = await start(t);
  const put = (body: string) => ask('/v1/vpn/status', { method: 'PUT', body });
  assert.equal((await put('{"status":"running"}')).text, '{"outcome":"already running"}');
  assert.equal((await put('{"status":"stopped"}')).text, '{"outcome":"stopped"}');
  assert.equal((await ask('/v1/publicip/ip')).text, '{"public_ip":""}');
  assert.equal((await put('{"status":"crashed"}')).status, 400);
  assert.equal(gluetun.switches.tunnel, 'stopped');
});

test('it is driven from outside its process by its switches', async (t) => {
  const { gluetun, ask } = await start(t);
  assert.equal((await ask('/simulated/health')).status, 200);
  await ask('/simulated/switches', { method: 'PUT', body: '{"tunnel":"crashed"}' });
  assert.equal(gluetun.switches.tunnel, 'crashed');
  assert.equal((await ask('/simulated/health')).status, 503);
  assert.equal(gluetun.requests.length, 0, 'its driver is not counted');
});
