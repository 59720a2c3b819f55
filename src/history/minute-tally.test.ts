import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessTally, StreamTally, ViewerTally } from './minute-tally.ts';
import type { StreamSample, ViewerSample } from './samples.ts';

const stream = (bytesIn: number, changes: Partial<StreamSample> = {}): StreamSample => ({
  sessionId: 's',
  stream: 'a'.repeat(40),
  infohash: undefined,
  keyType: 'content_id',
  engine: 'e1',
  isPlaying: true,
  clients: 1,
  bytesIn,
  bytesOut: 0,
  ringMs: 20_000,
  peers: 5,
  speedBytesPerSecond: 1_000,
  beganAtMs: 0,
  startedAtMs: 0,
  endedAtMs: undefined,
  reason: undefined,
  ...changes,
});
const viewer = (bytesSent: number | undefined, changes: Partial<ViewerSample> = {}): ViewerSample => ({
  client: 'c',
  sessionId: 's',
  output: 'ts',
  bytesSent,
  isBlocked: false,
  lagMs: 4_000,
  skips: 0,
  ...changes,
});

function taken<Minute>(tally: { readonly minute: Minute; turn(): void }): Minute {
  const { minute } = tally;
  assert.deepEqual(tally.minute, minute, 'looking changes nothing');
  tally.turn();
  return minute;
}

test('a minute of a stream has what came in, and the longest time that nothing did', () => {
  const tally = new StreamTally(stream(0), 0);
  for (const [second, bytes] of [100, 200, 200, 200, 300].entries()) {
    tally.note(stream(bytes), (second + 1) * 1_000);
  }
  const { ingestBytes, longestGapMs, engine } = taken(tally);
  assert.deepEqual([ingestBytes, longestGapMs, engine], [300, 2_000, 'e1']);
  tally.note(stream(350, { engine: 'e2' }), 6_000);
  const next = taken(tally);
  assert.deepEqual([next.ingestBytes, next.longestGapMs, next.engine], [50, 0, 'e2']);
});

test('a stream that does not play has no gap', () => {
  const tally = new StreamTally(stream(0, { isPlaying: false }), 0);
  for (let second = 1; second < 10; second++) tally.note(stream(0, { isPlaying: false }), second * 1_000);
  assert.equal(taken(tally).longestGapMs, 0);
});

test('a gap that goes on is in both minutes', () => {
  const tally = new StreamTally(stream(5), 0);
  tally.note(stream(5), 30_000);
  assert.equal(taken(tally).longestGapMs, 30_000);
  tally.note(stream(5), 40_000);
  assert.equal(taken(tally).longestGapMs, 40_000);
});

test('of a viewer without media it is told whether there was none, or its line took none', () => {
  const starved = new ViewerTally(viewer(100), 0);
  const slow = new ViewerTally(viewer(100), 0);
  for (let second = 1; second <= 10; second++) {
    starved.note(viewer(100), second * 1_000);
    slow.note(viewer(100, { isBlocked: true, lagMs: second * 1_000 }), second * 1_000);
  }
  const without = taken(starved);
  assert.deepEqual([without.nullMs, without.blockedMs, without.longestGapMs], [9_000, 0, 10_000]);
  const blocked = taken(slow);
  assert.deepEqual([blocked.nullMs, blocked.blockedMs, blocked.lagMs], [0, 10_000, 10_000]);
});

test('skips and bytes are those of the minute', () => {
  const tally = new ViewerTally(viewer(0), 0);
  tally.note(viewer(500, { skips: 2 }), 1_000);
  assert.deepEqual([taken(tally).bytes, taken(tally).bytes], [500, 0]);
  tally.note(viewer(600, { skips: 3 }), 2_000);
  const { bytes, skips } = taken(tally);
  assert.deepEqual([bytes, skips], [100, 1]);
});

test('what an output can’t tell is not made up', () => {
  const tally = new ViewerTally(viewer(undefined, { output: 'hls', lagMs: undefined }), 0);
  tally.note(viewer(undefined, { output: 'hls', lagMs: undefined }), 10_000);
  const { bytes, longestGapMs, lagMs, blockedMs } = taken(tally);
  assert.deepEqual([bytes, longestGapMs, lagMs, blockedMs], [undefined, undefined, undefined, 0]);
});

test('a minute of acemux has the most of what there was, and what went out', () => {
  const tally = new ProcessTally();
  assert.equal(taken(tally), undefined);
  const sample = { clients: 3, streams: 1, egressBytes: 100, engines: 2, healthyEngines: 2, loopDelayMs: 5 };
  tally.note({ ...sample, loopDelayMs: 80 });
  tally.note({ ...sample, clients: 1, egressBytes: 900 });
  assert.deepEqual(taken(tally), { ...sample, clients: 3, egressBytes: 900, loopDelayMs: 80 });
  tally.note({ ...sample, egressBytes: 1_000 });
  assert.equal(taken(tally)?.egressBytes, 100);
});
