import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteBudget } from './byte-budget.ts';
import { ViewerPace } from './viewer-pace.ts';

test('what is exempt comes at once, and is on no account', () => {
  const budget = new ByteBudget(10_000, 0);
  const pace = new ViewerPace([budget], 50_000);
  assert.equal(pace.allowedBytes(0), 50_000);
  pace.spend(50_000, 0);
  assert.equal(budget.level(0), 10_000);
  pace.spend(10_000, 0);
  assert.equal(pace.allowedBytes(0), 0);
});

test('bytes beyond what was exempt are paid for', () => {
  const budget = new ByteBudget(10_000, 0);
  const pace = new ViewerPace([budget], 1_000);
  pace.spend(4_000, 0);
  assert.equal(budget.level(0), 7_000);
});

test('the tightest of its budgets decides', () => {
  const [own, shared] = [new ByteBudget(100_000, 0), new ByteBudget(200_000, 0)];
  const pace = new ViewerPace([own, shared], 0);
  assert.equal(pace.allowedBytes(0), 100_000);
  shared.spend(195_000, 0);
  assert.equal(pace.allowedBytes(0), 0);
  const waitMs = pace.waitMs(0);
  assert.ok(waitMs > 0);
  assert.ok(pace.allowedBytes(waitMs) > 0);
});

test('what is too little for a write is waited for, however slow the budget is', () => {
  for (const bytesPerSecond of [10_000, 1_000_000]) {
    const budget = new ByteBudget(bytesPerSecond, 0);
    const pace = new ViewerPace([budget], 0);
    budget.spend(bytesPerSecond, 0);
    const waitMs = pace.waitMs(0);
    assert.ok(waitMs <= 100, `${waitMs}`);
    assert.equal(pace.allowedBytes(waitMs / 2), 0);
    assert.ok(pace.allowedBytes(waitMs) >= 188);
  }
});
