import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngineClient, observedEngine } from '../../test/support/fake-fleet.ts';
import { EngineRecord } from './engine-record.ts';

function record(): EngineRecord {
  const observed = observedEngine(1);
  return new EngineRecord(observed, 'static', new FakeEngineClient(observed.address), 1_000);
}

test('a new engine is unknown, without streams, and was never chosen', () => {
  const { health, streams, lastChosen, lastCheckedAtMs } = record();
  assert.deepEqual([health, streams, lastChosen, lastCheckedAtMs], ['unknown', 0, 0, undefined]);
});

test('its last failure is the latest one, and a success does not hide it', () => {
  const engine = record();
  engine.count({ ok: false, reason: 'no_media' }, 2_000);
  engine.count({ ok: false, reason: 'engine_busy' }, 3_000);
  engine.count({ ok: true }, 4_000);
  const { successes, failures, failuresByReason, lastFailure } = engine.snapshot();
  assert.deepEqual([successes, failures], [1, 2]);
  assert.deepEqual(failuresByReason, { no_media: 1, engine_busy: 1 });
  assert.deepEqual(lastFailure, { reason: 'engine_busy', atMs: 3_000 });
});

test('a snapshot does not change with the engine', () => {
  const engine = record();
  const before = engine.snapshot();
  engine.streams = 5;
  engine.count({ ok: false, reason: 'no_media' }, 2_000);
  assert.equal(before.streams, 0);
  assert.deepEqual(before.failuresByReason, {});
});
