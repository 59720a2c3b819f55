import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { EgressMeter } from './egress-meter.ts';

test('what was sent is told as a rate, from one look to the next', async () => {
  const clock = new ManualClock();
  const meter = new EgressMeter(clock);
  meter.bytesStreamed(1_000);
  meter.bytesStreamed(3_000);
  await clock.advance(2_000);
  assert.equal(meter.take(), 2_000);
  await clock.advance(1_000);
  assert.equal(meter.take(), 0);
});
