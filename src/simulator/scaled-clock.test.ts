import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { ScaledClock } from './scaled-clock.ts';

test('time and timers run so many times as fast, from where the other clock stood', async () => {
  const inner = new ManualClock();
  await inner.advance(5_000);
  const clock = new ScaledClock(inner, 10);
  const startWallMs = inner.wallMs();
  assert.deepEqual([clock.nowMs(), clock.wallMs()], [5_000, startWallMs]);
  let firedMs: number | undefined;
  clock.startTimer(1_000, () => {
    firedMs = clock.nowMs();
  });
  await inner.advance(99);
  assert.equal(firedMs, undefined);
  await inner.advance(1);
  assert.equal(firedMs, 6_000);
  assert.equal(clock.wallMs(), startWallMs + 1_000);
});
