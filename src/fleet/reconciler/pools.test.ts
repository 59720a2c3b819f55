import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeProvider } from '../../../test/support/fake-fleet.ts';
import { FakePool } from '../../../test/support/fleet-of-pool.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { poolsOf } from './pools.ts';

const clock = new ManualClock();
const defaults = { min: 1, max: 4 };

function boundsOf(providers: Parameters<typeof poolsOf>[0]): unknown {
  const { pools, min, max } = poolsOf(providers, defaults);
  return [pools.map((pool) => [pool.min, pool.max]), min, max];
}

test('providers that make no engines are no pools', () => {
  assert.deepEqual(boundsOf([new FakeProvider([])]), [[], 1, 4]);
});

test('a pool has its own bounds, or those of all', () => {
  const own = new FakePool(clock, { bounds: { min: 1, max: 2 } });
  assert.deepEqual(boundsOf([own, new FakePool(clock)]), [
    [
      [1, 2],
      [0, 4],
    ],
    1,
    4,
  ]);
});

test('what pools must have at least is had beyond MAX_REPLICAS, too', () => {
  const demo = new FakePool(clock, { bounds: { min: 20, max: 20 } });
  assert.deepEqual(boundsOf([demo]), [[[20, 20]], 1, 20]);
});
