import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import type { OverloadReadings } from './judge-overload.ts';
import { OverloadWatch } from './overload-watch.ts';

const CALM: OverloadReadings = {
  loopDelayMs: 1,
  openFiles: 10,
  bufferBytes: 0,
  egressBytesPerSecond: 0,
};

function build() {
  const clock = new ManualClock();
  const told: string[] = [];
  const seen = { readings: CALM };
  const watch = new OverloadWatch({
    bounds: { loopDelayMs: 50, openFiles: 100, bufferBytes: 1_000, egressBytesPerSecond: undefined },
    read: async () => seen.readings,
    onChange: (cause, isOn) => void told.push(`${cause} ${isOn ? 'on' : 'off'}`),
    clock,
  });
  const seconds = async (count: number): Promise<void> => {
    for (let second = 0; second < count; second++) {
      await clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { clock, told, seen, watch, seconds };
}

test('what is too much refuses those who come, says so once, and once when it is over', async () => {
  const { seconds, seen, told, watch } = build();
  watch.start();
  await seconds(1);
  const before = watch.refusal;
  assert.equal(before, undefined);
  seen.readings = { ...CALM, openFiles: 95 };
  await seconds(3);
  assert.deepEqual(told, ['open_files on']);
  assert.deepEqual(watch.causes, ['open_files']);
  assert.equal(watch.refusal?.code, 'overloaded');
  assert.match(watch.refusal?.message ?? '', /ulimit/);
  seen.readings = CALM;
  await seconds(2);
  assert.deepEqual(told, ['open_files on', 'open_files off']);
  assert.equal(watch.refusal, undefined);
  await watch.stop();
});

test('stopped while it reads, it tells nothing of that', async () => {
  const clock = new ManualClock();
  const told: string[] = [];
  const reading = Promise.withResolvers<OverloadReadings>();
  const watch = new OverloadWatch({
    bounds: { loopDelayMs: 50, openFiles: 100, bufferBytes: 1_000, egressBytesPerSecond: undefined },
    read: () => reading.promise,
    onChange: (cause) => void told.push(cause),
    clock,
  });
  watch.start();
  await clock.advance(1_000);
  const stopped = watch.stop();
  reading.resolve({ ...CALM, openFiles: 99 });
  await stopped;
  assert.deepEqual([told, clock.pendingTimers], [[], 0]);
});

test('stopped, it looks no more', async () => {
  const { clock, seconds, seen, told, watch } = build();
  watch.start();
  await seconds(1);
  await watch.stop();
  seen.readings = { ...CALM, openFiles: 99 };
  await seconds(2);
  assert.deepEqual(told, []);
  assert.equal(clock.pendingTimers, 0);
});
