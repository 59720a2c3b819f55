import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FleetWorld } from '../../../test/support/fleet-world.ts';

const MINUTE_MS = 60_000;

/** A fleet that has come to rest. */
function settled(...options: ConstructorParameters<typeof FleetWorld>): FleetWorld {
  const world = new FleetWorld(...options);
  world.run(5 * MINUTE_MS);
  return world;
}

describe('how many engines there are', () => {
  test('at least MIN_REPLICAS, from a cold start', () => {
    const world = new FleetWorld({ rules: { min: 3, minFree: 0 } });
    world.run(12_000);
    assert.equal(world.readyCount, 3);
    assert.deepEqual(world.actionsSince(0), ['create minimum', 'create minimum', 'create minimum']);
  });

  test('MIN_FREE_REPLICAS more than are in use', () => {
    const world = settled({ rules: { min: 1, minFree: 2 } });
    assert.equal(world.readyCount, 2);
    world.demand = 3;
    world.run(MINUTE_MS);
    assert.equal(world.engines.filter(({ streams }) => streams > 0).length, 2);
    assert.equal(world.readyCount, 4);
  });

  test('those who wait count at once, before any interval', () => {
    const world = settled({ rules: { min: 1, minFree: 0, streamsPerEngine: 1 } });
    world.demand = 2;
    const before = world.nowMs;
    world.run(1_000);
    assert.deepEqual(world.actionsSince(before), ['create demand']);
  });

  test('streams that have to leave a drained engine count, unless a busy engine has room for them', () => {
    for (const [demand, made] of [
      [3, ['create demand']],
      [2, []],
    ] as const) {
      const world = settled({ rules: { min: 0, minFree: 0, streamsPerEngine: 2, removesSurplus: false } });
      world.demand = 4;
      world.run(5 * MINUTE_MS);
      world.demand = demand;
      world.run(1_000);
      const leaving = world.engines.find(({ streams }) => streams === 1) ?? world.engines[0]!;
      leaving.drainWhy = 'operator';
      const before = world.nowMs;
      world.run(5 * MINUTE_MS);
      assert.deepEqual(world.actionsSince(before), made, `${demand} streams`);
      assert.equal(leaving.streams, 0, 'they have moved');
      assert.equal(world.waiting, 0);
    }
  });

  test('an engine that is starting is not made twice', () => {
    const world = settled({ rules: { min: 1, minFree: 0, streamsPerEngine: 1 } });
    world.demand = 2;
    const before = world.nowMs;
    world.run(8_000);
    assert.deepEqual(world.actionsSince(before), ['create demand']);
    assert.equal(world.last?.coming, 1);
  });

  test('creations are spread, and no more than MAX_CONCURRENT_PROVISIONS are under way', () => {
    const world = new FleetWorld({
      rules: { min: 6, concurrentCreates: 2, createIntervalMs: 500 },
      pools: [{ createMs: 10_000 }],
    });
    let most = 0;
    for (let step = 0; step < 600; step++) {
      world.run(100, 100);
      most = Math.max(most, world.creations.length);
    }
    assert.equal(most, 2);
    const times = world.log.map(({ atMs }) => atMs);
    assert.ok(times.every((atMs, index) => index === 0 || atMs - times[index - 1]! >= 500));
    assert.equal(world.readyCount, 6);
  });

  test('a pool has its own minimum and maximum', () => {
    const pools = [
      { name: 'one', min: 2, max: 2 },
      { name: 'two', max: 3 },
    ];
    const world = settled({ rules: { min: 0, minFree: 1, max: 10, streamsPerEngine: 1 }, pools });
    const count = (name: string): number => world.engines.filter(({ pool }) => pool === name).length;
    assert.deepEqual([count('one'), count('two')], [2, 0]);
    world.demand = 20;
    world.run(2 * MINUTE_MS);
    assert.deepEqual([count('one'), count('two')], [2, 3]);
    assert.equal(world.last?.block?.code, 'max_replicas');
  });

  test('more on request, which goes again when nobody needs it', () => {
    const world = settled();
    const before = world.nowMs;
    world.requested = 1;
    world.run(20_000);
    assert.deepEqual(world.actionsSince(before), ['create requested']);
    world.run(2 * MINUTE_MS);
    assert.equal(world.readyCount, 1);
  });

  test('an engine that is not needed is kept for ENGINE_GRACE_PERIOD_S, then drained, then removed', () => {
    const world = settled();
    world.demand = 3;
    world.run(MINUTE_MS);
    assert.equal(world.readyCount, 3);
    world.demand = 0;
    const before = world.nowMs;
    world.run(29_000);
    assert.deepEqual(world.actionsSince(before), []);
    world.run(MINUTE_MS);
    const gone = ['drain surplus', 'remove surplus', 'drain surplus', 'remove surplus'];
    assert.deepEqual(world.actionsSince(before), gone);
    assert.equal(world.readyCount, 1);
  });

  test('AUTO_DELETE=false removes none', () => {
    const world = settled({ rules: { removesSurplus: false } });
    world.demand = 3;
    world.run(MINUTE_MS);
    world.demand = 0;
    world.run(30 * MINUTE_MS);
    assert.equal(world.readyCount, 3);
  });

  test('an engine that only the operator may touch is neither removed nor replaced', () => {
    const world = settled();
    world.demand = 3;
    world.run(MINUTE_MS);
    for (const engine of world.engines) engine.isManual = true;
    world.demand = 0;
    world.pools[0]!.specHash = 'spec-2';
    world.engines[0]!.isIll = true;
    const before = world.nowMs;
    world.run(10 * MINUTE_MS);
    assert.deepEqual(world.actionsSince(before, 'remove'), []);
    assert.deepEqual(world.actionsSince(before, 'drain'), []);
  });

  test('no more than so many actions a minute, whatever happens', () => {
    const world = new FleetWorld({ rules: { min: 6, actionsPerMinute: 4, createIntervalMs: 0 } });
    world.run(30_000);
    assert.equal(world.actionsSince(0).length, 4);
    world.run(45_000);
    assert.equal(world.readyCount, 6);
  });
});

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

describe('engines that are replaced although they work', () => {
  test('a changed specification: one by one, each only when another one stands in', () => {
    const world = settled({ rules: { min: 3, minFree: 1, max: 6 } });
    world.demand = 3;
    world.run(MINUTE_MS);
    world.pools[0]!.specHash = 'spec-2';
    const before = world.nowMs;
    let fewest = world.readyCount;
    for (let second = 0; second < 600; second++) {
      world.run(1_000);
      fewest = Math.min(fewest, world.readyCount);
      const leaving = world.engines.filter(({ drainWhy }) => drainWhy !== undefined).length;
      assert.ok(leaving <= 1, 'one at a time');
      assert.equal(world.waiting, 0, 'nobody notices');
    }
    assert.ok(fewest >= 3, `${fewest} were ready at the worst moment`);
    assert.deepEqual([...new Set(world.engines.map(({ specHash }) => specHash))], ['spec-2']);
    const drains = world.log.filter(({ atMs, action }) => atMs > before && action.kind === 'drain');
    assert.ok(
      drains.every((drain, index) => index === 0 || drain.atMs - drains[index - 1]!.atMs >= MINUTE_MS),
    );
  });

  test('where as many run as may: those that nobody uses, and only where another one is free', () => {
    const world = settled({ rules: { min: 3, max: 3, minFree: 0, streamsPerEngine: 1 } });
    world.demand = 2;
    world.run(MINUTE_MS);
    world.pools[0]!.specHash = 'spec-2';
    const before = world.nowMs;
    world.run(10 * MINUTE_MS);
    assert.deepEqual(world.actionsSince(before), [], 'the last free one stays');
    world.demand = 1;
    world.run(5 * MINUTE_MS);
    assert.equal(
      world.engines.filter(({ specHash }) => specHash === 'spec-1').length,
      1,
      'only the busy one',
    );
    world.demand = 0;
    world.run(5 * MINUTE_MS);
    assert.ok(world.engines.every(({ specHash }) => specHash === 'spec-2'));
  });

  test('age and memory recycle an engine in the same way', () => {
    const world = settled({ rules: { maxAgeMs: 30 * MINUTE_MS } });
    const first = world.engines[0];
    world.run(35 * MINUTE_MS);
    assert.ok(first && !world.engines.includes(first));
    assert.deepEqual(world.actionsSince(6 * MINUTE_MS), [
      'create replace_age',
      'drain replace_age',
      'remove replace_age',
    ]);
    const fat = settled({ rules: { recycleMemoryBytes: 1_000 } });
    fat.engines[0]!.memoryBytes = 2_000;
    fat.run(MINUTE_MS);
    assert.deepEqual(fat.actionsSince(5 * MINUTE_MS, 'drain'), ['drain replace_memory']);
  });

  test('a restart by the operator makes the new engine first', () => {
    const world = settled();
    world.engines[0]!.isToRestart = true;
    const before = world.nowMs;
    world.run(MINUTE_MS);
    assert.deepEqual(world.actionsSince(before), [
      'create replace_restart',
      'drain replace_restart',
      'remove replace_restart',
    ]);
  });
});

describe('demand', () => {
  test('fault 37: fifty who want fifty streams get no more engines than may be', () => {
    const world = settled({ rules: { min: 1, max: 5, streamsPerEngine: 10 } });
    world.demand = 50;
    world.run(MINUTE_MS);
    assert.equal(world.engines.length, 5);
    assert.equal(world.waiting, 0);
  });

  test('fault 38: who leaves while waiting takes the demand along', () => {
    const world = settled({ rules: { min: 1, minFree: 0, streamsPerEngine: 1, createIntervalMs: 5_000 } });
    world.demand = 4;
    const before = world.nowMs;
    world.run(1_000);
    world.demand = 1;
    world.run(MINUTE_MS);
    assert.equal(world.actionsSince(before, 'create').length, 1);
  });

  test('fault 41: with every engine full and as many as may be, it stays at that', () => {
    const world = settled({ rules: { min: 1, max: 2, streamsPerEngine: 1 } });
    world.demand = 10;
    const before = world.nowMs;
    world.run(10 * MINUTE_MS);
    assert.equal(world.engines.length, 2);
    assert.equal(world.last?.block?.code, 'max_replicas');
    assert.equal(world.actionsSince(before).length, 1);
  });

  test('fault 42: an engine that was only too much is put back into use, if a stream needs it before it is gone', () => {
    const world = settled();
    world.demand = 3;
    world.run(MINUTE_MS);
    world.demand = 0;
    while (world.actionsSince(world.nowMs - 1_000, 'drain').length === 0) world.run(1_000);
    world.demand = 4;
    const before = world.nowMs;
    world.run(3_000);
    assert.equal(world.actionsSince(before)[0], 'undrain');
    assert.deepEqual(world.actionsSince(before, 'remove'), []);
  });

  test('fault 43: load that comes and goes every 10 s leaves the engines as they are', () => {
    const world = settled();
    world.demand = 4;
    world.run(2 * MINUTE_MS);
    const before = world.nowMs;
    for (let time = 0; time < 60; time++) {
      world.demand = time % 2 === 0 ? 0 : 4;
      world.run(10_000);
    }
    assert.deepEqual(world.actionsSince(before), []);
  });
});
