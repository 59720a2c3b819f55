/** An engine's HLS as the source of sessions: real sockets, simulated engines three times as fast as life. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import type { SimulatedEngine } from '../../src/simulator/engine.ts';
import { ScaledClock } from '../../src/simulator/scaled-clock.ts';
import { Segmenter } from '../../src/simulator/segmenter.ts';
import { assertUnbroken, withoutNullPackets } from '../support/continuity-check.ts';
import { HlsPlayer } from '../support/hls-player.ts';
import { BYTES_PER_SECOND, ID, type Rig, type RigOptions, startRig, until } from '../support/rig.ts';
import { inspect } from '../support/viewer.ts';

const SPEED = 3;
/** What a young session lists; on a busy machine, at this speed, the other engine may be asked seconds late. */
const LOST_SECONDS_MAX = 15;
/** A join's first packets are only those of streams whose beginning has come. */
const JOIN_PACKETS = Math.floor((2 * BYTES_PER_SECOND) / 188);

function fast(engines: number, config: RigOptions['config'] = {}): RigOptions {
  const clock = new ScaledClock(systemClock, SPEED);
  return {
    clock,
    engines: Array.from({ length: engines }, () => ({ clock })),
    config: { ...config, streams: { ingest: 'hls', ...config.streams } },
    endsWhileSearching: true,
  };
}

function infohashOf(rig: Rig): string {
  const [playing] = rig.engines.flatMap((engine) => engine.sessions());
  assert.ok(playing);
  return playing.infohash;
}

/** Fails unless the recording is the engine's segments put together, byte for byte. */
function assertIsSegments(rig: Rig, recording: Buffer): void {
  const whole = recording.subarray(JOIN_PACKETS * 188, recording.length - (recording.length % 188));
  const segmenter = new Segmenter(rig.broadcast(infohashOf(rig)));
  const first = inspect(whole).markers[0];
  assert.ok(first !== undefined);
  let number = 0;
  while (segmenter.segment(number + 1).fromPacket <= first) number++;
  const segments: Buffer[] = [];
  for (let bytes = 0; bytes < 2 * recording.length; number++) {
    const segment = segmenter.bytes(number);
    segments.push(segment);
    bytes += segment.length;
  }
  const expected = Buffer.concat(segments);
  const at = expected.indexOf(whole.subarray(0, 188 * 8));
  assert.ok(at >= 0, 'it begins with nothing that the engine has');
  assert.equal(Buffer.compare(whole, expected.subarray(at, at + whole.length)), 0, 'it is something else');
}

function requestsFor(
  engine: SimulatedEngine,
  route: 'segment' | 'playlist' | 'start' | 'manifest',
): string[] {
  return engine.journal.entries().flatMap((entry) => (entry.route === route ? [entry.path] : []));
}

test('invariants 1 and 9: with INGEST=hls many viewers, by TS and by HLS, share one reader of the engine’s segments, and get the broadcast whole', async (t) => {
  const rig = await startRig(t, fast(1));
  const viewers = Array.from({ length: 8 }, () => rig.watch());
  const player = new HlsPlayer(`${rig.url}/ace/manifest.m3u8?id=${ID}`);
  await player.open();
  const recordings = await Promise.all(viewers.map((viewer) => viewer.received(25 * BYTES_PER_SECOND)));
  for (const recording of recordings) {
    assert.equal(inspect(recording).continuityErrors, 0);
    assertIsSegments(rig, withoutNullPackets(recording));
  }
  await player.reload();
  assert.ok(player.segments.size > 0);
  assert.deepEqual([rig.engine.counters.sessionsOpened, requestsFor(rig.engine, 'start').length], [1, 0]);
  const segments = requestsFor(rig.engine, 'segment');
  assert.equal(new Set(segments).size, segments.length, 'a segment was fetched twice');
  for (const viewer of viewers) viewer.leave();
});

test('invariant 5: a playback by HLS is stopped when the session ends', async (t) => {
  const rig = await startRig(t, fast(1, { streams: { idleTimeoutMs: 0 } }));
  const viewer = rig.watch();
  await viewer.received(BYTES_PER_SECOND);
  viewer.leave();
  await rig.enginesFree();
  assert.deepEqual([rig.engine.counters.sessionsOpened, rig.engine.counters.stopsReceived], [1, 1]);
});

test('invariants 2 and 3: when the engine is killed whose HLS is read, another goes on; viewers stay, get nothing twice, and little is lost', async (t) => {
  const rig = await startRig(t, fast(2, { streams: { bufferMs: 90_000 } }));
  const viewer = rig.watch();
  await viewer.received(20 * BYTES_PER_SECOND);
  const struck = rig.engines.find((engine) => engine.sessions().length > 0);
  assert.ok(struck);
  struck.faults.set({ fault: { kind: 'refuse' } });
  struck.faults.set({ fault: { kind: 'cut', how: 'rst' } });
  const spare = rig.engines.find((engine) => engine !== struck);
  await until(() => spare?.sessions().length === 1);
  await viewer.receivedMore(25 * BYTES_PER_SECOND);
  assert.equal(viewer.ended, undefined);
  // A young session lists three segments: where none of them has begun before the old engine's last one, nothing proves that
  // they follow it, and the break is announced.
  assertUnbroken(viewer.media);
  const { markers } = inspect(withoutNullPackets(viewer.media));
  for (const [index, marker] of markers.entries()) {
    const before = markers[index - 1] ?? marker - 1;
    assert.ok(marker > before, 'something is shown twice');
    assert.ok((marker - before) * 188 < LOST_SECONDS_MAX * BYTES_PER_SECOND, 'too much is lost');
  }
  struck.faults.clear();
});
