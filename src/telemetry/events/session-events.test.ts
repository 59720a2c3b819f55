import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordEvents } from '../../../test/support/event-recorder.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import type { ObservedStream } from '../../session/ports.ts';
import { SessionEvents } from './session-events.ts';

const SPLICE = {
  kind: 'same-broadcast',
  reason: undefined,
  offset90: 0,
  overlapMs: 1_500,
  gapMs: 0,
  lagMs: -250,
  waitedMs: 10,
} as const;
const CLIENT = { id: 'c', address: '10.0.0.9' };

const streamOf = (change: Partial<ObservedStream> = {}): ObservedStream => ({
  id: 's',
  keyType: 'content_id',
  isLive: true,
  ...change,
});

function rig() {
  const clock = new ManualClock();
  const record = recordEvents(clock);
  const sessions = new SessionEvents(record.bus, clock);
  record.bus.subscribe((event) => sessions.hear(event));
  return { ...record, clock, sessions };
}

test('a stream whose engine is lost goes on because of that, and each event says what brought it about', () => {
  const { sessions, lines } = rig();
  const stream = streamOf();
  sessions.sessionStarted(stream);
  sessions.sessionPlaying(stream, 1.5, 'e1');
  sessions.attemptFailed('source_ended', stream, 'e1', true);
  sessions.attemptFailed('no_media', stream, 'e2', false);
  sessions.sourceSpliced(SPLICE, stream, 'e3');
  sessions.sourceSpliced({ ...SPLICE, kind: 'new-timeline', gapMs: undefined }, stream, 'e3');
  sessions.sessionLingering(stream);
  sessions.sessionResumed(stream);
  sessions.sessionEnded('idle', 60, stream);
  assert.deepEqual(lines(), [
    's stream.begun content_id true',
    's e1 stream.started 1.5',
    's e1 stream.source_over source_ended',
    's e2 stream.attempt_failed no_media because of stream.source_over',
    's e3 stream.spliced same-broadcast e1 1.5 0 -0.25 because of stream.source_over',
    's e3 stream.spliced new-timeline e3 1.5 -0.25',
    's stream.lingering',
    's stream.resumed',
    's stream.ended idle 60',
  ]);
});

test('what happens to an engine is the cause of its streams’ leaving it, as long as it lasts', () => {
  const { bus, sessions, lines } = rig();
  const stream = streamOf();
  sessions.sessionPlaying(stream, 1, 'e1');
  bus.emit('engine.draining', { streams: 1, why: 'operator' }, { engine: 'e1' });
  sessions.sourceDoubted('engine_leaving', stream, 'e1');
  sessions.sourceSpliced(SPLICE, stream, 'e2');
  bus.emit('health.failed', { from: 'healthy' }, { engine: 'e2' });
  sessions.attemptFailed('source_failed', stream, 'e2', true);
  sessions.sourceSpliced(SPLICE, stream, 'e1');
  bus.emit('engine.appeared', { name: 'e1', provider: 'static', is_back: true }, { engine: 'e1' });
  sessions.attemptFailed('source_failed', stream, 'e1', true);
  assert.deepEqual(
    lines().filter((line) => /^s e. stream\.source_/.test(line)),
    [
      's e1 stream.source_suspected engine_leaving because of engine.draining',
      's e2 stream.source_over source_failed because of health.failed',
      's e1 stream.source_over source_failed',
    ],
  );
  assert.ok(lines()[3]?.endsWith('because of stream.source_suspected'));
});

test('an engine of which one hears late that it has gone is named as the cause, of what followed and of what is to come', async () => {
  const { bus, clock, heard, lines, sessions } = rig();
  const [one, other, elsewhere] = [streamOf(), streamOf({ id: 't' }), streamOf({ id: 'u' })];
  for (const stream of [one, other]) sessions.sessionPlaying(stream, 1, 'e1');
  sessions.sessionPlaying(elsewhere, 1, 'e2');
  for (const stream of [one, other]) sessions.attemptFailed('source_failed', stream, 'e1', true);
  sessions.attemptFailed('source_failed', elsewhere, 'e2', true);
  sessions.sourceSpliced(SPLICE, one, 'e3');
  await clock.advance(1_000);
  bus.emit('engine.gone', { streams: 1 }, { engine: 'e1' });
  sessions.sourceSpliced(SPLICE, other, 'e3');
  const told = lines().filter((line) => /explained|spliced/.test(line));
  const overOf = (id: string) =>
    heard.find(({ type, session }) => type === 'stream.source_over' && session === id)?.id;
  assert.deepEqual(told, [
    's e3 stream.spliced same-broadcast e1 1.5 0 -0.25 because of stream.source_over',
    `s e1 stream.source_explained ${overOf('s')} because of engine.gone`,
    `t e1 stream.source_explained ${overOf('t')} because of engine.gone`,
    't e3 stream.spliced same-broadcast e1 1.5 0 -0.25 because of stream.source_explained',
  ]);
});

test('an engine that goes long after a stream has left it, or again, or as was known before, explains nothing', async () => {
  const { bus, clock, lines, sessions } = rig();
  const stream = streamOf();
  const gone = (): number => bus.emit('engine.gone', { streams: 0 }, { engine: 'e1' });
  const back = { name: 'e1', provider: 'static', is_back: true };
  sessions.sessionPlaying(stream, 1, 'e1');
  sessions.attemptFailed('source_failed', stream, 'e1', true);
  await clock.advance(30_001);
  gone();
  bus.emit('engine.appeared', back, { engine: 'e1' });
  sessions.attemptFailed('source_failed', stream, 'e1', true);
  gone();
  gone();
  sessions.sourceSpliced(SPLICE, stream, 'e1');
  sessions.attemptFailed('source_failed', stream, 'e1', true);
  gone();
  assert.equal(lines().filter((line) => line.includes('stream.source_explained ')).length, 1);
});

test('a doubt that is over is the cause of nothing that comes later', () => {
  const { sessions, lines } = rig();
  const stream = streamOf();
  sessions.sessionPlaying(stream, 1, 'e1');
  sessions.sourceDoubted('source_silent', stream, 'e1');
  sessions.sourceTrusted(stream, 'e1');
  sessions.attemptFailed('source_ended', stream, 'e1', true);
  assert.deepEqual(lines().slice(2), [
    's e1 stream.source_recovered because of stream.source_suspected',
    's e1 stream.source_over source_ended',
  ]);
});

test('a start that fails says why, and which engines were asked; one that nobody wants any more did not fail', () => {
  const { sessions, lines } = rig();
  const failed = streamOf();
  sessions.sessionStarted(failed);
  sessions.attemptFailed('no_media', failed, 'e1', false);
  sessions.attemptFailed('zero_peers', failed, 'e2', false);
  sessions.sessionEnded('zero_peers', 42, failed);
  const left = streamOf({ id: 'left' });
  sessions.sessionEnded('abandoned', 5, left);
  const recording = streamOf({ id: 'file', isLive: false });
  sessions.sessionEnded('engine_timeout', 5, recording);
  assert.deepEqual(lines().slice(3), [
    's stream.failed zero_peers e1 e2 42',
    's stream.ended zero_peers 42 because of stream.failed',
    'left stream.ended abandoned 5',
    'file stream.ended engine_timeout 5',
  ]);
});

test('a retry budget that is spent ends the stream, and that its viewers', () => {
  const { sessions, lines, heard } = rig();
  const stream = streamOf();
  sessions.sessionPlaying(stream, 1, 'e1');
  sessions.clientJoined(stream, CLIENT);
  sessions.attemptFailed('source_ended', stream, 'e1', true);
  sessions.attemptFailed('no_media', stream, 'e2', false);
  sessions.sessionEnded('retry_budget_spent', 200, stream);
  sessions.clientLeft('retry_budget_spent', stream, CLIENT);
  assert.deepEqual(lines().slice(1), [
    's client.joined 10.0.0.9',
    's e1 stream.source_over source_ended',
    's e2 stream.attempt_failed no_media because of stream.source_over',
    's stream.retry_budget_spent no_media because of stream.source_over',
    's stream.ended retry_budget_spent 200 because of stream.retry_budget_spent',
    's client.left retry_budget_spent because of stream.ended',
  ]);
  assert.deepEqual(
    heard.filter(({ client }) => client === 'c').map(({ type }) => type),
    ['client.joined', 'client.left'],
  );
});

test('a viewer that is too slow is skipped, and then evicted because of that', () => {
  const { sessions, lines } = rig();
  const stream = streamOf();
  sessions.clientSkipped(stream, CLIENT);
  sessions.clientLeft('client_too_slow', stream, CLIENT);
  sessions.clientLeft('client_left', stream, { id: 'd', address: '10.0.0.8' });
  assert.deepEqual(lines(), [
    's client.skipped',
    's client.evicted client_too_slow because of client.skipped',
    's client.left client_left',
  ]);
});

test('a hedge, a switch to the second engine, and warnings are told', () => {
  const { sessions, lines } = rig();
  const stream = streamOf();
  sessions.hedgeBegun(stream, 'e2', 'e1');
  sessions.hedgeWon(stream, 'e2');
  sessions.sessionPlaying(stream, 3, 'e2');
  sessions.standbySwitched('damaged', stream, 'e1');
  sessions.sessionWarned('no_keyframe', stream);
  sessions.sessionWarned('timeshift_disk_full', stream);
  assert.deepEqual(lines(), [
    's e2 stream.hedged e1',
    's e2 stream.hedge_won because of stream.hedged',
    's e2 stream.started 3',
    's e1 stream.standby_switched damaged e2',
    's stream.warning no_keyframe',
    's timeshift.warning timeshift_disk_full',
  ]);
});
