import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { AcemuxError } from '../../base/reasons.ts';
import { FACTS, FakeFleetControl } from '../testing/fleet.ts';
import { ADMIN_KEY, call, type Reply, type Rig, startRig } from '../testing/rig.ts';

async function rigWith(t: TestContext) {
  const fleetControl = new FakeFleetControl();
  return { fleetControl, rig: await startRig(t, { fleetControl }) };
}

function post(rig: Rig, path: string, body: unknown = {}): Promise<Reply> {
  const text = JSON.stringify(body);
  const headers = {
    Authorization: `Bearer ${ADMIN_KEY}`,
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(text)),
  };
  return call(rig, path, { method: 'POST', headers, body: text });
}

function codeOf(reply: Reply): unknown[] {
  return [reply.status, Object(reply.json()).code];
}

const PATHS = ['/provision', '/provision/acestream'];

describe('one more engine', () => {
  test('is made of the configured kind, with labels of one’s own', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    const one = await post(rig, '/provision', { image: 'acestream:latest', labels: { stream_id: 'x' } });
    assert.deepEqual(one.json(), { container_id: 'engine-2', container_name: 'acemux-engine-1' });
    const other = await post(rig, '/provision/acestream', { labels: {}, env: {}, host_port: 19_001 });
    assert.deepEqual(other.json(), {
      container_id: 'engine-2',
      container_name: 'acemux-engine-1',
      host_http_port: 19_000,
      container_http_port: 6_878,
      container_https_port: 45_000,
    });
    assert.equal((await post(rig, '/api/v1/provision/acestream', { host_port: null })).status, 200);
    assert.deepEqual(fleetControl.asked, [
      ['provision', { labels: { stream_id: 'x' } }],
      ['provision', { labels: {}, hostPort: 19_001 }],
      ['provision', { labels: {} }],
    ]);
  });

  test('of another image, or with another environment, ports or mounts, is 400 image_not_allowed', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    for (const body of [
      { image: 'alpine:latest' },
      { env: { LD_PRELOAD: '/x.so' } },
      { ports: { '22/tcp': 22 } },
      { mounts: ['/:/host'] },
      { volumes: { '/': '/host' } },
    ]) {
      assert.deepEqual(codeOf(await post(rig, '/provision', body)), [400, 'image_not_allowed']);
    }
    fleetControl.facts = { ...FACTS, image: undefined };
    assert.deepEqual(codeOf(await post(rig, PATHS[1] ?? '', { image: 'x' })), [400, 'image_not_allowed']);
    assert.deepEqual(fleetControl.asked, []);
  });

  test('may not be labelled as what it is not, nor without measure', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    for (const labels of [
      { 'acemux.instance': 'another' },
      { 'acestream.forwarded': 'true' },
      { manual: 'true' },
      { colour: 'x'.repeat(257) },
      { ['x'.repeat(257)]: 'y' },
      Object.fromEntries(Array.from({ length: 33 }, (_, number) => [`l${number}`, ''])),
    ]) {
      for (const path of PATHS) assert.equal((await post(rig, path, { labels })).status, 400);
    }
    for (const port of [-1, 65_536, 'many']) {
      assert.equal((await post(rig, '/provision/acestream', { host_port: port })).status, 400);
    }
    assert.deepEqual(fleetControl.asked, []);
  });

  test('that can’t be made is refused in the shape of the orchestrator', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    fleetControl.refusal = new AcemuxError('vpn_down', 'No VPN is up.');
    const blocked = await post(rig, '/provision');
    assert.equal(blocked.status, 503);
    assert.equal(blocked.headers['retry-after'], '30');
    assert.deepEqual(blocked.json(), {
      detail: {
        error: 'provisioning_blocked',
        code: 'vpn_disconnected',
        message: 'No VPN is up.',
        recovery_eta_seconds: 30,
        can_retry: true,
        should_wait: true,
      },
      code: 'vpn_down',
      retry_after_seconds: 30,
    });
    fleetControl.refusal = new AcemuxError('engine_creation_paused', 'Five have failed.');
    const paused = Object((await post(rig, '/provision')).json());
    assert.deepEqual([paused.detail.code, paused.detail.can_retry], ['circuit_breaker', false]);
    fleetControl.refusal = new AcemuxError('max_replicas');
    const full = Object((await post(rig, '/provision')).json());
    assert.deepEqual(
      [full.detail.error, full.detail.code, full.detail.should_wait],
      ['provisioning_blocked', 'max_capacity', false],
    );
    fleetControl.refusal = new AcemuxError('provider_fixed');
    const failed = await post(rig, '/provision');
    assert.deepEqual(
      [failed.status, Object(failed.json()).detail.error, Object(failed.json()).detail.code],
      [409, 'provisioning_failed', 'general_error'],
    );
  });
});

describe('how many there are', () => {
  test('is set within the bounds', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    assert.deepEqual((await post(rig, '/scale/3')).json(), { scaled_to: 3, requested: 3 });
    assert.deepEqual((await post(rig, '/scale/50')).json(), { scaled_to: 10, requested: 50 });
    for (const bad of ['-1', '1.5', 'all', '1001']) {
      assert.equal((await post(rig, `/scale/${bad}`)).status, 400, bad);
    }
    assert.deepEqual(fleetControl.asked, [
      ['scale', 3],
      ['scale', 50],
    ]);
  });

  test('and what there is are the admin’s to say, refused in the common shape', async (t) => {
    const { rig, fleetControl } = await rigWith(t);
    for (const path of [...PATHS, '/scale/3']) {
      const reply = await call(rig, path, { method: 'POST' });
      assert.deepEqual(codeOf(reply), [401, 'key_required'], path);
      assert.equal(typeof Object(reply.json()).detail, 'string');
    }
    assert.deepEqual(fleetControl.asked, []);
  });
});
