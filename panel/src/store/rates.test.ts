import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Replies } from '../api/replies.ts';
import { Rates } from './rates.ts';

type Overview = Replies['GET /overview'];

const stream = (id: string, bytesIn: number, bytesOut: number): Overview['streams'][number] => ({
  id,
  stream_id: id,
  key_type: 'infohash',
  infohash: null,
  is_live: true,
  state: 'playing',
  container_id: null,
  client_count: 2,
  paused_count: 0,
  idle_seconds: 0,
  created_at: '',
  started_at: null,
  ended_at: null,
  reason: null,
  bytes_in: bytesIn,
  bytes_out: bytesOut,
  media_bytes_per_second: bytesIn < 9e9 ? 500 : null,
  peers: null,
  speed_down: null,
  buffer_pieces: null,
  codecs: null,
  width: null,
  height: null,
  splices: 0,
  warnings: [],
});
const of = (...streams: Overview['streams'][number][]): Overview => ({
  at: '',
  phase: 'ready',
  engines: [],
  streams,
  streams_per_engine_max: 1,
});

test('a rate is what came between two overviews; one that is new has none yet', () => {
  const rates = new Rates();
  rates.add(0, of(stream('a', 1_000, 0)));
  assert.equal(rates.points.value.length, 0);
  rates.add(2_000, of(stream('a', 3_000, 8_000), stream('b', 9e9, 9e9)));
  assert.deepEqual(rates.streams.value.get('a'), { in: 1_000, out: 4_000, history: [500] });
  assert.equal(rates.streams.value.has('b'), false);
  assert.deepEqual(
    rates.points.value.map(({ egress, ingress, viewers, streams }) => [egress, ingress, viewers, streams]),
    [[4_000, 1_000, 4, 2]],
  );
  // What comes in a burst is no bitrate.
  rates.add(4_000, of(stream('a', 1e9, 8_000), stream('b', 9e9, 9e9)));
  assert.deepEqual(rates.streams.value.get('a')?.history, [500, 500]);
  assert.deepEqual(rates.streams.value.get('b')?.history, []);
});

test('counters that begin anew, clocks that go back and long pauses make no nonsense', () => {
  const rates = new Rates();
  rates.add(10_000, of(stream('a', 5_000, 5_000)));
  rates.add(12_000, of(stream('a', 10, 10)));
  assert.equal(rates.streams.value.get('a')?.in, 0);
  rates.add(1_000, of(stream('a', 500_000, 10)));
  rates.add(500_000, of(stream('a', 900_000, 10)));
  assert.equal(rates.streams.value.size, 0);
  assert.equal(rates.points.value.length, 1);
});

test('however long it runs, no more is held than half an hour', () => {
  const rates = new Rates();
  for (let second = 0; second < 5_000; second += 2) rates.add(second * 1000, of(stream('a', second, second)));
  assert.equal(rates.points.value.length, 900);
  assert.equal(rates.streams.value.get('a')?.history.length, 60);
});
