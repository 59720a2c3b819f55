// What acemux does to a VPN that is down, as its options say: its own wiring, with a control server and an engine over HTTP.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { SimulatedGluetun } from '../../src/simulator/gluetun/simulated-gluetun.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { startEngine } from '../support/doctor-rig.ts';
import { temporaryFolder } from '../support/passing-stream.ts';
import { until } from '../support/rig.ts';
import { undoAfter } from '../support/undo.ts';

/** What takes a minute in the field takes a second here. */
const PACE = 60;

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
  const app = await startApp(config, { log: silentLog(), vpnPace: PACE });
  undoAfter(t, () => app.stop());
  const told = (type: string): number =>
    [...app.events.newestFirst()].filter((event) => event.type === type).length;
  return told;
}

test('a VPN that is down is restarted with VPN_MANAGE, once, and never touched without', async (t) => {
  for (const manage of ['true', 'false']) {
    await t.test(`VPN_MANAGE=${manage}`, async (t) => {
      const gluetun = new SimulatedGluetun();
      const control = `http://127.0.0.1:${await gluetun.start()}`;
      undoAfter(t, () => gluetun.stop());
      const engine = await startEngine(t);
      const told = await startWith(t, {
        VPNS: `one?control_url=${control}`,
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
});
