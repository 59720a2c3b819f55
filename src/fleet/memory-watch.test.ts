import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetOfPool } from '../../test/support/fleet-of-pool.ts';
import { silentLog } from '../telemetry/log.ts';
import { MemoryWatch } from './memory-watch.ts';

test('an engine that takes too much memory is measured, and replaced by another one', async (t) => {
  const { clock, fleet, pool, reconciler } = await fleetOfPool(t, { rules: { recycleMemoryBytes: 1_000 } });
  const watch = new MemoryWatch({
    registry: fleet.registry,
    onMeasured: () => reconciler.wake(),
    clock,
    log: silentLog(),
  });
  t.after(() => watch.stop());
  watch.start();
  await clock.advance(5_000);
  pool.memoryBytes = 2_000;
  await clock.advance(31_000);
  pool.memoryBytes = 100;
  await clock.advance(20_000);
  assert.deepEqual(pool.removed, ['engine-1']);
  pool.statsFailure = new Error('no answer');
  await clock.advance(120_000);
  assert.deepEqual(pool.removed, ['engine-1'], 'what is not known is no reason');
  assert.equal(fleet.readiness().healthy, 1);
  await watch.stop();
  await watch.stop();
});
