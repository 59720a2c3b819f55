import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import type { ObservedStream } from '../session/ports.ts';
import { StageMetrics, type StageSources } from './stage-metrics.ts';

const NOTHING: StageSources = {
  streams: () => [],
  clients: () => [],
  places: () => ({ used: 0, free: 0 }),
  scores: () => [],
  probes: () => ({ hit: 0, miss: 0 }),
  vpns: () => [],
};
const stream = (): ObservedStream => ({ id: 'a', keyType: 'infohash', isLive: true });

function rig(sources: Partial<StageSources> = {}) {
  const registry = new Registry();
  const stages = new StageMetrics({ ...NOTHING, ...sources }, [registry]);
  const samples = async (metric: string): Promise<string[]> =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith(metric))
      .map((line) => line.slice(metric.length));
  return { stages, samples };
}

test('each start is counted once, by how it came out', async () => {
  const { stages, samples } = rig();
  const [played, failed, left] = [stream(), stream(), stream()];
  stages.sessionPlaying(played, 1.5);
  stages.sessionEnded('idle', 60, played);
  stages.sessionEnded('zero_peers', 30, failed);
  stages.sessionEnded('abandoned', 5, left);
  stages.sessionEnded('delivered', 5, { ...stream(), isLive: false });
  assert.deepEqual((await samples('acemux_starts_total')).toSorted(), [
    '{outcome="abandoned",reason="abandoned"} 1',
    '{outcome="failed",reason="zero_peers"} 1',
    '{outcome="played",reason=""} 1',
  ]);
  assert.deepEqual(await samples('acemux_stream_start_seconds_sum'), [' 1.5']);
});

test('the time to the first byte is told for engine, stream and viewer, and pauses of viewers', async () => {
  const { stages, samples } = rig();
  stages.attemptDelivered(0.4);
  stages.clientServed(2, 'ts');
  stages.clientServed(0.02, 'hls');
  stages.clientStarved(7);
  assert.deepEqual(await samples('acemux_engine_first_byte_seconds_sum'), [' 0.4']);
  assert.deepEqual(await samples('acemux_client_first_byte_seconds_count'), [
    '{output="ts"} 1',
    '{output="hls"} 1',
  ]);
  assert.deepEqual(await samples('acemux_client_pause_seconds_bucket{le="8"}'), [' 1']);
  assert.deepEqual(await samples('acemux_client_pause_seconds_bucket{le="6"}'), [' 0']);
});

test('bytes are told by output', async () => {
  const { stages, samples } = rig();
  stages.bytesStreamed(100, 'ts');
  stages.bytesStreamed(20, 'hls');
  assert.deepEqual(await samples('acemux_egress_bytes_total'), [
    '{output="ts"} 100',
    '{output="hls"} 20',
    '{output="file"} 0',
  ]);
  stages.bytesStreamed(1, 'file');
  assert.deepEqual(await samples('acemux_egress_bytes_total{output="file"}'), [' 1']);
});

test('streams and viewers are told as they are when somebody looks', async () => {
  const { samples } = rig({
    streams: () => [
      { state: 'playing', clients: 2, bufferMs: 20_000, heldMs: 3_000 },
      { state: 'playing', clients: 0, bufferMs: 4_000, heldMs: 90_000 },
      { state: 'starting', clients: 1, bufferMs: 0, heldMs: 0 },
    ],
    clients: () => [{ output: 'ts', state: 'lagging' }],
    places: () => ({ used: 3, free: 17 }),
    scores: () => [-10, 1_000],
    probes: () => ({ hit: 9, miss: 1 }),
    vpns: () => ['ok', 'down'],
  });
  assert.deepEqual(await samples('acemux_streams{state="playing"}'), [' 2']);
  assert.deepEqual(await samples('acemux_buffer_seconds'), ['{which="shortest"} 4', '{which="longest"} 20']);
  assert.deepEqual(await samples('acemux_stream_held_seconds'), [' 3'], 'nobody waits where nobody watches');
  assert.deepEqual(await samples('acemux_clients{output="ts",state="lagging"}'), [' 1']);
  assert.deepEqual(await samples('acemux_clients{output="hls",state="playing"}'), [' 0']);
  assert.deepEqual(await samples('acemux_engine_places'), ['{state="used"} 3', '{state="free"} 17']);
  assert.deepEqual(await samples('acemux_engine_score'), ['{which="best"} 1000', '{which="worst"} -10']);
  assert.deepEqual(await samples('acemux_engine_probes_total'), ['{verdict="hit"} 9', '{verdict="miss"} 1']);
  assert.deepEqual(await samples('acemux_vpns{state="down"}'), [' 1']);
});

test('where there is no stream, and no engine, nothing is made up', async () => {
  const { samples } = rig();
  assert.deepEqual(await samples('acemux_buffer_seconds'), []);
  assert.deepEqual(await samples('acemux_engine_score'), []);
  assert.deepEqual(await samples('acemux_stream_held_seconds'), [' 0']);
});
