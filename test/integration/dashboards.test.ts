// The dashboard and the alert rules in deploy/ are held against /metrics of a running acemux: a name, a label or a word that
// does not exist shows nothing to anybody, and an alert on it never rings.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { REASONS } from '../../src/base/reasons.ts';
import { EVENT_TABLE } from '../../src/telemetry/events/event-table.ts';
import type { MetricDeclaration } from '../../src/telemetry/metric-declaration.ts';
import { METRICS } from '../../src/telemetry/metrics-declaration.ts';
import { parseQuery } from '../support/promql.ts';
import { BYTES_PER_SECOND, ID, type Rig, startRig, until } from '../support/rig.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const ALERTS = join(DEPLOY, 'prometheus-alerts.yaml');
/** Labels that Prometheus adds, and that of the buckets of a histogram. */
const ADDED = ['instance', 'job', 'le'];
/** Words that only happen when something happens; where all of them are. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  reason: Object.keys(REASONS),
  type: Object.keys(EVENT_TABLE),
  outcome: ['played', 'failed', 'abandoned', 'ok'],
};

interface Query {
  readonly where: string;
  readonly expression: string;
}

function textsNamed(name: string, value: unknown, where = ''): Query[] {
  if (Array.isArray(value))
    return value.flatMap((each, index) => textsNamed(name, each, `${where}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  const title =
    'title' in value ? ` ${String(value.title)}` : 'alert' in value ? ` ${String(value.alert)}` : '';
  return Object.entries(value).flatMap(([key, inner]) =>
    key === name && typeof inner === 'string'
      ? [{ where: `${where}${title}`, expression: inner }]
      : textsNamed(name, inner, `${where}${title}`),
  );
}

/** By metric: the labels that it has, and by label the words that were seen. */
function labelsOf(page: string): Map<string, Map<string, Set<string>>> {
  const metrics = new Map<string, Map<string, Set<string>>>();
  for (const { labels, name, type } of METRICS as readonly MetricDeclaration[]) {
    const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const suffix of suffixes) {
      metrics.set(`${name}${suffix}`, new Map(labels.map((label) => [label, new Set<string>()])));
    }
  }
  for (const line of page.split('\n')) {
    const [, name, braces = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const labels = metrics.get(name) ?? new Map<string, Set<string>>();
    metrics.set(name, labels);
    for (const [, label = '', word = ''] of braces.matchAll(/(\w+)="([^"]*)"/g)) {
      labels.set(label, (labels.get(label) ?? new Set()).add(word));
    }
  }
  return metrics;
}

test('/metrics of a running acemux', async (t) => {
  const rig = await startRig(t, { engines: [{}, {}], config: { engines: { maxStreamsPerEngine: 7 } } });
  await rig.watch(`id=${ID}&client=living-room`).received(BYTES_PER_SECOND);
  const agent = { 'User-Agent': 'Some Player/1' };
  const manifestUrl = `${rig.url}/ace/manifest.m3u8?id=${ID}`;
  const manifest = await (await fetch(manifestUrl, { headers: agent })).text();
  const playlistUrl = new URL(/^hls\S+$/m.exec(manifest)?.[0] ?? '', manifestUrl);
  const segment = /^\S+\.ts$/m.exec(await (await fetch(playlistUrl)).text())?.[0] ?? '';
  const segmentBytes = (await (await fetch(new URL(segment, playlistUrl))).arrayBuffer()).byteLength;
  await fetch(`${rig.url}/ace/getstream?id=wrong`);
  await until(() => rig.app.sessions.sessions.some(({ stat }) => stat !== undefined));
  const page = await (await fetch(`${rig.url}/metrics`)).text();

  await t.test('has each metric, label and word of the dashboard and the alert rules', async () =>
    assertDashboardsFit(rig, page),
  );
  await t.test('tells what this acemux does', () => assertTold(page, segmentBytes));
});

async function assertDashboardsFit(rig: Rig, page: string): Promise<void> {
  const announced = new Set([...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  for (const { name } of METRICS) assert.ok(announced.has(name), `${name} is declared and not there`);

  // Labels are bounded: nothing in them is a stream's, or a viewer's to choose.
  const { infohash } = await rig.json(`/proxy/sessions/${ID}`);
  assert.match(String(infohash), /^[0-9a-f]{40}$/);
  for (const text of [ID, ID.slice(0, 12), String(infohash), 'living-room', 'Some Player']) {
    assert.ok(!page.includes(text), text);
  }

  const metrics = labelsOf(page);
  const dashboard: unknown = JSON.parse(readFileSync(join(DEPLOY, 'grafana-dashboard.json'), 'utf8'));
  const alerts: unknown = parse(readFileSync(ALERTS, 'utf8'));
  const queries = [...textsNamed('expr', dashboard), ...textsNamed('expr', alerts)];
  assert.ok(queries.length > 60, `${queries.length} expressions`);
  const problems = queries.flatMap(({ where, expression }) => {
    const { selections, groupedBy } = parseQuery(expression);
    if (selections.length === 0) return [`${where}: reads no metric: ${expression}`];
    const known = selections.flatMap(({ metric }) => [...(metrics.get(metric)?.keys() ?? [])]);
    const strange = groupedBy.filter((label) => !known.includes(label) && !ADDED.includes(label));
    return [
      ...strange.map((label) => `${where}: no metric of it has the label ${label}`),
      ...selections.flatMap(({ metric, matchers }) => {
        if (metric === 'up') return [];
        const labels = metrics.get(metric);
        if (!labels) return [`${where}: there is no ${metric}`];
        return [...matchers].flatMap(([label, words]) => {
          if (label === 'instance' || label === 'job') return [];
          const seen = label === 'le' ? metrics.get(metric)?.get('le') : labels.get(label);
          if (!seen) return [`${where}: ${metric} has no ${label}`];
          const wrong = words.filter((word) => !seen.has(word) && !WORDS[label]?.includes(word));
          return wrong.map((word) => `${where}: ${metric} never has ${label}="${word}"`);
        });
      }),
    ];
  });
  assert.deepEqual(problems, []);
}

/** Two engines, one stream, a viewer by each output: what each number must come to, so that none stands there unconnected. */
function assertTold(page: string, segmentBytes: number): void {
  const told = (series: string): number => {
    const line = page.split('\n').find((each) => each.startsWith(`${series} `));
    assert.ok(line, `there is no ${series}`);
    return Number(line.slice(series.length + 1));
  };
  const exact: Readonly<Record<string, number>> = {
    proxy_sessions_active: 1,
    proxy_sessions_total: 1,
    acemux_clients_active: 2,
    proxy_clients_total: 2,
    'acemux_clients{output="ts",state="playing"}': 1,
    'acemux_clients{output="hls",state="playing"}': 1,
    'acemux_streams{state="playing"}': 1,
    'acemux_starts_total{outcome="played",reason=""}': 1,
    acemux_stream_start_seconds_count: 1,
    acemux_engine_first_byte_seconds_count: 1,
    'acemux_client_first_byte_seconds_count{output="ts"}': 1,
    'acemux_client_first_byte_seconds_count{output="hls"}': 1,
    'acemux_egress_bytes_total{output="hls"}': segmentBytes,
    'acemux_engines{state="healthy"}': 2,
    'acemux_engine_places{state="used"}': 1,
    'acemux_engine_places{state="free"}': 13,
    'acemux_http_refusals_total{reason="id_malformed"}': 1,
    'acemux_events_total{type="stream.started"}': 1,
    orch_total_streams: 1,
    orch_engines_total: 2,
    orch_healthy_engines: 2,
    orch_used_engines: 1,
    orch_extra_engines: 1,
    orch_vpn_nodes_total: 0,
  };
  for (const [series, value] of Object.entries(exact)) assert.equal(told(series), value, series);
  for (const series of [
    'proxy_bytes_streamed_total',
    'acemux_egress_bytes_total{output="ts"}',
    'acemux_buffer_bytes',
    'acemux_buffer_seconds{which="longest"}',
    'acemux_engine_probes_total{verdict="hit"}',
    'acemux_loop_delay_seconds{quantile="1"}',
    'orch_total_peers',
    'orch_total_downloaded_bytes',
  ]) {
    assert.ok(told(series) > 0, `${series} is ${told(series)}`);
  }
  assert.ok(Number.isFinite(told('acemux_engine_score{which="best"}')));
}

test('each panel says what it shows, and no two stand in one place', () => {
  const { panels } = JSON.parse(readFileSync(join(DEPLOY, 'grafana-dashboard.json'), 'utf8'));
  const taken = new Set<string>();
  for (const { gridPos, title, type, description, id } of panels) {
    assert.ok(title && (type === 'row' || description), `${id} ${title}`);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(x < 24 && !taken.has(`${x}/${y}`), `${title} at ${x}/${y}`);
        taken.add(`${x}/${y}`);
      }
    }
  }
});

const promtool = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;

test('promtool finds nothing wrong with the rules', {
  skip: promtool ? false : 'promtool is not here',
}, () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', ALERTS], { encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
});
