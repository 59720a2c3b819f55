import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentRate } from './recent-rate.ts';

test('tells how much there was per second, from the first moment on', () => {
  const rate = new RecentRate(1_000);
  assert.equal(rate.perSecond(1_000), 0);
  rate.note(300, 1_500);
  assert.equal(rate.perSecond(2_000), 300);
});

test('forgets what was more than ten seconds ago', () => {
  const rate = new RecentRate(0);
  for (let ms = 0; ms < 20_000; ms += 100) rate.note(10, ms);
  assert.equal(rate.perSecond(20_000), 100);
  assert.equal(Math.round(rate.perSecond(24_000)), Math.round(500 / 9));
  assert.equal(rate.perSecond(31_000), 0);
});

test('a change shows within ten seconds', () => {
  const rate = new RecentRate(0);
  for (let ms = 0; ms < 10_000; ms += 100) rate.note(10, ms);
  for (let ms = 10_000; ms < 20_000; ms += 100) rate.note(20, ms);
  assert.equal(rate.perSecond(20_000), 200);
});
