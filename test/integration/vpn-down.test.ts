// What acemux does when VPNs are down, as its options say: its own wiring, with control servers and engines over HTTP.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { DELIVERING_MS } from '../../src/fleet/place.ts';
import { ScriptedDaemon } from '../../src/fleet/providers/docker/testing/scripted-daemon.ts';
import { CUT_OFF_LOOK_MS } from '../../src/fleet/vpn/cut-off-watch.ts';
import { SimulatedGluetun } from '../../src/simulator/gluetun/simulated-gluetun.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { startEngine } from '../support/doctor-rig.ts';
import { JumpClock } from '../support/jump-clock.ts';
import { temporaryFolder } from '../support/passing-stream.ts';
import { until } from '../support/rig.ts';
import { undoAfter } from '../support/undo.ts';
import { Viewer } from '../support/viewer.ts';

const ID = 'd'.repeat(40);
/** What takes a minute in the field takes a second here. */
const PACE = 60;
const PACKETS = 188 * 500;

async function startGluetun(t: TestContext, name: string) {
  const gluetun = new SimulatedGluetun();
  const port = await gluetun.start();
  undoAfter(t, () => gluetun.stop());
  return { gluetun, name, option: `${name}?control_url=http://127.0.0.1:${port}` };
}

async function startWith(t: TestContext, given: Readonly<Record<string, string>>) {
  const { config } = loadConfig({
    environment: {
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: await temporaryFolder(t),
      PREBUFFER_SECONDS: '0',
      OVERLOAD_LOOP_DELAY: '0',
      GLUETUN_HEALTH_CHECK_INTERVAL_S: '0.25',
      VPN_UNHEALTHY_RESTART_TIMEOUT_S: '1',
      HEALTH_CHECK_INTERVAL: '1s',
      ...given,
    },
  });
  const clock = new JumpClock();
  const app = await startApp(config, { log: silentLog(), vpnPace: PACE, clock });
  undoAfter(t, () => app.stop());
  const told = (type: string): number =>
    [...app.events.newestFirst()].filter((event) => event.type === type).length;
  return { app, clock, told };
}

describe('VPNs that are down', { concurrency: true }, () => {
  for (const manage of ['true', 'false']) {
    const what =
      manage === 'true' ? 'is restarted with VPN_MANAGE, once' : 'is never touched without VPN_MANAGE';
    test(`one ${what}`, async (t) => {
      const { gluetun, option } = await startGluetun(t, 'one');
      const engine = await startEngine(t);
      const { told } = await startWith(t, {
        VPNS: option,
        ENGINES: `${engine.host}:${engine.port}?vpn=one`,
        VPN_MANAGE: manage,
      });
      await until(() => told('vpn.connected') === 1);
      engine.faults.set({ fault: { kind: 'networkDown' } });
      gluetun.switches.tunnel = 'crashed';
      await until(() => told('vpn.disconnected') === 1);
      const asked = (): number => gluetun.requests.filter(({ method }) => method === 'GET').length;
      const before = asked();
      // Twenty looks, five seconds: longer than until it would be restarted.
      if (manage === 'true') await until(() => told('vpn.restart_tried') === 1);
      else await until(() => asked() >= before + 20);
      const orders = gluetun.requests.filter(({ method }) => method === 'PUT').map(({ body }) => body);
      assert.equal(told('vpn.restart_tried'), manage === 'true' ? 1 : 0);
      if (manage === 'false') assert.deepEqual(orders, []);
      else assert.match(orders.join(), /running/);
    });
  }

  test('an engine of one’s own that lost its network while its VPN is well is restarted, where its entry says so and a socket allows it', async (t) => {
    const docker = await ScriptedDaemon.start(t);
    docker.on('GET /containers/engine-1/json', () => ({ Id: 'e1', State: { Status: 'running' } }));
    docker.on('POST /containers/engine-1/restart', ({ response }) => void response.writeHead(204).end());
    const { option } = await startGluetun(t, 'one');
    const [stays, lost] = [await startEngine(t), await startEngine(t)];
    const { app, clock, told } = await startWith(t, {
      VPNS: option,
      ENGINES: `${stays.host}:${stays.port}?vpn=one,${lost.host}:${lost.port}?vpn=one&container=engine-1&restart=true`,
      DOCKER_HOST: `unix://${docker.endpoint.kind === 'socket' ? docker.endpoint.path : ''}`,
    });
    await until(() => told('vpn.connected') === 1 && app.fleet.readiness().healthy === 2);
    await lost.stop();
    const isLost = (): boolean =>
      app.fleet.registry.engines.some(({ network }) => network?.isReachable === false);
    await until(isLost);
    assert.deepEqual(docker.calls, [], 'Docker is not asked for what the control server tells');
    await until(() => {
      clock.jump(CUT_OFF_LOOK_MS);
      return docker.calls.includes('POST /containers/engine-1/restart');
    });
    const [event] = [...app.events.newestFirst()].filter(({ type }) => type === 'vpn.engine_cut_off');
    assert.deepEqual(event?.details, { vpn: 'one', command: 'docker restart engine-1', is_restarted: true });
  });

  test('fault 31: both go and come back while somebody watches, who notices no more than a pause', async (t) => {
    const both = [await startGluetun(t, 'one'), await startGluetun(t, 'two')];
    const engines = [await startEngine(t), await startEngine(t)];
    const { app, clock, told } = await startWith(t, {
      VPNS: both.map(({ option }) => option).join(),
      ENGINES: both.map(({ name }, index) => `127.0.0.1:${engines[index]?.port}?vpn=${name}`).join(),
    });
    await until(() => told('vpn.connected') === 2 && app.fleet.readiness().healthy === 2);
    const metrics = new Set((await (await fetch(`${app.url}/metrics`)).text()).split('\n'));
    for (const line of [
      'acemux_vpns{state="ok"} 2',
      'orch_vpn_nodes_healthy 2',
      'orch_vpn1_engines 1',
      'orch_vpn2_engines 1',
      'orch_vpn1_health{orch_vpn1_health="healthy"} 1',
    ])
      assert.ok(metrics.has(line), line);
    const before = app.fleet.snapshot().map(({ id }) => id);
    const viewer = new Viewer(`${app.url}/ace/getstream?infohash=${ID}`);
    undoAfter(t, async () => viewer.leave());
    await viewer.received(PACKETS);

    // One look that finds no tunnel, while engines are connected: it is seen, and nothing is concluded from it.
    for (const { gluetun } of both) gluetun.switches.tunnel = 'crashed';
    await until(() => told('vpn.state_changed') + told('vpn.disconnected') === 2);
    for (const { gluetun } of both) gluetun.switches.tunnel = 'running';
    assert.deepEqual([told('vpn.disconnected'), told('engine.gone')], [0, 0]);
    await until(() => told('vpn.connected') === 4);
    assert.deepEqual([app.fleet.readiness().healthy, viewer.ended], [2, undefined]);

    for (const { gluetun } of both) gluetun.switches.tunnel = 'crashed';
    for (const engine of engines) engine.faults.set({ fault: { kind: 'networkDown' } });
    await until(() => app.fleet.registry.engines.every(({ network }) => network?.connected === false));
    clock.jump(DELIVERING_MS);
    await until(() => told('vpn.disconnected') === 2);
    assert.equal(app.fleet.readiness().healthy, 0);
    assert.equal(viewer.ended, undefined, 'who watches stays');

    for (const { gluetun } of both) gluetun.switches.tunnel = 'running';
    for (const engine of engines) engine.faults.clear();
    await until(() => told('vpn.connected') === 6);
    await viewer.receivedMore(4 * PACKETS);
    assert.equal(viewer.ended, undefined, 'and goes on');
    assert.equal(app.sessions.list().length, 1);
    assert.deepEqual(
      app.fleet.snapshot().map(({ id }) => id),
      before,
      'with the engines that there were',
    );
    assert.equal(told('engine.gone'), 0);
  });
});
