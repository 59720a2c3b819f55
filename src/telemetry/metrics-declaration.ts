import type { MetricDeclaration } from './metric-declaration.ts';
import { ORCHESTRATOR_METRICS } from './orchestrator-metrics-declaration.ts';
import { STAGE_METRICS } from './stage-metrics-declaration.ts';

/**
 * All metrics of acemux but those of the process. The names that begin with `proxy_` are those that
 * acestream-orchestrator announced. A label's value is always a word of a table of acemux's own, so each metric stays small.
 */
export const METRICS = [
  {
    name: 'proxy_sessions_total',
    type: 'counter',
    help: 'Sessions that were begun: streams that somebody asked for while nobody watched them.',
    labels: [],
  },
  {
    name: 'proxy_sessions_active',
    type: 'gauge',
    help: 'Sessions now, lingering ones included.',
    labels: [],
  },
  {
    name: 'proxy_clients_total',
    type: 'counter',
    help: 'Viewers that were let in.',
    labels: [],
  },
  {
    name: 'proxy_bytes_streamed_total',
    type: 'counter',
    help: 'Bytes handed to the sockets of viewers.',
    labels: [],
  },
  {
    name: 'proxy_session_duration_seconds',
    type: 'histogram',
    help: 'How long sessions lasted, from the first request to the end.',
    labels: [],
    buckets: [10, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400],
  },
  {
    name: 'acemux_clients_active',
    type: 'gauge',
    help: 'Viewers now, those included that wait for a stream to start.',
    labels: [],
  },
  {
    name: 'acemux_clients_paused',
    type: 'gauge',
    help: 'Viewers beside these that have paused, and may go on from what is kept on disk.',
    labels: [],
  },
  {
    name: 'acemux_buffer_bytes',
    type: 'gauge',
    help: 'Memory that the buffers of all streams take; BUFFER_MEMORY_MAX bounds it.',
    labels: [],
  },
  {
    name: 'acemux_timeshift_bytes',
    type: 'gauge',
    help: 'What time-shift keeps on disk of all streams; TIMESHIFT_MAX_BYTES bounds it.',
    labels: [],
  },
  {
    name: 'acemux_sessions_ended_total',
    type: 'counter',
    help: 'Sessions that are over, by the reason.',
    labels: ['reason'],
  },
  {
    name: 'acemux_clients_ended_total',
    type: 'counter',
    help: 'Viewers that are gone, by the reason.',
    labels: ['reason'],
  },
  {
    name: 'acemux_client_skips_total',
    type: 'counter',
    help: 'Times that a viewer was too slow for its stream and went on at a newer keyframe.',
    labels: [],
  },
  {
    name: 'acemux_failures_total',
    type: 'counter',
    help: 'Attempts to play a stream on an engine that failed, by the reason.',
    labels: ['reason'],
  },
  {
    name: 'acemux_hedges_total',
    type: 'counter',
    help: 'Starts that were slow, so that a second engine was asked as well.',
    labels: [],
  },
  {
    name: 'acemux_hedges_won_total',
    type: 'counter',
    help: 'Times that this second engine was the first to deliver.',
    labels: [],
  },
  {
    name: 'acemux_splices_total',
    type: 'counter',
    help: 'Times that another source went on with a stream that was playing: `same-broadcast`, nothing lost or repeated; `same-timeline`, with a gap; `new-timeline`, with a break.',
    labels: ['kind'],
  },
  {
    name: 'acemux_standby_switches_total',
    type: 'counter',
    help: 'Times that a second engine that played along went on with a stream, because what came from the first was `damaged`, or it was `silent`.',
    labels: ['why'],
  },
  {
    name: 'acemux_standby_differences_total',
    type: 'counter',
    help: 'PES packets that differed between two engines that play the same stream, although neither said that they were damaged; what was in use was kept.',
    labels: [],
  },
  {
    name: 'acemux_session_warnings_total',
    type: 'counter',
    help: 'Sessions that went on, but not as they should, by the reason.',
    labels: ['reason'],
  },
  {
    name: 'acemux_engines',
    type: 'gauge',
    help: 'Engines now, by their state: `starting`, `healthy`, `degraded`, `unhealthy`, `draining`.',
    labels: ['state'],
  },
  {
    name: 'acemux_engines_wanted',
    type: 'gauge',
    help: 'Engines that there should be, of those that acemux makes.',
    labels: [],
  },
  {
    name: 'acemux_engines_creating',
    type: 'gauge',
    help: 'Engines that are being created, and do not exist yet.',
    labels: [],
  },
  {
    name: 'acemux_starts_waiting',
    type: 'gauge',
    help: 'Starts of streams that wait for a place on an engine.',
    labels: [],
  },
  {
    name: 'acemux_engine_creation_blocked',
    type: 'gauge',
    help: '1 while no engine can be created, whatever the reason; being at the maximum is one.',
    labels: [],
  },
  {
    name: 'acemux_engine_breaker_open',
    type: 'gauge',
    help: 'Providers whose engines failed so often that creating them pauses (CIRCUIT_BREAKER_FAILURE_THRESHOLD).',
    labels: [],
  },
  {
    name: 'acemux_fleet_actions_total',
    type: 'counter',
    help: 'What was done with engines (`create`, `drain`, `undrain`, `remove`), by its outcome (`ok`, `failed`).',
    labels: ['action', 'outcome'],
  },
  {
    name: 'acemux_engine_exits_total',
    type: 'counter',
    help: 'Engines that ended by themselves, by the reason.',
    labels: ['reason'],
  },
  {
    name: 'acemux_overloaded',
    type: 'gauge',
    help: '1 while nobody new is let in because there is too much of this: `event_loop`, `open_files`, `buffer_memory`, `egress`.',
    labels: ['cause'],
  },
  {
    name: 'acemux_http_refusals_total',
    type: 'counter',
    help: 'Requests that were answered with an error or whose connection was ended, by the reason.',
    labels: ['reason'],
  },
  {
    name: 'acemux_loop_delay_seconds',
    type: 'gauge',
    help: 'How late the event loop came to what was due since the scrape before: half of the time no later than 0.5, nearly always no later than 0.99, at worst 1.',
    labels: ['quantile'],
  },
  {
    name: 'acemux_store_degraded',
    type: 'gauge',
    help: '1 while the database under DATA_DIR does not take what is to be stored; the event `system.store_degraded` says why.',
    labels: [],
  },
  {
    name: 'acemux_store_waiting',
    type: 'gauge',
    help: 'Writes that wait for the database.',
    labels: [],
  },
  {
    name: 'acemux_store_lost',
    type: 'gauge',
    help: 'Writes that were lost since the start, because too many waited or memory was full.',
    labels: [],
  },
  {
    name: 'acemux_events_total',
    type: 'counter',
    help: 'Events, by the type; docs/events.md explains each.',
    labels: ['type'],
  },
  {
    name: 'acemux_webhooks_total',
    type: 'counter',
    help: 'Events for a webhook, by outcome: `delivered`; `failed`, three tries were in vain; `dropped`, too many waited.',
    labels: ['outcome'],
  },
  ...STAGE_METRICS,
  ...ORCHESTRATOR_METRICS,
] as const satisfies readonly MetricDeclaration[];

export type MetricName = (typeof METRICS)[number]['name'];

/** docs/metrics.md, as Markdown. */
export function renderMetricsPage(): string {
  const rows = METRICS.map(({ name, type, labels, help }) => {
    const labelText = labels.map((label: string) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${labelText || '–'} | ${help} |`;
  });
  return [
    '# Metrics',
    '',
    '`GET /metrics` answers in the text format of Prometheus. From an address that is not private it needs the key',
    '(`VIEW_ACCESS`). This page is generated from `src/telemetry/metrics-declaration.ts`.',
    '',
    '| metric | type | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
    'A `reason` is one of the words that `docs/reasons.md` explains. Beside these there are the metrics of the process',
    'and of Node.js that prom-client collects (`process_*`, `nodejs_*`): CPU, memory, open files, garbage collection. What it tells',
    'of the event loop (`nodejs_eventloop_lag_*`) is not among them: `acemux_loop_delay_seconds` is; nor are `nodejs_active_*`, which',
    'would go through all sockets.',
    '',
    '## Example',
    '',
    '```yaml',
    '# prometheus.yml',
    'scrape_configs:',
    '  - job_name: acemux',
    '    static_configs:',
    '      - targets: ["acemux:8000"]',
    '```',
    '',
  ].join('\n');
}
