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
import { BYTES_PER_SECOND, ID, startRig } from '../support/rig.ts';

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

test('each metric, label and word of the dashboard and the alert rules exists', async (t) => {
  const rig = await startRig(t, { engines: [{}, {}] });
  await rig.watch(`id=${ID}&client=living-room`).received(BYTES_PER_SECOND);
  await fetch(`${rig.url}/ace/manifest.m3u8?id=${ID}`, { headers: { 'User-Agent': 'Some Player/1' } });
  const page = await (await fetch(`${rig.url}/metrics`)).text();
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
});

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
