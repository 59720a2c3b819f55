import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vpnHouse } from '../../../test/support/vpn-house.ts';
import type { VpnEvent } from './vpn.ts';

const kinds = (events: readonly VpnEvent[]): string[] =>
  events.map((event) => (event.kind === 'state' ? `${event.from}-${event.to}` : event.kind));

describe('a VPN that is watched', () => {
  test('shows state, address, port, version and history, each change as an event', async (t) => {
    const { gluetun, snapshot, pass, events } = await vpnHouse(t, { switches: { ports: [40_001] } });
    await pass(10);
    const { state, reason, publicIp, country, forwardedPort, version, tunnel, host } = snapshot();
    assert.deepEqual(
      [state, reason, publicIp, country, forwardedPort, version, tunnel, host],
      ['ok', undefined, '203.0.113.7', 'Norway', 40_001, 'v3.41.0', 'running', 'gluetun'],
    );
    gluetun.switches.publicIp = '203.0.113.8';
    gluetun.switches.country = 'Iceland';
    await pass(65);
    assert.deepEqual(kinds(events), ['address', 'unknown-ok', 'port', 'address']);
    assert.deepEqual(
      snapshot().history.map((moment) => [moment.state, moment.publicIp, moment.forwardedPort]),
      [
        ['ok', '203.0.113.7', undefined],
        ['ok', '203.0.113.7', 40_001],
        ['ok', '203.0.113.8', 40_001],
      ],
    );
  });

  test('is asked for its status at each look, and for address and port once a minute while all is well', async (t) => {
    const { gluetun, pass } = await vpnHouse(t, { switches: { ports: [40_001] } });
    await pass(60);
    gluetun.requests.length = 0;
    await pass(300);
    const count = (path: string): number =>
      gluetun.requests.filter((request) => request.path === path).length;
    assert.equal(count('/v1/vpn/status'), 60);
    assert.equal(count('/v1/portforward'), 5);
    assert.equal(count('/v1/publicip/ip'), 5);
    assert.equal(count('/v1/version'), 0);
  });

  test('that hangs does not keep acemux from stopping', async (t) => {
    const { gluetun, vpns, clock } = await vpnHouse(t);
    gluetun.switches.fault = 'hang';
    const before = gluetun.requests.length;
    await clock.advance(5_000);
    while (gluetun.requests.length === before) await new Promise((resolve) => setImmediate(resolve));
    await vpns.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  test('with a port that never changes is not asked for it', async (t) => {
    const { gluetun, snapshot, pass } = await vpnHouse(t, { spec: { forwardedPort: 41_000 } });
    await pass(10);
    assert.equal(snapshot().forwardedPort, 41_000);
    assert.ok(!gluetun.requests.some(({ path }) => path.includes('port')));
  });
});

describe('without VPN_MANAGE', () => {
  test('a VPN that is down is never touched, for however long', async (t) => {
    const { gluetun, pass, snapshot, containers } = await vpnHouse(t, { withDocker: true });
    gluetun.switches.tunnel = 'crashed';
    containers.set('gluetun', { health: 'unhealthy' });
    await pass(600);
    assert.equal(snapshot().state, 'down');
    assert.deepEqual(
      gluetun.requests.filter(({ method }) => method !== 'GET'),
      [],
    );
    assert.deepEqual(containers.restarts, []);
  });
});

describe('with VPN_MANAGE', () => {
  const limits = { restartAfterMs: 60_000 };

  test('a tunnel that is down is restarted by the control server, once in an outage', async (t) => {
    const { gluetun, pass, snapshot, events, containers } = await vpnHouse(t, { withDocker: true, limits });
    const orders = (): string[] =>
      gluetun.requests.filter(({ method }) => method === 'PUT').map(({ body }) => body);
    containers.set('gluetun', { health: 'unhealthy' });
    gluetun.switches.tunnel = 'crashed';
    await pass(65);
    assert.equal(snapshot().state, 'down');
    assert.deepEqual(orders(), []);
    await pass(15);
    assert.deepEqual(orders(), ['{"status":"stopped"}', '{"status":"running"}']);
    gluetun.switches.tunnel = 'crashed';
    await pass(600);
    assert.equal(orders().length, 2, 'once');
    gluetun.switches.tunnel = 'running';
    containers.set('gluetun', { health: 'healthy' });
    await pass(120);
    assert.equal(snapshot().state, 'ok');
    gluetun.switches.tunnel = 'crashed';
    await pass(600);
    assert.equal(orders().length, 4, 'and once in the next');
    assert.deepEqual(containers.restarts, []);
    assert.ok(events.some((event) => event.kind === 'restart_tried' && event.what === 'tunnel'));
  });

  test('a container that has exited is started by Docker', async (t) => {
    const { gluetun, pass, snapshot, containers } = await vpnHouse(t, { withDocker: true, limits });
    containers.set('gluetun', { state: 'exited', health: 'none' });
    gluetun.switches.fault = 'hang';
    containers.onRestart = (name) => {
      gluetun.switches.fault = undefined;
      containers.set(name, { state: 'running', health: 'starting', startedAtMs: 9_000 });
    };
    await gluetun.stop();
    await pass(120);
    assert.deepEqual(containers.restarts, ['gluetun']);
    containers.set('gluetun', { health: 'healthy' });
    await pass(60);
    assert.equal(snapshot().state, 'ok');
  });

  test('where neither is possible, it says so once', async (t) => {
    const { gluetun, pass, events, lines } = await vpnHouse(t, { limits });
    await gluetun.stop();
    await pass(600);
    const tried = events.filter((event) => event.kind === 'restart_tried');
    assert.equal(tried.length, 1);
    assert.match(tried[0]?.problem ?? '', /no access to Docker/);
    assert.equal(lines.filter(({ msg }) => msg === 'could not restart a VPN').length, 1);
  });
});

describe('Docker', () => {
  test('that does not answer is no news of a VPN, and is told once', async (t) => {
    const { pass, snapshot, containers, lines, events } = await vpnHouse(t, { withDocker: true });
    containers.isAway = true;
    await pass(600);
    assert.equal(snapshot().state, 'ok');
    assert.equal(snapshot().containerId, 'gluetun-1', 'as it was known last');
    assert.equal(lines.filter(({ msg }) => msg === 'Docker does not tell of a VPN').length, 1);
    containers.isAway = false;
    await pass(10);
    assert.ok(!events.some(({ kind }) => kind === 'restarted'));
  });
});
