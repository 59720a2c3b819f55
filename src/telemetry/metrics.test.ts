import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FleetNumbers, Metrics, type MetricsDeps } from './metrics.ts';
import { METRICS, renderMetricsPage } from './metrics-declaration.ts';

const NO_FLEET: FleetNumbers = {
  wanted: 0,
  waiting: 0,
  block: undefined,
  engines: { creating: 0 },
  breakers: new Map(),
};

const QUIET = {
  sessionsActive: () => 0,
  clientsActive: () => 0,
  clientsPaused: () => 0,
  bufferBytes: () => 0,
  timeshiftBytes: () => 0,
  fleetStatus: () => NO_FLEET,
  engineStates: () => [],
  loopDelay: { take: () => undefined },
  overloadCauses: () => [],
  storeHealth: () => ({ problem: undefined, waiting: 0, lost: 0 }),
  stages: {
    streams: () => [],
    clients: () => [],
    places: () => ({ used: 0, free: 0 }),
    scores: () => [],
    probes: () => ({ hit: 0, miss: 0 }),
    vpns: () => [],
  },
  orchestrator: {
    stats: () => [],
    playing: () => 0,
    engines: () => [],
    minimum: () => 1,
    vpns: () => [],
  },
} satisfies MetricsDeps;

const sampleOf = (page: string, series: string): number | undefined => {
  const line = page.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

test('what happens is counted', async () => {
  const metrics = new Metrics(QUIET);
  metrics.sessionStarted();
  metrics.clientJoined();
  metrics.clientJoined();
  metrics.bytesStreamed(188);
  metrics.bytesStreamed(376);
  metrics.clientSkipped();
  metrics.clientLeft('client_left');
  metrics.sessionEnded('idle', 42);
  metrics.attemptFailed('no_media');
  metrics.sessionWarned('no_keyframe');
  metrics.requestRefused('key_required');
  metrics.eventHappened('stream.spliced');
  metrics.hedgeBegun();
  metrics.hedgeBegun();
  metrics.hedgeWon();
  metrics.sourceSpliced({ kind: 'same' });
  metrics.standbySwitched('damaged');
  metrics.standbyDiffered(3);
  metrics.webhookOver('dropped');

  const page = await metrics.render();
  assert.equal(sampleOf(page, 'proxy_sessions_total'), 1);
  assert.equal(sampleOf(page, 'proxy_clients_total'), 2);
  assert.equal(sampleOf(page, 'proxy_bytes_streamed_total'), 564);
  assert.equal(sampleOf(page, 'proxy_session_duration_seconds_sum'), 42);
  assert.equal(sampleOf(page, 'proxy_session_duration_seconds_bucket{le="30"}'), 0);
  assert.equal(sampleOf(page, 'proxy_session_duration_seconds_bucket{le="60"}'), 1);
  assert.equal(sampleOf(page, 'acemux_clients_ended_total{reason="client_left"}'), 1);
  assert.equal(sampleOf(page, 'acemux_sessions_ended_total{reason="idle"}'), 1);
  assert.equal(sampleOf(page, 'acemux_client_skips_total'), 1);
  assert.equal(sampleOf(page, 'acemux_failures_total{reason="no_media"}'), 1);
  assert.equal(sampleOf(page, 'acemux_session_warnings_total{reason="no_keyframe"}'), 1);
  assert.equal(sampleOf(page, 'acemux_http_refusals_total{reason="key_required"}'), 1);
  assert.equal(sampleOf(page, 'acemux_events_total{type="stream.spliced"}'), 1);
  assert.equal(sampleOf(page, 'acemux_hedges_total'), 2);
  assert.equal(sampleOf(page, 'acemux_hedges_won_total'), 1);
  assert.equal(sampleOf(page, 'acemux_splices_total{kind="same"}'), 1);
  assert.equal(sampleOf(page, 'acemux_standby_switches_total{why="damaged"}'), 1);
  assert.equal(sampleOf(page, 'acemux_standby_differences_total'), 3);
  assert.equal(sampleOf(page, 'acemux_webhooks_total{outcome="dropped"}'), 1);
});

test('bytes are counted from scrape to scrape, each once', async () => {
  const metrics = new Metrics(QUIET);
  for (const bytes of [188, 376, 0]) {
    metrics.bytesStreamed(bytes);
    await metrics.render();
  }
  assert.equal(sampleOf(await metrics.render(), 'proxy_bytes_streamed_total'), 564);
});

test('gauges are asked at each scrape', async () => {
  let sessions = 2;
  const metrics = new Metrics({
    ...QUIET,
    sessionsActive: () => sessions,
    clientsActive: () => sessions * 10,
    clientsPaused: () => sessions,
    bufferBytes: () => sessions * 1_000,
    timeshiftBytes: () => sessions * 7,
    engineStates: () => (sessions === 3 ? [] : ['healthy', 'healthy']),
    overloadCauses: () => (sessions === 3 ? ['egress'] : []),
    storeHealth: () => ({ problem: 'store_full', waiting: sessions, lost: 1 }),
  });
  assert.equal(sampleOf(await metrics.render(), 'proxy_sessions_active'), 2);
  sessions = 3;
  const page = await metrics.render();
  assert.equal(sampleOf(page, 'proxy_sessions_active'), 3);
  assert.equal(sampleOf(page, 'acemux_clients_active'), 30);
  assert.equal(sampleOf(page, 'acemux_clients_paused'), 3);
  assert.equal(sampleOf(page, 'acemux_buffer_bytes'), 3_000);
  assert.equal(sampleOf(page, 'acemux_timeshift_bytes'), 21);
  assert.equal(sampleOf(page, 'acemux_engines{state="healthy"}'), 0, 'those of the scrape before are gone');
  assert.equal(sampleOf(page, 'acemux_overloaded{cause="egress"}'), 1);
  assert.equal(sampleOf(page, 'acemux_overloaded{cause="event_loop"}'), 0);
  assert.equal(sampleOf(page, 'acemux_store_degraded'), 1);
  assert.equal(sampleOf(page, 'acemux_store_waiting'), 3);
  assert.equal(sampleOf(page, 'acemux_store_lost'), 1);
});

test('metrics that come of one look have it looked once in a scrape', async () => {
  const looks = { streams: 0, stats: 0, engines: 0, status: 0 };
  const metrics = new Metrics({
    ...QUIET,
    fleetStatus: () => {
      looks.status++;
      return { ...NO_FLEET, wanted: looks.status };
    },
    stages: {
      ...QUIET.stages,
      streams: () => {
        looks.streams++;
        return [{ state: 'playing', clients: 1, bufferMs: 1_000 * looks.streams, heldMs: 0 }];
      },
    },
    orchestrator: {
      ...QUIET.orchestrator,
      stats: () => {
        looks.stats++;
        return [];
      },
      engines: () => {
        looks.engines++;
        return [];
      },
    },
  });
  await metrics.render();
  const page = await metrics.render();
  assert.deepEqual(looks, { streams: 2, stats: 2, engines: 2, status: 2 });
  assert.equal(sampleOf(page, 'acemux_engines_wanted'), 2, 'of the newest look');
  assert.equal(sampleOf(page, 'acemux_buffer_seconds{which="longest"}'), 2);
});

test('two instances know nothing of each other', async () => {
  const one = new Metrics(QUIET);
  const two = new Metrics(QUIET);
  one.sessionStarted();
  assert.equal(sampleOf(await two.render(), 'proxy_sessions_total'), 0);
});

test('the process is measured from start on, and forgotten at stop', async () => {
  const metrics = new Metrics(QUIET);
  assert.doesNotMatch(await metrics.render(), /process_cpu/);
  metrics.start();
  const page = await metrics.render();
  assert.match(page, /process_cpu_seconds_total \d/);
  assert.doesNotMatch(page, /nodejs_active_/, 'each would look at every socket');
  metrics.stop();
  assert.equal((await metrics.render()).trim(), '');
});

test('what is shown is what is declared: name, type and help', async () => {
  const page = await new Metrics(QUIET).render();
  const shown = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  assert.deepEqual(shown.sort(), METRICS.map(({ name, type }) => `${name} ${type}`).sort());
  for (const { name, help } of METRICS) assert.ok(page.includes(`# HELP ${name} ${help}\n`), name);
});

test('the page for people has a row for each metric', () => {
  const text = renderMetricsPage();
  for (const { name, help } of METRICS)
    assert.ok(text.includes(`| \`${name}\` |`) && text.includes(help), name);
});

test('the fleet is shown: engines by state, what is done with them, and why there are no more', async () => {
  const metrics = new Metrics({
    ...QUIET,
    engineStates: () => ['healthy', 'healthy', 'draining'],
    fleetStatus: () => ({
      ...NO_FLEET,
      wanted: 3,
      waiting: 2,
      block: { code: 'host_memory' },
      engines: { creating: 1 },
      breakers: new Map([
        ['docker', { kind: 'open' }],
        ['other', { kind: 'closed' }],
      ]),
    }),
  });
  metrics.fleetHappened({ kind: 'created' });
  metrics.fleetHappened({ kind: 'create_failed', reason: 'engine_broken' });
  metrics.fleetHappened({ kind: 'draining' });
  metrics.fleetHappened({ kind: 'undrained' });
  metrics.fleetHappened({ kind: 'gone', reason: 'engine_out_of_memory', exit: {} });
  metrics.fleetHappened({ kind: 'gone', reason: undefined, exit: undefined });
  const page = await metrics.render();
  const lines = new Set(page.split('\n'));
  for (const line of [
    'acemux_engines{state="healthy"} 2',
    'acemux_engines{state="draining"} 1',
    'acemux_engines{state="unhealthy"} 0',
    'acemux_engines_wanted 3',
    'acemux_engines_creating 1',
    'acemux_starts_waiting 2',
    'acemux_engine_creation_blocked 1',
    'acemux_engine_breaker_open 1',
    'acemux_fleet_actions_total{action="create",outcome="ok"} 1',
    'acemux_fleet_actions_total{action="create",outcome="failed"} 1',
    'acemux_fleet_actions_total{action="drain",outcome="ok"} 1',
    'acemux_fleet_actions_total{action="undrain",outcome="ok"} 1',
    'acemux_engine_exits_total{reason="engine_out_of_memory"} 1',
  ]) {
    assert.ok(lines.has(line), line);
  }
});

test('how late the loop was is told with each scrape, by a timer that is not prom-client’s', async () => {
  const late = [{ p50Ms: 1, p99Ms: 20, maxMs: 300 }];
  const metrics = new Metrics({ ...QUIET, loopDelay: { take: () => late.pop() } });
  metrics.start();
  const page = await metrics.render();
  assert.equal(sampleOf(page, 'acemux_loop_delay_seconds{quantile="0.5"}'), 0.001);
  assert.equal(sampleOf(page, 'acemux_loop_delay_seconds{quantile="0.99"}'), 0.02);
  assert.equal(sampleOf(page, 'acemux_loop_delay_seconds{quantile="1"}'), 0.3);
  assert.ok(!page.includes('nodejs_eventloop_lag'));
  assert.equal(sampleOf(await metrics.render(), 'acemux_loop_delay_seconds{quantile="1"}'), 0);
  metrics.stop();
});
