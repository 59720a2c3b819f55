import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FleetWorld, settled } from '../../../test/support/fleet-world.ts';

const MINUTE_MS = 60_000;

describe('engines that fail', () => {
  test('fault 2: while the provider is away nothing is removed there, and nothing created; what runs counts', () => {
    const world = settled({ rules: { min: 2 } });
    world.pools[0]!.unreachable = 'provider_unreachable';
    const before = world.nowMs;
    world.demand = 6;
    world.run(MINUTE_MS);
    assert.deepEqual(world.actionsSince(before), []);
    assert.equal(world.engines.length, 2);
    assert.equal(world.last?.block?.code, 'provider_unreachable');
    world.pools[0]!.unreachable = undefined;
    world.run(30_000);
    assert.equal(world.waiting, 0);
  });

  test('fault 11: one that hangs is replaced after its grace, by one that is ready before it goes', () => {
    const world = settled({ rules: { min: 2, minFree: 0 } });
    const before = world.nowMs;
    world.engines[0]!.isIll = true;
    world.run(58_000);
    assert.deepEqual(world.actionsSince(before), [], 'it may heal');
    world.run(30_000);
    assert.deepEqual(world.actionsSince(before), ['create replace_lost', 'remove unhealthy']);
    assert.equal(world.readyCount, 2);
  });

  test('fault 11: one that hangs and still delivers is kept for its streams, however long', () => {
    const world = settled({ rules: { min: 2, minFree: 0 } });
    world.demand = 4;
    world.run(MINUTE_MS);
    const [busy] = world.engines;
    assert.ok(busy);
    Object.assign(busy, { isIll: true, isDelivering: true });
    // Where there is no room for them, its streams stay.
    world.pools[0]!.failure = 'engine_broken';
    world.run(30 * MINUTE_MS);
    assert.ok(world.engines.includes(busy) && busy.streams > 0);
    world.pools[0]!.failure = undefined;
    world.run(10 * MINUTE_MS);
    assert.ok(!world.engines.includes(busy), 'they have gone elsewhere');
    assert.equal(world.waiting, 0);
  });

  test('one that heals within its grace is kept', () => {
    const world = settled({ rules: { min: 2, minFree: 0 } });
    const before = world.nowMs;
    for (let time = 0; time < 10; time++) {
      world.engines[0]!.isIll = time % 2 === 0;
      world.run(40_000);
    }
    assert.deepEqual(world.actionsSince(before), []);
  });

  test('where the maximum leaves no room the one that is lost goes first', () => {
    const world = settled({ rules: { min: 2, max: 2, minFree: 0 } });
    const before = world.nowMs;
    world.engines[0]!.isIll = true;
    world.run(2 * MINUTE_MS);
    assert.deepEqual(world.actionsSince(before), ['remove unhealthy', 'create minimum']);
  });

  test('fault 16: one that somebody removed by hand is replaced if it is needed', () => {
    const world = settled({ rules: { min: 2, minFree: 0 } });
    const before = world.nowMs;
    world.engines.pop();
    world.run(20_000);
    assert.deepEqual(world.actionsSince(before), ['create minimum']);
    assert.equal(world.readyCount, 2);
  });

  test('fault 17: a new life takes what runs as it is, and does nothing', () => {
    const world = settled({ rules: { min: 2 } });
    world.demand = 3;
    world.run(2 * MINUTE_MS);
    const again = new FleetWorld({ rules: world.rules });
    again.nowMs = 1_000;
    again.demand = 3;
    // The clock of the new life has another origin, and what it reads off the containers is their age.
    again.engines = world.engines.map((engine) => ({
      ...engine,
      createdAtMs: engine.createdAtMs - world.nowMs,
      idleSinceMs: engine.streams > 0 ? undefined : 1_000,
    }));
    again.run(20_000);
    assert.deepEqual(again.actionsSince(0), []);
  });

  test('fault 20: only differences of the monotonic clock count', () => {
    const one = settled();
    const other = new FleetWorld();
    other.nowMs = 1e12;
    other.run(5 * MINUTE_MS);
    const kinds = (world: FleetWorld): string[] => world.log.map(({ action }) => action.kind);
    assert.deepEqual(kinds(one), kinds(other));
  });

  test('a provider that fails is asked less and less often, and its reason and time are told', () => {
    const world = new FleetWorld({ pools: [{ failure: 'engine_broken' }] });
    world.run(MINUTE_MS);
    const inFirstMinute = world.actionsSince(0).length;
    assert.ok(inFirstMinute <= 7, String(inFirstMinute));
    assert.equal(world.last?.block?.code, 'engine_creation_paused');
    assert.ok((world.last?.block?.etaMs ?? 0) > 0);
    const before = world.nowMs;
    world.run(30 * MINUTE_MS);
    assert.ok(world.actionsSince(before).length <= 10, 'pauses of up to five minutes');
  });

  test('fault 44: a breaker that was open lets one engine through, and closes when that one is ready', () => {
    const world = new FleetWorld({ rules: { min: 5 }, pools: [{ failure: 'engine_broken' }] });
    world.run(MINUTE_MS);
    world.pools[0]!.failure = undefined;
    const before = world.nowMs;
    while (world.actionsSince(before).length === 0) world.run(500, 500);
    world.run(7_500, 500);
    assert.equal(world.actionsSince(before).length, 1, 'one is tried, and no other before it is ready');
    world.run(20_000, 500);
    assert.equal(world.readyCount, 5);
  });

  test('engines that never become ready are removed, and counted as failures', () => {
    const world = new FleetWorld({ pools: [{ startMs: 10 * MINUTE_MS }] });
    world.run(10 * MINUTE_MS);
    const removed = world.actionsSince(0, 'remove');
    assert.ok(removed.length >= 3 && removed.length <= 9, String(removed.length));
    assert.ok(removed.every((each) => each === 'remove never_ready'));
    assert.ok(world.engines.length <= 1);
  });

  test('fault 9: engines that end right after their start are made ever more slowly', () => {
    const world = new FleetWorld({ rules: { min: 1 } });
    for (let second = 0; second < 600; second++) {
      world.run(1_000);
      for (const engine of world.engines) if (engine.condition === 'ready') world.kill(engine);
    }
    assert.ok(world.log.length <= 12, `${world.log.length} within ten minutes`);
  });

  test('no engine is created where the host would have too little memory', () => {
    const world = settled({
      rules: { memoryReserveBytes: 512 },
      pools: [{ hostMemoryBytes: 600, engineMemoryBytes: 100 }],
    });
    assert.equal(world.engines.length, 0);
    assert.equal(world.last?.block?.code, 'host_memory');
    world.pools[0]!.hostMemoryBytes = 700;
    world.run(20_000);
    assert.equal(world.readyCount, 1);
  });

  test('fault 46: what ran on a host that comes back is adopted, and what is too much goes gently', () => {
    const pools = [{ name: 'here' }, { name: 'there' }];
    const world = settled({ rules: { min: 4, minFree: 1 }, pools });
    const there = world.engines.filter(({ pool }) => pool === 'there');
    assert.equal(there.length, 2);
    world.pools[1]!.unreachable = 'provider_unreachable';
    for (const engine of there) engine.isIll = true;
    world.run(3 * MINUTE_MS);
    assert.equal(world.readyCount, 4, 'others stand in');
    assert.equal(world.engines.length, 6, 'and nothing is forgotten');
    world.pools[1]!.unreachable = undefined;
    for (const engine of there) engine.isIll = false;
    world.demand = 2;
    const before = world.nowMs;
    world.run(29_000);
    assert.deepEqual(world.actionsSince(before), []);
    world.run(5 * MINUTE_MS);
    assert.equal(world.readyCount, 4);
    assert.equal(world.waiting, 0);
  });
});
