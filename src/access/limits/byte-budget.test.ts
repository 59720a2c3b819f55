import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteBudget } from './byte-budget.ts';

test('what was spent comes back at the rate, up to what one second brings', () => {
  const budget = new ByteBudget(1_000, 0);
  assert.equal(budget.level(0), 1_000);
  budget.spend(1_000, 0);
  assert.equal(budget.level(250), 250);
  assert.equal(budget.level(5_000), 1_000);
});

test('it may be overdrawn once: then it is waited for', () => {
  const budget = new ByteBudget(1_000, 0);
  budget.spend(4_000, 0);
  assert.equal(budget.level(0), -3_000);
  assert.equal(budget.waitMs(0, 0), 3_000);
  assert.equal(budget.waitMs(500, 1_000), 2_500);
  assert.equal(budget.waitMs(0, 3_000), 0);
});

test('what is granted on top stays until it is spent', () => {
  const budget = new ByteBudget(1_000, 0);
  budget.grant(4_000, 0);
  assert.equal(budget.level(10_000), 5_000);
  budget.spend(5_000, 10_000);
  assert.equal(budget.level(10_500), 500);
});

test('another rate counts from then on', () => {
  const budget = new ByteBudget(1_000, 0);
  budget.spend(1_000, 0);
  budget.setRate(2_000, 500);
  assert.equal(budget.level(500), 500);
  assert.equal(budget.level(1_000), 1_500);
});

test('over any time no more is spent than the rate and one second on top', () => {
  const spending = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 2_000 }), bytes: fc.nat(5_000) }));
  fc.assert(
    fc.property(spending, (asked) => {
      const budget = new ByteBudget(1_000, 0);
      let nowMs = 0;
      let spent = 0;
      for (const { afterMs, bytes } of asked) {
        nowMs += afterMs;
        const allowed = Math.min(bytes, Math.max(0, budget.level(nowMs)));
        budget.spend(allowed, nowMs);
        spent += allowed;
        assert.ok(spent <= 1_000 + nowMs + 1e-6);
      }
    }),
  );
});
