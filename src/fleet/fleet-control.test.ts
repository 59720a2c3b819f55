import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { placeFor } from '../../test/support/fake-fleet.ts';
import { fleetOfPool } from '../../test/support/fleet-of-pool.ts';
import { never } from '../../test/support/fleet-rig.ts';

const MINUTE_MS = 60_000;

describe('what the operator may do with the fleet', () => {
  test('scale it: at least so many from now on, and fewer again', async (t) => {
    const { clock, fleet, control } = await fleetOfPool(t, { rules: { max: 4 } });
    assert.equal(control.scale(3), 3);
    await clock.advance(10_000);
    assert.equal(fleet.readiness().healthy, 3);
    assert.equal(control.scale(99), 4, 'MAX_REPLICAS bounds it');
    control.scale(0);
    await clock.advance(5 * MINUTE_MS);
    assert.equal(fleet.readiness().healthy, 1, 'MIN_FREE_REPLICAS');
  });

  test('have one engine more', async (t) => {
    const { clock, fleet, control } = await fleetOfPool(t, { rules: { max: 2 } });
    await clock.advance(5_000);
    control.provision();
    await clock.advance(5_000);
    assert.equal(fleet.readiness().healthy, 2);
    assert.throws(() => control.provision(), { code: 'max_replicas' });
  });

  test('drain an engine, and put it back', async (t) => {
    const { clock, fleet, control, pool } = await fleetOfPool(t, { rules: { min: 2, minFree: 0 } });
    await clock.advance(5_000);
    assert.equal(control.drain('engine-1').state, 'draining');
    assert.equal((await fleet.reserve(placeFor(1), never)).engine.id, 'engine-2');
    await clock.advance(10 * MINUTE_MS);
    assert.deepEqual(pool.removed, [], 'it is kept');
    assert.equal(control.undrain('engine-1').state, 'healthy');
    assert.throws(() => control.drain('engine-9'), { code: 'engine_unknown' });
    assert.throws(() => control.undrain('engine-9'), { code: 'engine_unknown' });
  });

  test('restart an engine: a new one is ready before it goes', async (t) => {
    const { clock, fleet, control, pool } = await fleetOfPool(t);
    await clock.advance(5_000);
    control.restart('engine-1');
    let fewest = 9;
    for (let second = 0; second < 30; second++) {
      await clock.advance(1_000);
      fewest = Math.min(fewest, fleet.readiness().healthy);
    }
    assert.deepEqual(pool.removed, ['engine-1']);
    assert.equal(fewest, 1);
  });

  test('remove an engine when its last stream has left, or at once', async (t) => {
    const { clock, fleet, control, pool, kinds } = await fleetOfPool(t, { rules: { min: 2, minFree: 0 } });
    await clock.advance(5_000);
    const slot = await fleet.reserve(placeFor(1), never);
    const { id } = slot.engine;
    assert.equal(await control.remove(id, false, never), 'draining');
    await clock.advance(MINUTE_MS);
    assert.deepEqual(pool.removed, []);
    slot.release();
    assert.equal(kinds().includes('drained'), true);
    await clock.advance(1_000);
    assert.deepEqual(pool.removed, [id]);
    const busy = await fleet.reserve(placeFor(2), never);
    assert.equal(await control.remove(busy.engine.id, true, never), 'removed');
    assert.ok(busy.leaving.aborted, 'what plays there goes on elsewhere');
    busy.release();
    await assert.rejects(control.remove('engine-99', true, never), { code: 'engine_unknown' });
  });

  test('have what does not exist forgotten', async (t) => {
    const { clock, fleet, control, pool } = await fleetOfPool(t, { rules: { min: 2 } });
    await clock.advance(5_000);
    pool.engines = [];
    await control.gc();
    assert.equal(fleet.snapshot().length, 0);
  });

  test('ask whether a stream could begin, and why not', async (t) => {
    const { clock, fleet, control, pool } = await fleetOfPool(t, { rules: { max: 1, streamsPerEngine: 1 } });
    assert.equal(control.status().canPlay, false);
    await clock.advance(50);
    assert.equal(control.status().isComing, true);
    await clock.advance(5_000);
    const { canPlay, engines, block, wanted, max } = control.status();
    assert.deepEqual([canPlay, engines.usable, engines.free, wanted, max], [true, 1, 1, 1, 1]);
    assert.equal(block?.code, 'max_replicas');
    await fleet.reserve(placeFor(1), never);
    assert.equal(control.status().canPlay, false);
    pool.listFailure = new Error('no answer');
    await control.gc();
    assert.deepEqual([...control.status().away], [['pool', 'no answer']]);
  });

  test('ask why an engine would be chosen', async (t) => {
    const { clock, control } = await fleetOfPool(t, { rules: { min: 2 } });
    await clock.advance(5_000);
    const [first, second] = control.explain();
    assert.deepEqual([first?.isChosen, second?.isChosen], [true, false]);
    assert.equal(control.explain({ exclude: new Set(['engine-1']) })[0]?.obstacle, 'excluded');
  });
});
