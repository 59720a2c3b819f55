import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FakeEngineSource,
  INFOHASH,
  playback as opened,
  RecordingObserver,
} from '../../../test/support/fake-engines.ts';
import { FileEngine } from '../../../test/support/fake-files.ts';
import { refusal } from '../../../test/support/recordings-house.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { silentLog } from '../../telemetry/log.ts';
import { FilePlayback } from './file-playback.ts';

async function playbackOn(engine: FileEngine) {
  const clock = new ManualClock();
  const wish = {
    exclude: new Set<string>(),
    infohash: undefined,
    preferredEngine: undefined,
    lastEngine: undefined,
  };
  const slot = await new FakeEngineSource(engine).reserve(wish, new AbortController().signal);
  const selector = { kind: 'id', hash: 'a'.repeat(40), parameters: { _idx: '1' } } as const;
  const observer = new RecordingObserver();
  return {
    clock,
    observer,
    playback: new FilePlayback({ slot, selector, observer, clock, log: silentLog() }),
  };
}

const { signal } = new AbortController();

test('invariant 5: what was started is stopped once, before its place is given back', async () => {
  const engine = new FileEngine('one');
  const { clock, observer, playback } = await playbackOn(engine);
  await playback.open();
  assert.deepEqual(engine.playing, [INFOHASH], 'the engine told which broadcast it is');
  await playback.read(undefined, signal);
  const stopping = Promise.withResolvers<void>();
  engine.stopping = stopping.promise;
  const ends = [playback.end('idle'), playback.end('shutdown')];
  await clock.advance(0);
  assert.equal(engine.slotsTaken, 1);
  stopping.resolve();
  await Promise.all(ends);
  assert.deepEqual([engine.stops, engine.slotsTaken, engine.replies[0]?.isDestroyed], [1, 0, true]);
  assert.deepEqual(observer.events, ['session started', 'session ended: idle']);
  assert.equal(clock.pendingTimers, 0);
});

test('one that never started gives its place back', async () => {
  const engine = new FileEngine('one');
  const { observer, playback } = await playbackOn(engine);
  await playback.end('shutdown');
  assert.deepEqual([engine.slotsTaken, engine.stops, observer.events], [0, 0, []]);
});

test('a reader takes the place of the one before, for an engine has one', async () => {
  const engine = new FileEngine('one');
  const { playback } = await playbackOn(engine);
  assert.equal(await refusal(playback.read(undefined, signal)), 'playback_unknown');
  await playback.open();
  await playback.read(undefined, signal);
  await playback.read('bytes=5-', signal);
  assert.deepEqual(
    engine.replies.map(({ isDestroyed }) => isDestroyed),
    [true, false],
  );
  await playback.end('idle');
  assert.equal(await refusal(playback.read(undefined, signal)), 'idle');
});

test('an engine that takes the recording for a live stream is of no use', async () => {
  const engine = new FileEngine('one');
  engine.onStart = async () => opened({ isLive: true });
  const { playback } = await playbackOn(engine);
  assert.equal(await refusal(playback.open()), 'engine_protocol');
  await playback.end('engine_protocol');
  assert.deepEqual([engine.stops, engine.slotsTaken], [1, 0]);
});

test('it is shown with its engine, its state and its bytes', async () => {
  const engine = new FileEngine('one');
  const { clock, playback } = await playbackOn(engine);
  assert.equal(playback.snapshot().state, 'starting');
  await playback.open();
  playback.countBytesIn(7);
  assert.equal(engine.mediaNoted, 1, 'its place knows that media came');
  playback.countBytesOut(5);
  const { bytesIn, bytesOut, clientCount, infohash, isLive, state } = playback.snapshot();
  assert.deepEqual(
    [bytesIn, bytesOut, clientCount, infohash, isLive, state],
    [7, 5, 1, INFOHASH, false, 'playing'],
  );
  playback.rest();
  await clock.advance(3_000);
  assert.deepEqual([playback.snapshot().state, playback.snapshot().idleSeconds], ['lingering', 3]);
  await playback.end('idle');
});
