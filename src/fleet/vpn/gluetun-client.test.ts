import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import {
  type GluetunFault,
  type GluetunSwitches,
  SimulatedGluetun,
} from '../../simulator/gluetun/simulated-gluetun.ts';
import { type GluetunAuth, GluetunClient } from './gluetun-client.ts';

const signal = new AbortController().signal;

async function start(
  t: TestContext,
  switches: Partial<GluetunSwitches> = {},
  auth: GluetunAuth = { kind: 'none' },
) {
  const gluetun = new SimulatedGluetun(switches);
  const port = await gluetun.start();
  t.after(() => gluetun.stop());
  const clock = new ManualClock();
  const client = new GluetunClient({ address: { host: '127.0.0.1', port }, auth, clock });
  t.after(() => assert.equal(clock.pendingTimers, 0, 'no timer is left'));
  return { gluetun, client, clock };
}

describe('the control server', () => {
  test('tells tunnel, address and version', async (t) => {
    const { client } = await start(t, { tunnel: 'crashed' });
    assert.equal(await client.tunnelStatus(signal), 'crashed');
    assert.equal((await client.publicAddress(signal)).ip, undefined);
    assert.equal(await client.version(signal), 'v3.41.0');
  });

  for (const version of ['v3.40', 'v3.41', 'latest'] as const) {
    test(`fault 27: tells its port as ${version} does, through redirects and other names`, async (t) => {
      const { gluetun, client } = await start(t, { version, auth: { kind: 'none' } });
      assert.equal(await client.forwardedPort(signal), undefined);
      gluetun.switches.ports = [40_001];
      assert.equal(await client.forwardedPort(signal), 40_001);
      gluetun.switches.ports = [40_002, 40_003];
      assert.equal(await client.forwardedPort(signal), 40_002);
      const before = gluetun.requests.length;
      await client.forwardedPort(signal);
      assert.equal(gluetun.requests.length, before + 1, 'the name that worked is asked first');
    });
  }

  test('fault 27: the redirect of the old name is followed when the new one is refused', async (t) => {
    const { gluetun, client } = await start(t, {
      ports: [40_001],
      fault: 'unauthorized',
      faultyPath: '/v1/portforward',
    });
    await assert.rejects(client.forwardedPort(signal), { code: 'vpn_unauthorized' });
    assert.deepEqual(
      gluetun.requests.map(({ path }) => path),
      ['/v1/portforward', '/v1/openvpn/portforwarded', '/v1/portforward'],
    );
  });

  test('is told a key or a user as it wants', async (t) => {
    const key = await start(t, { auth: { kind: 'apikey', key: 'k' } }, { kind: 'apikey', key: 'k' });
    assert.equal(await key.client.tunnelStatus(signal), 'running');
    const named = { kind: 'basic', user: 'me', password: 'pass:word' } as const;
    const basic = await start(t, { auth: named }, named);
    assert.equal(await basic.client.tunnelStatus(signal), 'running');
    const wrong = await start(t, { auth: { kind: 'apikey', key: 'k' } }, { kind: 'apikey', key: 'secret' });
    await assert.rejects(wrong.client.tunnelStatus(signal), (error: Error) => {
      assert.match(error.message, /does not take the credentials \(401 for \/v1\/vpn\/status\)/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });

  test('restarts its tunnel: stopped, then running', async (t) => {
    const { gluetun, client } = await start(t, { tunnel: 'crashed' });
    await client.restartTunnel(signal);
    assert.deepEqual(
      gluetun.requests.map(({ method, body }) => `${method} ${body}`),
      ['PUT {"status":"stopped"}', 'PUT {"status":"running"}'],
    );
    assert.equal(await client.tunnelStatus(signal), 'running');
  });
});

describe('a control server that does not answer as it should', () => {
  const codes: Readonly<Partial<Record<GluetunFault, string>>> = {
    unauthorized: 'vpn_unauthorized',
    not_found: 'vpn_protocol',
    error: 'vpn_protocol',
    invalid_json: 'vpn_protocol',
    reset: 'vpn_protocol',
    huge: 'vpn_protocol',
    redirect_away: 'vpn_protocol',
    redirect_circle: 'vpn_protocol',
  };
  for (const [fault, code] of Object.entries(codes)) {
    test(`fault 23: ${fault} is ${code} for whatever is asked`, async (t) => {
      const { gluetun, client } = await start(t);
      gluetun.switches.fault = fault as GluetunFault;
      await assert.rejects(client.tunnelStatus(signal), { code });
      await assert.rejects(client.forwardedPort(signal), { code });
      await assert.rejects(client.publicAddress(signal), { code });
    });
  }

  test('fault 23: one that hangs is vpn_timeout after four seconds, and its connection is ended', async (t) => {
    const { gluetun, client, clock } = await start(t, { fault: 'hang' });
    const asked = assert.rejects(client.tunnelStatus(signal), { code: 'vpn_timeout' });
    while (gluetun.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(4_000);
    await asked;
  });

  test('one that is not there is vpn_unreachable, and the message says where', async (t) => {
    const { gluetun, client } = await start(t);
    await gluetun.stop();
    await assert.rejects(client.tunnelStatus(signal), {
      code: 'vpn_unreachable',
      message: /127\.0\.0\.1:\d+, GET \/v1\/vpn\/status: Nothing answers there \(ECONNREFUSED\)/,
    });
  });

  test('is left when who asks leaves', async (t) => {
    const { gluetun, client } = await start(t, { fault: 'hang' });
    const leaving = new AbortController();
    const asked = assert.rejects(client.tunnelStatus(leaving.signal), /left/);
    while (gluetun.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    leaving.abort(new Error('left'));
    await asked;
    await assert.rejects(client.tunnelStatus(leaving.signal), /left/);
  });
});

test('invariant 9: no reply of a control server leads acemux to another address', async (t) => {
  const elsewhere = new SimulatedGluetun();
  const port = await elsewhere.start();
  t.after(() => elsewhere.stop());
  const { gluetun, client } = await start(t, {
    fault: 'redirect_away',
    elsewhere: `http://127.0.0.1:${port}`,
  });
  await assert.rejects(client.forwardedPort(signal), /leads .* to another place, which is not asked/);
  assert.equal(gluetun.requests.length, 1);
  assert.equal(elsewhere.requests.length, 0);
});
