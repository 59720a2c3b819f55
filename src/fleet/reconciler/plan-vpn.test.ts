import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FleetWorld, settled, type WorldEngine } from '../../../test/support/fleet-world.ts';

const MINUTE_MS = 60_000;

function ports(world: FleetWorld): (number | undefined)[] {
  return world.engines.map(({ forwardedPort }) => forwardedPort).toSorted();
}

function behind(world: FleetWorld, vpn: string): WorldEngine[] {
  return world.engines.filter((engine) => engine.vpn === vpn);
}

describe('engines behind VPNs', () => {
  const two = { vpns: ['one', 'two'] };

  test('are spread over those that are up', () => {
    const world = settled({ ...two, rules: { min: 4 } });
    assert.deepEqual([behind(world, 'one').length, behind(world, 'two').length], [2, 2]);
  });

  test('fault 34: none is made on the bare network because no VPN is up', () => {
    const world = new FleetWorld(two);
    for (const name of two.vpns) world.setVpn(name, 'unknown');
    world.demand = 5;
    world.run(10 * MINUTE_MS);
    assert.deepEqual(world.actionsSince(0), []);
    assert.equal(world.last?.block?.code, 'vpn_down');
  });

  test('fault 24: the port that comes late is given to one engine, once', () => {
    const world = new FleetWorld({ vpns: ['one'], rules: { min: 2 } });
    world.run(20_000);
    world.vpns[0]!.forwardedPort = 40_001;
    const before = world.nowMs;
    world.run(10 * MINUTE_MS);
    assert.deepEqual(ports(world), [40_001, undefined]);
    assert.deepEqual(world.actionsSince(before, 'create'), ['create replace_port']);
  });

  test('a stand-in for which there is no room keeps nothing else from being made, and no reason is told for it', () => {
    const world = settled({
      vpns: ['one', 'two'],
      pools: [
        { name: 'here', vpns: ['one'], min: 1, max: 1 },
        { name: 'attic', vpns: ['two'], max: 4 },
      ],
      rules: { min: 2 },
    });
    world.demand = 1;
    world.run(MINUTE_MS);
    world.vpns[0]!.forwardedPort = 40_001;
    const [here] = behind(world, 'one');
    assert.ok(here);
    here.isToRestart = true;
    world.run(5_000);
    assert.equal(world.last?.block, undefined);
  });

  test('fault 25: with another port there is a new leader before the old one goes', () => {
    const world = new FleetWorld({ vpns: ['one'], rules: { min: 2 } });
    world.vpns[0]!.forwardedPort = 40_001;
    world.run(MINUTE_MS);
    assert.deepEqual(ports(world), [40_001, undefined]);
    world.demand = 1;
    world.run(MINUTE_MS);
    world.vpns[0]!.forwardedPort = 40_002;
    const before = world.nowMs;
    world.run(MINUTE_MS);
    assert.deepEqual(world.actionsSince(before), [
      'create replace_port',
      'drain replace_port',
      'remove replace_port',
    ]);
    assert.deepEqual(ports(world), [40_002, undefined]);
    assert.equal(world.waiting, 0);
  });

  test('fault 26: a port that flaps costs one replacement a minute at most', () => {
    const world = new FleetWorld({ vpns: ['one'], rules: { min: 2 } });
    world.run(MINUTE_MS);
    const before = world.nowMs;
    for (let time = 0; time < 30; time++) {
      world.vpns[0]!.forwardedPort = 40_000 + (time % 2);
      world.run(10_000);
    }
    const drains = world.actionsSince(before, 'drain').filter((each) => each !== 'drain surplus');
    assert.ok(drains.length <= 5, `${drains.length} in five minutes`);
    assert.ok(world.actionsSince(before).length <= 20, String(world.actionsSince(before)));
  });

  test('fault 35: without a forwarded port there is no leader, and nothing is done about it', () => {
    const world = settled({ vpns: ['one'], rules: { min: 2 } });
    assert.deepEqual(ports(world), [undefined, undefined]);
    const before = world.nowMs;
    world.run(30 * MINUTE_MS);
    assert.deepEqual(world.actionsSince(before), []);
  });

  test('a VPN that is away for a moment costs nothing', () => {
    const world = settled({ ...two, rules: { min: 4 } });
    const before = world.nowMs;
    for (let time = 0; time < 30; time++) {
      world.setVpn('one', time % 2 === 0 ? 'down' : 'ok');
      world.run(10_000);
    }
    assert.deepEqual(world.actionsSince(before), [], 'flapping every 10 s for 5 minutes');
  });

  test('one that stays away: others stand in behind the other one, and it gets its own back', () => {
    const world = settled({ ...two, rules: { min: 4, max: 8 } });
    world.demand = 4;
    world.run(MINUTE_MS);
    world.setVpn('one', 'down');
    world.run(3 * MINUTE_MS);
    assert.equal(world.waiting, 0);
    assert.ok(behind(world, 'two').length >= 4);
    assert.ok(behind(world, 'one').length > 0, 'they are kept for when it comes back');
    world.setVpn('one', 'recovering');
    const before = world.nowMs;
    world.run(30_000);
    world.setVpn('one', 'ok');
    world.run(20_000);
    assert.deepEqual(world.actionsSince(before, 'create'), [], 'no stampede');
  });

  test('engines are moved to an emptier VPN while nobody uses them, and those that play stay', () => {
    const world = new FleetWorld({ ...two, rules: { min: 4, max: 8, minFree: 0 } });
    world.setVpn('two', 'down');
    world.demand = 4 * world.rules.streamsPerEngine;
    world.run(5 * MINUTE_MS);
    assert.deepEqual([behind(world, 'one').length, behind(world, 'two').length], [4, 0]);
    const before = world.nowMs;
    world.setVpn('two', 'ok');
    world.run(10 * MINUTE_MS);
    assert.deepEqual(world.actionsSince(before), [], 'all of them play');
    world.demand = 0;
    world.run(10 * MINUTE_MS);
    assert.deepEqual([behind(world, 'one').length, behind(world, 'two').length], [2, 2]);
  });

  test('fault 29 and fault 30: engines that are cut off are replaced as soon as their VPN is up', () => {
    const world = settled({ vpns: ['one'], rules: { min: 2 } });
    for (const engine of world.engines) engine.isCutOff = true;
    world.setVpn('one', 'recovering');
    const before = world.nowMs;
    world.run(20_000);
    assert.deepEqual(world.actionsSince(before), ['remove cut_off', 'remove cut_off']);
    world.setVpn('one', 'ok');
    world.run(12_000);
    assert.equal(world.readyCount, 2);
  });

  test('those that are cut off are left to the operator where VPN_RESTART_ENGINES_ON_RECONNECT says so', () => {
    const world = settled({ vpns: ['one'], rules: { min: 2, replacesCutOff: false } });
    for (const engine of world.engines) engine.isCutOff = true;
    const before = world.nowMs;
    world.run(5 * MINUTE_MS);
    assert.deepEqual(world.actionsSince(before, 'remove'), []);
    assert.equal(behind(world, 'one').filter(({ isCutOff }) => isCutOff).length, 2);
  });

  test('those that are cut off are made behind another VPN at once, if there is one', () => {
    const world = settled({ ...two, rules: { min: 4 } });
    for (const engine of behind(world, 'one')) engine.isCutOff = true;
    world.setVpn('one', 'recovering');
    world.run(20_000);
    assert.equal(world.readyCount, 4);
  });

  test('fault 31: with both down nothing is deleted, no breaker opens, and it goes on by itself', () => {
    const world = settled({ ...two, rules: { min: 2 } });
    const before = world.nowMs;
    for (const name of two.vpns) world.setVpn(name, 'down');
    world.demand = 2;
    world.run(20 * MINUTE_MS);
    assert.deepEqual(world.actionsSince(before), []);
    assert.equal(world.last?.block?.code, 'vpn_down');
    assert.equal(world.memory.breakers.get('docker')?.streaks.size ?? 0, 0);
    for (const name of two.vpns) world.setVpn(name, 'ok');
    world.run(2_000);
    assert.equal(world.waiting, 0, 'the engines are still there');
  });

  test('fault 32: the second fails while the first recovers: nothing is made, and nothing deleted', () => {
    const world = settled({ ...two, rules: { min: 2, max: 4 } });
    world.setVpn('one', 'down');
    world.run(20_000);
    world.setVpn('one', 'recovering');
    world.setVpn('two', 'down');
    const before = world.nowMs;
    world.run(5 * MINUTE_MS);
    assert.deepEqual(world.actionsSince(before), []);
    world.setVpn('one', 'ok');
    world.run(30_000);
    assert.ok(world.readyCount >= 2);
  });

  test('the leader is the last that goes when the load does', () => {
    const world = new FleetWorld({ vpns: ['one'], rules: { min: 1, minFree: 1 } });
    world.vpns[0]!.forwardedPort = 40_001;
    world.run(MINUTE_MS);
    world.demand = 8;
    world.run(MINUTE_MS);
    world.demand = 0;
    world.run(10 * MINUTE_MS);
    assert.deepEqual(ports(world), [40_001]);
  });
});
