import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FleetWorld, type WorldEngine } from '../../../test/support/fleet-world.ts';
import type { VpnState } from './plan-types.ts';

const HISTORIES = process.env['LONG_TESTS'] ? 20_000 : 1_000;
const MINUTE_MS = 60_000;
const VPN_STATES: readonly VpnState[] = ['ok', 'ok', 'suspect', 'down', 'recovering', 'unknown'];

const happening = fc.record({
  kind: fc.constantFrom(
    'ports',
    'ports',
    'port',
    'no port',
    'vpn',
    'vpn',
    'load',
    'kill',
    'cut off',
    'restart',
    'spec',
  ),
  which: fc.nat(20),
  ms: fc.integer({ min: 200, max: 120_000 }),
});
const house = fc.record({
  vpns: fc.integer({ min: 2, max: 4 }),
  atStart: fc.array(fc.constantFrom<VpnState>('ok', 'unknown'), { minLength: 4, maxLength: 4 }),
  min: fc.integer({ min: 1, max: 6 }),
  spare: fc.nat(4),
  minFree: fc.nat(2),
  removesSurplus: fc.boolean(),
  hosts: fc.integer({ min: 1, max: 2 }),
});
type House = typeof house extends fc.Arbitrary<infer T> ? T : never;
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** With two hosts the second one has the last VPN only. */
function build({ vpns, atStart, spare, hosts, ...rules }: House): FleetWorld {
  const names = Array.from({ length: vpns }, (_, index) => `vpn-${index}`);
  const world = new FleetWorld({
    rules: { ...rules, max: rules.min + spare },
    vpns: names,
    pools: [{ name: 'host-0' }, { name: 'host-1', vpns: names.slice(-1) }].slice(0, hosts),
  });
  for (const [index, name] of names.entries()) world.setVpn(name, atStart[index] ?? 'ok');
  return world;
}

function happen(world: FleetWorld, { kind, which, ms }: Happening): void {
  const engine: WorldEngine | undefined = world.engines[which % Math.max(1, world.engines.length)];
  const vpn = world.vpns[which % world.vpns.length]!;
  if (kind === 'ports') for (const each of world.vpns) each.forwardedPort = 40_000 + (which % 4);
  else if (kind === 'port') vpn.forwardedPort = 40_000 + (which % 4);
  else if (kind === 'no port') vpn.forwardedPort = undefined;
  else if (kind === 'vpn') world.setVpn(vpn.name, VPN_STATES[which % VPN_STATES.length] ?? 'ok');
  else if (kind === 'load') world.demand = which % 9;
  else if (kind === 'kill' && engine) world.kill(engine);
  else if (kind === 'cut off' && engine) engine.isCutOff = true;
  else if (kind === 'restart' && engine) engine.isToRestart = true;
  else if (kind === 'spec') world.pools[0]!.specHash = `spec-${which % 3}`;
  world.run(ms, ms > 20_000 ? 5_000 : 1_000);
}

function counts(world: FleetWorld): number[] {
  return world.vpns.map(({ name }) => world.readyBehind(name).length);
}

test(`in ${HISTORIES} random histories of VPNs none is left without its engines for a port, a move or a roll; at rest each has its leader, and as many as the others`, () => {
  fc.assert(
    fc.property(house, fc.array(happening, { minLength: 1, maxLength: 25 }), (built, happenings) => {
      const world = build(built);
      // What a replacement may not leave behind, the world itself checks at each.
      for (const each of happenings) happen(world, each);
      for (const { name } of world.vpns) world.setVpn(name, 'ok');
      world.demand = 0;
      world.run(60 * MINUTE_MS, 5_000);
      const settledAtMs = world.nowMs;
      world.run(10 * MINUTE_MS, 5_000);
      assert.deepEqual(world.actionsSince(settledAtMs), [], 'the world is quiet, and something is done');
      for (const { name, forwardedPort } of world.vpns) {
        const engines = world.readyBehind(name);
        if (forwardedPort === undefined || engines.length === 0) continue;
        const leaders = engines.filter((each) => each.forwardedPort === forwardedPort);
        assert.equal(leaders.length, 1, `${name} forwards ${forwardedPort}: one engine has it`);
      }
      const present = counts(world);
      if (built.removesSurplus && built.hosts === 1)
        assert.ok(
          Math.max(...present) - Math.min(...present) <= 1,
          `as many behind each: ${present.join(', ')}`,
        );
    }),
    { numRuns: HISTORIES },
  );
});

test('ports that come to all VPNs at the same moment leave an engine behind each, and it has the port', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 4 }),
      fc.nat(2),
      fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 4 }),
      (vpns, spare, lateMs) => {
        const names = Array.from({ length: vpns }, (_, index) => `vpn-${index}`);
        const world = new FleetWorld({ vpns: names, rules: { min: vpns, max: vpns + 1 + spare } });
        world.run(5 * MINUTE_MS);
        assert.deepEqual(
          counts(world),
          names.map(() => 1),
        );
        for (const [index, vpn] of world.vpns.entries()) {
          vpn.forwardedPort = 40_001 + index;
          world.run(lateMs[index] ?? 0);
        }
        for (let ranMs = 0; ranMs < 20 * MINUTE_MS; ranMs += 1_000) {
          world.run(1_000);
          for (const name of names) assert.ok(world.readyBehind(name).length > 0, `${name} has no engine`);
        }
        for (const [index, name] of names.entries())
          assert.deepEqual(
            world.readyBehind(name).map(({ forwardedPort }) => forwardedPort),
            [40_001 + index],
          );
      },
    ),
    { numRuns: 50 },
  );
});

test('VPNs that prove themselves one after the other at the start get as many engines each', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 6 }),
      fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 2, maxLength: 2 }),
      (min, readyMs) => {
        const world = new FleetWorld({ vpns: ['one', 'two'], rules: { min, max: 8 } });
        for (const { name } of world.vpns) world.setVpn(name, 'unknown');
        for (; world.nowMs < MINUTE_MS; world.run(1_000))
          for (const [index, { name }] of world.vpns.entries())
            if (world.nowMs >= readyMs[index]!) world.setVpn(name, 'ok');
        const present = counts(world);
        assert.equal(present[0]! + present[1]!, min, 'after a minute there are as many as there should be');
        assert.ok(Math.abs(present[0]! - present[1]!) <= 1, `as many behind each: ${present.join(', ')}`);
        assert.equal(world.actionsSince(0).length, min, 'and none was made for nothing');
      },
    ),
    { numRuns: 100 },
  );
});
