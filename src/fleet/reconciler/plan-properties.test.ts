import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FleetWorld, type WorldEngine } from '../../../test/support/fleet-world.ts';
import type { VpnState } from './plan-types.ts';

const HISTORIES = process.env['LONG_TESTS'] ? 20_000 : 2_000;
const MINUTE_MS = 60_000;

const happening = fc.record({
  kind: fc.constantFrom(
    'load',
    'load',
    'wait',
    'wait',
    'kill',
    'ill',
    'heal',
    'fail',
    'work',
    'unreachable',
    'reachable',
    'slow',
    'spec',
    'vpn',
    'vpn',
    'port',
    'cut off',
    'restart',
    'request',
  ),
  which: fc.nat(20),
  ms: fc.integer({ min: 200, max: 90_000 }),
});
const house = fc.record({
  min: fc.nat(3),
  spare: fc.nat(5),
  minFree: fc.nat(2),
  streamsPerEngine: fc.integer({ min: 1, max: 4 }),
  actionsPerMinute: fc.integer({ min: 4, max: 30 }),
  createIntervalMs: fc.constantFrom(0, 500, 3_000),
  pools: fc.integer({ min: 1, max: 2 }),
  vpns: fc.nat(2),
});
const VPN_STATES: readonly VpnState[] = ['unknown', 'ok', 'suspect', 'down', 'recovering', 'draining'];
type House = typeof house extends fc.Arbitrary<infer T> ? T : never;
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function build({ min, spare, minFree, pools, vpns, ...rules }: House): FleetWorld {
  return new FleetWorld({
    rules: { ...rules, min, minFree, max: Math.max(1, min + spare) },
    pools: Array.from({ length: pools }, (_, index) => ({
      name: `host-${index}`,
      max: pools === 1 ? 100 : 4,
    })),
    ...(vpns > 0 && { vpns: Array.from({ length: vpns }, (_, index) => `vpn-${index}`) }),
  });
}

function happen(world: FleetWorld, { kind, which, ms }: Happening): void {
  const engine: WorldEngine | undefined = world.engines[which % Math.max(1, world.engines.length)];
  const pool = world.pools[which % world.pools.length]!;
  const vpn = world.vpns[which % Math.max(1, world.vpns.length)];
  if (kind === 'load') world.demand = which;
  else if (kind === 'kill' && engine) world.kill(engine);
  else if (kind === 'ill' && engine) Object.assign(engine, { isIll: true, isDelivering: ms % 2 === 0 });
  else if (kind === 'heal' && engine) engine.isIll = false;
  else if (kind === 'fail') pool.failure = which % 2 === 0 ? 'engine_broken' : 'provider_unreachable';
  else if (kind === 'work') pool.failure = undefined;
  else if (kind === 'unreachable') pool.unreachable = 'provider_unreachable';
  else if (kind === 'reachable') pool.unreachable = undefined;
  else if (kind === 'slow') pool.startMs = which * 2_000;
  else if (kind === 'spec') pool.specHash = `spec-${which % 3}`;
  else if (kind === 'vpn' && vpn) world.setVpn(vpn.name, VPN_STATES[which % VPN_STATES.length] ?? 'ok');
  else if (kind === 'port' && vpn) vpn.forwardedPort = which % 3 === 0 ? undefined : 40_000 + (which % 3);
  else if (kind === 'cut off' && engine) engine.isCutOff = engine.vpn !== undefined;
  else if (kind === 'restart' && engine) engine.isToRestart = true;
  else if (kind === 'request') world.requested = Math.min(3, world.requested + 1);
  world.run(ms, ms > 20_000 ? 5_000 : 1_000);
}

/** From now on everything works, and nothing changes. */
function calm(world: FleetWorld): void {
  world.demand = Math.min(world.demand, 3);
  world.requested = 0;
  for (const pool of world.pools)
    Object.assign(pool, { failure: undefined, unreachable: undefined, startMs: 8_000 });
  for (const engine of world.engines) engine.isIll = false;
  for (const { name } of world.vpns) world.setVpn(name, 'ok');
}

test(`in ${HISTORIES} random histories the fleet is never too large, no busy engine is removed, the pace is kept, and it settles`, () => {
  fc.assert(
    fc.property(house, fc.array(happening, { minLength: 5, maxLength: 40 }), (built, happenings) => {
      const world = build(built);
      for (const each of happenings) happen(world, each);
      calm(world);
      world.run(40 * MINUTE_MS, 5_000);
      const settledAtMs = world.nowMs;
      world.run(10 * MINUTE_MS, 5_000);
      assert.deepEqual(world.actionsSince(settledAtMs), [], 'the world is quiet, and something is done');
      const wanted = Math.min(world.last?.wanted ?? 0, world.rules.max);
      const possible = world.pools.reduce((sum, { max }) => sum + max, 0);
      assert.equal(world.readyCount, Math.min(wanted, possible), 'as many engines as wanted');
      const places = world.readyCount * world.rules.streamsPerEngine;
      assert.equal(world.waiting, Math.max(0, world.demand - places), 'who can be served is');
      world.demand = 0;
      world.run(40 * MINUTE_MS, 5_000);
      assert.ok(world.engines.every(({ isCutOff, isToRestart }) => !isCutOff && !isToRestart));
      for (const { specHash, pool } of world.engines) {
        assert.equal(
          specHash,
          world.pools.find(({ name }) => name === pool)?.specHash,
          'of the latest specification',
        );
      }
    }),
    { numRuns: HISTORIES },
  );
});
