import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngineClient, observedEngine } from '../../test/support/fake-fleet.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { CONDEMNED_MS } from '../session/source-health.ts';
import { EngineRecord } from './engine-record.ts';
import { stateOf } from './health/engine-state.ts';
import { Suspicion } from './health/suspicion.ts';
import { DELIVERING_MS, Place } from './place.ts';

function record(clock = new ManualClock()): EngineRecord {
  const observed = observedEngine(1);
  return new EngineRecord(observed, {
    provider: 'static',
    pool: 'static',
    isCreated: false,
    vpnStateOf: () => undefined,
    startupTimeoutMs: 25_000,
    client: new FakeEngineClient(observed.address),
    clock,
    suspicion: new Suspicion(),
  });
}

test('a new engine is unknown, without streams, and was never chosen', () => {
  const { health, streams, lastChosen, lastCheckedAtMs } = record();
  assert.deepEqual([health, streams, lastChosen, lastCheckedAtMs], ['unknown', 0, 0, undefined]);
});

test('its last failure is the latest one, and a success does not hide it', () => {
  const engine = record();
  engine.count({ ok: false, reason: 'no_media', hadPlayed: false }, 2_000, true);
  engine.count({ ok: false, reason: 'engine_busy', hadPlayed: false }, 3_000, true);
  engine.count({ ok: true }, 4_000, false);
  const { successes, failures, failuresByReason, lastFailure } = engine.snapshot();
  assert.deepEqual([successes, failures], [1, 2]);
  assert.deepEqual(failuresByReason, { no_media: 1, engine_busy: 1 });
  assert.deepEqual(lastFailure, { reason: 'engine_busy', atMs: 3_000 });
});

test('a snapshot does not change with the engine', () => {
  const engine = record();
  const before = engine.snapshot();
  engine.places.add(new Place(undefined));
  engine.count({ ok: false, reason: 'no_media', hadPlayed: false }, 2_000, true);
  assert.equal(before.streams, 0);
  assert.deepEqual(before.failuresByReason, {});
});

test('it is known to have played a broadcast lately for ten minutes after the place was given back', async () => {
  const clock = new ManualClock();
  const engine = record(clock);
  const infohash = 'c'.repeat(40);
  assert.equal(engine.hasPlayedLately(infohash), false);
  engine.notePlayed(infohash);
  await clock.advance(600_000);
  assert.equal(engine.hasPlayedLately(infohash), true);
  await clock.advance(1);
  assert.equal(engine.hasPlayedLately(infohash), false);
});

test('it delivers only while media came lately: a stream that stands still is no sign of life', async () => {
  const clock = new ManualClock();
  const engine = record(clock);
  const place = new Place('c');
  engine.places.add(place);
  place.noteMedia(clock.nowMs());
  assert.equal(engine.isDelivering, false, 'bytes that nobody can watch yet are no delivery');
  place.noteDelivered(clock.nowMs());
  assert.equal(engine.isDelivering, true);
  await clock.advance(DELIVERING_MS);
  assert.deepEqual([engine.isDelivering, engine.facts.isDelivering], [true, true], 'such gaps are normal');
  await clock.advance(1);
  assert.deepEqual([engine.isDelivering, engine.facts.isDelivering], [false, false]);
  place.noteMedia(clock.nowMs());
  assert.equal(engine.isDelivering, true, 'and it goes on');
});

test('an engine whose API is silent is kept through any gap for which its stream keeps it', async () => {
  const clock = new ManualClock();
  const engine = record(clock);
  const place = new Place('c');
  engine.places.add(place);
  place.noteDelivered(clock.nowMs());
  engine.api = { kind: 'silent', missesInARow: 3, hitsInARow: 0 };
  assert.equal(DELIVERING_MS, CONDEMNED_MS);
  await clock.advance(CONDEMNED_MS);
  assert.equal(stateOf(engine.facts), 'degraded', 'it may be busy');
  await clock.advance(1);
  assert.equal(stateOf(engine.facts), 'unhealthy');
});

test('a place tells what plays on it, and whether nobody knows yet', () => {
  const engine = record();
  const place = new Place(undefined);
  engine.places.add(place);
  assert.deepEqual([engine.isStartingUnknown, engine.plays('c'), engine.streams], [true, false, 1]);
  place.infohash = 'c';
  assert.deepEqual([engine.isStartingUnknown, engine.plays('c'), engine.streams], [false, true, 1]);
});
