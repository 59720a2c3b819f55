/** Places that are kept in reserve (STANDBY). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observedEngine, placeFor } from '../../test/support/fake-fleet.ts';
import { fleetRig } from '../../test/support/fleet-rig.ts';

const TWO = [observedEngine(1), observedEngine(2)];

test('a place in reserve is there at once or not at all: nobody waits for it, and nobody gives way', async (t) => {
  let asked = 0;
  const rig = await fleetRig(t, {
    engines: TWO,
    limits: { maxStreamsPerEngine: 1 },
    giveWay: () => ++asked > 0,
  });
  const first = await rig.reserve();
  const spare = rig.fleet.tryReserve(placeFor(9, { exclude: new Set([first.engine.id]) }));
  assert.ok(spare && spare.engine.id !== first.engine.id);
  assert.equal(rig.fleet.tryReserve(placeFor(8)), undefined);
  assert.deepEqual([rig.fleet.waitingCount, rig.fleet.isCrowded, asked], [0, false, 0]);
  spare.release();
  first.release();
});

test('no place is kept in reserve while a start waits for one, nor when the fleet stops', async (t) => {
  const rig = await fleetRig(t, { engines: TWO, limits: { maxStreamsPerEngine: 1 } });
  const [one, two] = [await rig.reserve(), await rig.reserve()];
  const waiting = rig.reserve(new Set([two.engine.id]));
  two.release();
  assert.equal(rig.fleet.waitingCount, 1, 'it has tried that engine');
  assert.equal(rig.fleet.tryReserve(placeFor(9)), undefined);
  one.release();
  const third = await waiting;
  assert.ok(rig.fleet.tryReserve(placeFor(9)));
  third.release();
  await rig.fleet.stop();
  assert.equal(rig.fleet.tryReserve(placeFor(10)), undefined);
});
