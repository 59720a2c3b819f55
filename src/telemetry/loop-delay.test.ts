import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from '../base/clock.ts';
import { LoopDelay } from './loop-delay.ts';

/** A clock whose timers fire as late as it is told. */
function lateClock(): { readonly clock: Clock; fire(lateMs: number): void; readonly isWaiting: boolean } {
  let nowMs = 0;
  let waiting: { readonly dueMs: number; readonly fire: () => void } | undefined;
  const clock: Clock = {
    wallMs: () => nowMs,
    nowMs: () => nowMs,
    startTimer: (delayMs, fire) => {
      const timer = { dueMs: nowMs + delayMs, fire };
      waiting = timer;
      const cancel = (): void => {
        if (waiting === timer) waiting = undefined;
      };
      return { cancel };
    },
  };
  return {
    clock,
    fire: (lateMs) => {
      if (!waiting) throw new Error('no timer');
      nowMs = waiting.dueMs + lateMs;
      waiting.fire();
    },
    get isWaiting() {
      return waiting !== undefined;
    },
  };
}

test('each reader is told what was since it last asked itself, of one timer for all', () => {
  const { clock, fire } = lateClock();
  const delay = new LoopDelay(clock);
  const [first, second] = [delay.openReader(), delay.openReader()];
  delay.start();
  assert.equal(first.take(), undefined);
  for (const lateMs of [1, 1, 1, 200]) fire(lateMs);
  const seen = first.take();
  assert.ok(seen && Math.abs(seen.maxMs - 200) < 4, `${seen?.maxMs}`);
  assert.ok(Math.abs(seen.p50Ms - 1) < 0.1, `${seen.p50Ms}`);
  fire(10);
  assert.ok(Math.abs((first.take()?.maxMs ?? 0) - 10) < 0.2);
  assert.ok(Math.abs((second.take()?.maxMs ?? 0) - 200) < 4);
});

test('99 of 100 were no later than its p99', () => {
  const { clock, fire } = lateClock();
  const delay = new LoopDelay(clock);
  const reader = delay.openReader();
  delay.start();
  for (let number = 0; number < 200; number++) fire(number < 197 ? 2 : 80);
  const seen = reader.take();
  assert.ok(seen && Math.abs(seen.p99Ms - 80) < 2 && Math.abs(seen.p50Ms - 2) < 0.1);
});

test('nothing is measured before it starts, nor when it has stopped', () => {
  const late = lateClock();
  const delay = new LoopDelay(late.clock);
  const reader = delay.openReader();
  assert.ok(!late.isWaiting);
  delay.start();
  late.fire(5);
  delay.stop();
  assert.ok(!late.isWaiting);
  assert.notEqual(reader.take(), undefined);
  assert.equal(reader.take(), undefined);
});

test('a timer that is early, or an hour late, is taken as it can be', () => {
  const { clock, fire } = lateClock();
  const delay = new LoopDelay(clock);
  const reader = delay.openReader();
  delay.start();
  fire(-1);
  assert.ok((reader.take()?.maxMs ?? 1) < 0.01);
  fire(10 * 3_600_000);
  assert.ok((reader.take()?.maxMs ?? 0) > 3_500_000);
});

test('a loop that is really held is told of', async () => {
  const delay = new LoopDelay(systemClock);
  const reader = delay.openReader();
  delay.start();
  const endMs = performance.now() + 120;
  while (performance.now() < endMs);
  await new Promise((resolve) => setTimeout(resolve, 1));
  delay.stop();
  const heldMs = reader.take()?.maxMs ?? 0;
  assert.ok(heldMs > 60, `${heldMs}`);
});
