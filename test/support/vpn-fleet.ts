import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { EngineSlot } from '../../src/session/ports.ts';
import { placeFor } from './fake-fleet.ts';
import { fleetOfPool, type PoolFleetOptions } from './fleet-of-pool.ts';
import { type VpnHouseOptions, vpnHouse } from './vpn-house.ts';

const nobodyLeaves = new AbortController().signal;

/** The real fleet and the real watch of VPNs together: engines in memory, behind simulated Gluetuns over HTTP. */
export async function vpnFleet(t: TestContext, options: VpnHouseOptions & PoolFleetOptions = {}) {
  const { names = ['gluetun'] } = options;
  let fleet: Awaited<ReturnType<typeof fleetOfPool>> | undefined;
  const house = await vpnHouse(t, {
    ...options,
    enginesBehind: (vpn) =>
      (fleet?.fleet.registry.engines ?? [])
        .filter((engine) => engine.vpn === vpn)
        .map(({ id, network, isDelivering }) => ({
          id,
          isReachable: network?.isReachable,
          connected: network?.connected,
          checkedAtMs: network?.checkedAtMs,
          isDelivering,
        })),
  });
  const made = await fleetOfPool(t, {
    ...options,
    clock: house.clock,
    pools: [{ vpns: names }],
    prepare: options.prepare ?? (() => {}),
  });
  fleet = made;
  const tell = (): void => {
    for (const { name, state, forwardedPort } of house.vpns.list()) made.setVpn(name, state, forwardedPort);
  };
  const end = house.vpns.onChange(tell);
  t.after(() => {
    end();
    assert.equal(house.clock.pendingTimers, 0, 'no timer is left');
  });
  tell();
  let streams = 0;
  /** A place for one more stream. */
  const reserve = (): Promise<EngineSlot> => made.fleet.reserve(placeFor(++streams), nobodyLeaves);
  /** The tunnel of a VPN and the network of its engines come or go. */
  const setTunnel = (name: string, isUp: boolean): void => {
    const gluetun = house.gluetuns.get(name);
    if (gluetun) gluetun.switches.tunnel = isUp ? 'running' : 'crashed';
    for (const engine of made.fleet.registry.engines.filter(({ vpn }) => vpn === name)) {
      const client = made.clientOf(engine.id);
      if (client) client.network = isUp;
    }
  };
  const behind = (vpn: string): readonly string[] =>
    made.fleet.registry.engines.filter((engine) => engine.vpn === vpn).map(({ id }) => id);
  return { ...house, ...made, vpns: house.vpns, reserve, setTunnel, behind };
}
