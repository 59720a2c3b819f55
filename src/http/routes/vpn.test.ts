import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import type { VpnSnapshot } from '../../fleet/vpn/vpn.ts';
import { call, startRig } from '../testing/rig.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

function vpn(name: string, changes: Partial<VpnSnapshot> = {}): VpnSnapshot {
  return {
    name,
    state: 'ok',
    reason: undefined,
    detail: undefined,
    sinceMs: NOW_MS - 90_000,
    checkedAtMs: NOW_MS - 1_000,
    host: name,
    portRange: undefined,
    containerId: 'c1',
    startedAtMs: NOW_MS - 100_000,
    containerState: 'running',
    containerHealth: 'healthy',
    tunnel: 'running',
    forwardedPort: 45_678,
    forwardedPortSinceMs: NOW_MS - 60_000,
    publicIp: '198.51.100.7',
    country: 'Iceland',
    region: 'Capital Region',
    city: 'Reykjavik',
    organization: 'Some VPN',
    version: 'v3.41.0',
    history: [],
    ...changes,
  };
}

const DOWN: Partial<VpnSnapshot> = {
  state: 'down',
  reason: 'vpn_tunnel_down',
  detail: 'The tunnel is down.',
  publicIp: undefined,
  forwardedPort: undefined,
  forwardedPortSinceMs: undefined,
  tunnel: 'crashed',
};

/** The keys of acestream-orchestrator v1.5. */
const SEED_KEYS = [
  'mode',
  'enabled',
  'status',
  'container_name',
  'container',
  'health',
  'connected',
  'forwarded_port',
  'public_ip',
  'provider',
  'country',
  'city',
  'region',
  'last_check',
  'last_check_at',
  'vpn1',
  'vpn2',
  'emergency_mode',
];

async function status(t: Parameters<typeof startRig>[0], vpns: readonly VpnSnapshot[]) {
  const rig = await startRig(t, { vpns, clock: new ManualClock(NOW_MS) });
  const reply = await call(rig, '/vpn/status');
  assert.equal(reply.status, 200);
  const body: Record<string, unknown> = Object(reply.json());
  return { rig, body };
}

test('without a VPN, /vpn/status says that there is none, and the public address is 503', async (t) => {
  const { rig, body } = await status(t, []);
  assert.deepEqual(
    [body['mode'], body['enabled'], body['status'], body['connected'], body['vpn1']],
    ['disabled', false, 'disabled', false, null],
  );
  const reply = await call(rig, '/vpn/publicip');
  assert.deepEqual(
    [reply.status, reply.json()],
    [
      503,
      { detail: 'Unable to retrieve VPN public IP', code: 'vpn_address_unknown', retry_after_seconds: 30 },
    ],
  );
});

test('one VPN speaks for itself, in the keys that programs know', async (t) => {
  const { rig, body } = await status(t, [vpn('gluetun')]);
  assert.deepEqual(Object.keys(body).slice(0, SEED_KEYS.length), SEED_KEYS);
  assert.deepEqual(
    SEED_KEYS.slice(0, 15).map((key) => body[key]),
    [
      'single',
      true,
      'running',
      'gluetun',
      'gluetun',
      'healthy',
      true,
      45_678,
      '198.51.100.7',
      'Some VPN',
      'Iceland',
      'Reykjavik',
      'Capital Region',
      '2026-01-02T03:04:04.000Z',
      '2026-01-02T03:04:04.000Z',
    ],
  );
  assert.deepEqual((await call(rig, '/api/v1/vpn/publicip')).json(), { public_ip: '198.51.100.7' });
});

test('of two with one down, the other speaks, and it is an emergency', async (t) => {
  const { rig, body } = await status(t, [vpn('one', DOWN), vpn('two', { publicIp: '198.51.100.8' })]);
  assert.deepEqual(
    [body['mode'], body['health'], body['connected'], body['container'], body['public_ip']],
    ['redundant', 'healthy', true, 'two', null],
  );
  assert.deepEqual(body['emergency_mode'], {
    active: true,
    failed_vpn: 'one',
    healthy_vpn: 'two',
    duration_seconds: 90,
    entered_at: '2026-01-02T03:02:35.000Z',
  });
  const first: Record<string, unknown> = Object(body['vpn1']);
  assert.deepEqual(
    [first['health'], first['connected'], first['reason'], first['detail']],
    ['unhealthy', false, 'vpn_tunnel_down', 'The tunnel is down.'],
  );
  assert.deepEqual((await call(rig, '/vpn/publicip')).json(), { public_ip: '198.51.100.8' });
});

test('with both up, or both down, there is no emergency of one', async (t) => {
  for (const changes of [{}, DOWN]) {
    const { body } = await status(t, [vpn('one', changes), vpn('two', changes)]);
    assert.equal(Object(body['emergency_mode']).active, false);
    assert.equal(body['connected'], changes.state === undefined);
  }
});

test('what is only suspected is not told to be unhealthy; a container that is gone is not_found', async (t) => {
  const { body } = await status(t, [
    vpn('one', { state: 'suspect', containerState: 'missing', checkedAtMs: undefined }),
  ]);
  assert.deepEqual([body['health'], body['status'], body['last_check']], ['unknown', 'not_found', null]);
});
