import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { type OrchestratorSources, registerOrchestratorMetrics } from './orchestrator-metrics.ts';

const SOURCES: OrchestratorSources = {
  stats: () => [
    {
      peers: 5,
      speedDownKilobytes: 1_024,
      speedUpKilobytes: 512,
      downloadedBytes: 2 ** 20,
      uploadedBytes: 0,
    },
    { peers: 7, speedDownKilobytes: 1_024, speedUpKilobytes: 0, downloadedBytes: 2 ** 20, uploadedBytes: 0 },
  ],
  playing: () => 2,
  engines: () => [
    { health: 'healthy', state: 'healthy', streams: 2, vpn: 'one' },
    { health: 'healthy', state: 'draining', streams: 0, vpn: 'two' },
    { health: 'unhealthy', state: 'unhealthy', streams: 0, vpn: 'two' },
  ],
  minimum: () => 1,
  vpns: () => [
    { name: 'one', state: 'down' },
    { name: 'two', state: 'ok' },
  ],
};

async function sampleOf(series: string, changes: Partial<OrchestratorSources> = {}): Promise<number> {
  const registry = new Registry();
  registerOrchestratorMetrics({ ...SOURCES, ...changes }, [registry]);
  const page = await registry.metrics();
  return Number(
    page
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')
      .at(-1),
  );
}

test('a dashboard that was made for the orchestrator finds its numbers', async () => {
  assert.equal(await sampleOf('orch_total_streams'), 2);
  assert.equal(await sampleOf('orch_total_peers'), 12);
  assert.equal(await sampleOf('orch_total_downloaded_mb'), 2);
  assert.equal(await sampleOf('orch_total_download_speed_mbps'), 2);
  assert.equal(await sampleOf('orch_total_upload_speed_mbps'), 0.5);
  assert.equal(await sampleOf('orch_healthy_engines'), 2);
  assert.equal(await sampleOf('orch_unhealthy_engines'), 1);
  assert.equal(await sampleOf('orch_engines_draining'), 1);
  assert.equal(await sampleOf('orch_used_engines'), 1);
  assert.equal(await sampleOf('orch_extra_engines'), 2);
  assert.equal(await sampleOf('orch_extra_engines', { minimum: () => 5 }), 0, 'fewer than the least');
  assert.equal(await sampleOf('orch_vpn2_engines'), 2);
});

test('the health of VPNs is a word that is true', async () => {
  assert.equal(await sampleOf('orch_vpn1_health{orch_vpn1_health="unhealthy"}'), 1);
  assert.equal(await sampleOf('orch_vpn2_health{orch_vpn2_health="healthy"}'), 1);
  assert.equal(await sampleOf('orch_vpn_health{orch_vpn_health="healthy"}'), 1, 'one is enough');
  assert.equal(await sampleOf('orch_vpn_health{orch_vpn_health="disabled"}', { vpns: () => [] }), 1);
  assert.equal(await sampleOf('orch_vpn1_health{orch_vpn1_health="unhealthy"}', { vpns: () => [] }), 0);
  for (const [state, word] of [
    ['suspect', 'healthy'],
    ['draining', 'healthy'],
    ['recovering', 'starting'],
    ['unknown', 'unknown'],
  ] as const) {
    const vpns = () => [{ name: 'one', state }];
    assert.equal(await sampleOf(`orch_vpn1_health{orch_vpn1_health="${word}"}`, { vpns }), 1, state);
  }
});
