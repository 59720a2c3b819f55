import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordEvents } from '../../../test/support/event-recorder.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { RefusalEvents } from './refusal-events.ts';

test('a flood of refusals is one event a minute for each reason, and none of them is lost', async () => {
  const clock = new ManualClock();
  const { bus, lines } = recordEvents(clock);
  const refusals = new RefusalEvents(bus, clock);
  for (let index = 0; index < 1_000; index++) refusals.requestRefused('no_capacity');
  refusals.requestRefused('key_wrong');
  assert.deepEqual(lines(), ['request.refused no_capacity 1', 'request.refused key_wrong 1']);
  await clock.advance(60_000);
  refusals.requestRefused('no_capacity');
  refusals.requestRefused('key_wrong');
  assert.deepEqual(lines().slice(2), ['request.refused no_capacity 1000', 'request.refused key_wrong 1']);
  assert.equal(clock.pendingTimers, 0);
});
