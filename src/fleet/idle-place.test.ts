/** Places for starts that are slow, and have one elsewhere already (HEDGE_AFTER). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { observedEngine, placeFor } from '../../test/support/fake-fleet.ts';
import { failProbes, fleetRig, limits, never } from '../../test/support/fleet-rig.ts';

const STAYS = (): boolean => false;
const TWO = [observedEngine(1), observedEngine(2)];
const ONE_STREAM = { maxStreamsPerEngine: 1 };

describe('an idle place', () => {
  test('is on an engine that plays nothing; without one there is none, and nobody waits or gives way', async (t) => {
    let asked = 0;
    const giveWay = (): boolean => ++asked > 0;
    const { fleet, reserve } = await fleetRig(t, { engines: TWO, giveWay });
    const first = await reserve();
    const idle = fleet.reserveIdle(placeFor(8), STAYS);
    assert.notEqual(idle?.engine.id, first.engine.id);
    assert.equal(fleet.reserveIdle(placeFor(9), STAYS), undefined, 'although there is room on both');
    assert.deepEqual([fleet.waitingCount, fleet.isCrowded, asked], [0, false, 0]);
    idle?.release();
    assert.equal(fleet.reserveIdle(placeFor(9), STAYS)?.engine.id, idle?.engine.id);
  });

  test('is not on an engine that was tried, is unhealthy or is draining, nor there when the fleet stops', async (t) => {
    const { fleet, clients, clock } = await fleetRig(t);
    const [engine] = fleet.snapshot();
    assert.ok(engine && clients[0]);
    assert.equal(fleet.reserveIdle(placeFor(1, { exclude: new Set([engine.id]) }), STAYS), undefined);
    failProbes(clients[0]);
    await clock.advance(limits.checkIntervalMs);
    assert.equal(fleet.snapshot()[0]?.health, 'unhealthy');
    assert.equal(fleet.reserveIdle(placeFor(1), STAYS), undefined);

    const other = await fleetRig(t);
    other.fleet.drain(engine.id);
    assert.equal(other.fleet.reserveIdle(placeFor(1), STAYS), undefined);

    const third = await fleetRig(t);
    await third.fleet.stop();
    assert.equal(third.fleet.reserveIdle(placeFor(1), STAYS), undefined);
  });

  test('invariant 1: is none for a broadcast that another start has a place for, too', async (t) => {
    const { fleet } = await fleetRig(t, { engines: TWO });
    const own = await fleet.reserve(placeFor(1), never);
    const [, idle] = fleet.snapshot().toSorted((one, other) => other.streams - one.streams);
    assert.ok(idle);
    const elsewhere = { exclude: new Set([idle.id]) };
    const unknown = await fleet.reserve({ ...placeFor(2, elsewhere), infohash: undefined }, never);
    assert.equal(unknown.engine.id, own.engine.id);
    unknown.identify(placeFor(1).infohash ?? '');
    assert.equal(fleet.reserveIdle(placeFor(1), STAYS), undefined);
    unknown.release();
    assert.equal(fleet.reserveIdle(placeFor(1), STAYS)?.engine.id, idle.id);
  });

  test('is given back for a start that waits, before anything that is watched no more', async (t) => {
    let lingering = 0;
    const giveWay = (): boolean => ++lingering > 0;
    const { fleet, reserve } = await fleetRig(t, { engines: TWO, limits: ONE_STREAM, giveWay });
    await reserve();
    let asked = 0;
    const idle = fleet.reserveIdle(placeFor(8), () => ++asked > 0);
    const waiting = reserve();
    assert.deepEqual([asked, lingering, fleet.waitingCount, fleet.isCrowded], [1, 0, 1, false]);
    idle?.release();
    assert.equal((await waiting).engine.id, idle?.engine.id);
    assert.equal(lingering, 0);
  });

  test('that has become more than that is kept, and others give way; so they do for whom its place does not do', async (t) => {
    for (const isKept of [true, false]) {
      let lingering = 0;
      const giveWay = (): boolean => ++lingering > 0;
      const { fleet, reserve } = await fleetRig(t, { engines: TWO, limits: ONE_STREAM, giveWay });
      await reserve();
      const idle = fleet.reserveIdle(placeFor(8), () => !isKept);
      assert.ok(idle);
      const waiting = reserve(isKept ? new Set() : new Set([idle.engine.id]));
      assert.deepEqual([lingering, fleet.isCrowded], [1, true]);
      await Promise.all([assert.rejects(waiting, { code: 'draining' }), fleet.stop()]);
    }
  });
});
