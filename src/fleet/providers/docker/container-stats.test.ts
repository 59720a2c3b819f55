import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../../base/clock.ts';
import { readStats, StatsSampler } from './container-stats.ts';
import { DockerApi } from './docker-api.ts';
import { DockerClient } from './docker-client.ts';
import { refuse, ScriptedDaemon } from './testing/scripted-daemon.ts';

const never = new AbortController().signal;

function sampleOf(usedNs: number, systemNs: number): unknown {
  return {
    cpu_stats: { cpu_usage: { total_usage: usedNs }, system_cpu_usage: systemNs, online_cpus: 4 },
    memory_stats: { usage: 1000, limit: 4000, stats: { inactive_file: 300 } },
    networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 10, tx_bytes: 20 } },
    blkio_stats: {
      io_service_bytes_recursive: [
        { op: 'Read', value: 5 },
        { op: 'write', value: 6 },
      ],
    },
  };
}

test('a sample says what Docker’s own tool would', () => {
  assert.deepEqual(
    readStats(sampleOf(300, 2000), { usedNs: 300, systemNs: 2000 }, { usedNs: 100, systemNs: 1000 }),
    {
      cpuPercent: 80,
      memoryBytes: 700,
      memoryLimitBytes: 4000,
      networkReceivedBytes: 11,
      networkSentBytes: 22,
      blockReadBytes: 5,
      blockWrittenBytes: 6,
    },
  );
});

/** A daemon that tells of container `a` what it has used, and then what it has used a while later. */
async function twoSamples(t: TestContext): Promise<{ daemon: ScriptedDaemon; sampler: StatsSampler }> {
  const daemon = await ScriptedDaemon.start(t);
  const api = new DockerApi({ endpoint: daemon.endpoint, clock: systemClock });
  t.after(() => api.close());
  const samples = [sampleOf(100, 1000), sampleOf(200, 2000)];
  daemon.on('GET /containers/a/stats', () => samples.shift());
  return { daemon, sampler: new StatsSampler(new DockerClient(api)) };
}

test('the first sample has no share of the CPU, the second compares the two', async (t) => {
  const { sampler } = await twoSamples(t);
  assert.equal((await sampler.sample(['a'], never)).get('a')?.cpuPercent, 0);
  assert.equal((await sampler.sample(['a'], never)).get('a')?.cpuPercent, 40);
});

test('who asks about one container takes nothing from those who ask about another', async (t) => {
  const { daemon, sampler } = await twoSamples(t);
  daemon.on('GET /containers/b/stats', () => sampleOf(1, 1));
  await sampler.sample(['a'], never);
  await sampler.sample(['b'], never);
  assert.equal((await sampler.sample(['a'], never)).get('a')?.cpuPercent, 40);
});

test('fault 14: of 200 containers ten are asked at once, and those that can’t be told of are left out', async (t) => {
  const daemon = await ScriptedDaemon.start(t);
  const api = new DockerApi({ endpoint: daemon.endpoint, clock: systemClock });
  t.after(() => api.close());
  let [asked, most] = [0, 0];
  daemon.on('GET /containers/*', async ({ path, response }) => {
    most = Math.max(most, ++asked);
    await new Promise((resolve) => setImmediate(resolve));
    asked--;
    if (path.includes('/bad')) refuse(response, 500, 'no');
    else if (path.includes('/gone')) refuse(response, 404, 'no');
    else return sampleOf(1, 1);
    return undefined;
  });
  const good = Array.from({ length: 198 }, (_, index) => `c${index}`);
  const found = await new StatsSampler(new DockerClient(api)).sample(['bad', ...good, 'gone'], never);
  assert.deepEqual([...found.keys()], good);
  assert.ok(most <= 10, `${most} at once`);
});

test('nothing that a daemon sends makes the reader throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const zero = { usedNs: 0, systemNs: 0 };
      readStats(value, zero, zero);
      readStats(
        { cpu_stats: value, memory_stats: value, networks: value, blkio_stats: value },
        zero,
        undefined,
      );
    }),
  );
});
