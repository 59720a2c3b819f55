import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildLimits, type LimitParts } from './app-admission.ts';
import { ManualClock } from './base/manual-clock.ts';
import { defaultConfig } from './config/config.ts';
import { EventBus } from './telemetry/events/event-bus.ts';
import { silentLog } from './telemetry/log.ts';
import type { LoopDelayFigures } from './telemetry/loop-delay.ts';

const MIB = 1024 * 1024;

/** What is found to be too much within five seconds, where all is calm but this. */
async function causesWith(changes: Partial<LimitParts>, sentBytes = 0): Promise<readonly string[]> {
  const clock = new ManualClock();
  const base = defaultConfig();
  const live = { current: { ...base, limits: { ...base.limits, egressBytesPerSecond: 1_000_000 } } };
  const limits = buildLimits(live, {
    events: new EventBus({ bounds: { countMax: 100, bytesMax: MIB }, clock, log: silentLog() }),
    infohashOf: () => undefined,
    bufferBytes: () => 0,
    bufferBytesMax: 100 * MIB,
    openFilesMax: 1_000_000,
    keyIsAccepted: () => true,
    loopDelay: lateBy(1),
    clock,
    ...changes,
  });
  limits.start();
  // A look reads the number of open files, which takes real time: what is sent meanwhile would be of the second before.
  const looked = async (): Promise<void> => {
    while (clock.pendingTimers === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  for (let second = 0; second < 5; second++) {
    await looked();
    limits.egress.bytesStreamed(sentBytes);
    await clock.advance(1_000);
  }
  await looked();
  const { overloadCauses: causes } = limits;
  await limits.stop();
  return causes;
}

function lateBy(ms: number): LimitParts['loopDelay'] {
  const figures: LoopDelayFigures = { p50Ms: ms, p99Ms: ms, maxMs: ms };
  return { openReader: () => ({ take: () => figures }) };
}

test('each thing that may be too much is measured, and refuses whoever comes', async () => {
  assert.deepEqual(await causesWith({}), []);
  assert.deepEqual(await causesWith({ loopDelay: lateBy(51) }), ['event_loop']);
  assert.deepEqual(await causesWith({ bufferBytes: () => 101 * MIB }), ['buffer_memory']);
  assert.deepEqual(await causesWith({}, 1_100_000), ['egress']);
});

test('files that are open are counted against how many may be', {
  skip: process.platform !== 'linux' && 'only Linux tells how many are open',
}, async () => {
  assert.deepEqual(await causesWith({ openFilesMax: 2 }), ['open_files']);
});
