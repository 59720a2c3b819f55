import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FleetWorld, settled } from '../../../test/support/fleet-world.ts';
import { plan } from './plan.ts';

const MINUTE_MS = 60_000;

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

  test('none is taken out of use while somebody waits for an engine', () => {
    // As many as may be: nothing else is to be done.
    const world = settled({ rules: { min: 4, max: 5 } });
    world.engines[0]!.isToRestart = true;
    while (world.engines.length < 5) world.run(1_000);
    const view = world.view();
    const engines = view.engines.map((engine) => ({ ...engine, condition: 'ready' as const }));
    const drainsWith = (waiting: number): number =>
      plan({ ...view, engines, waiting }, world.memory, world.rules).actions.filter(
        ({ kind }) => kind === 'drain',
      ).length;
    assert.equal(drainsWith(0), 1);
    assert.equal(drainsWith(1), 0);
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
