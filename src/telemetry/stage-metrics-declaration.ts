import type { MetricDeclaration } from './metric-declaration.ts';

/** From asking an engine to a picture: quick ones in tenths, and up to what EMPTY_STREAM_TIMEOUT and START_TIMEOUT allow. */
const START_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60];

/** What happens to streams on their way from an engine to a viewer, stage by stage. */
export const STAGE_METRICS = [
  {
    name: 'acemux_starts_total',
    type: 'counter',
    help: 'Starts of streams, by outcome: `played`; `failed`, by the reason; `abandoned`, everybody had left before.',
    labels: ['outcome', 'reason'],
  },
  {
    name: 'acemux_engine_first_byte_seconds',
    type: 'histogram',
    help: 'From asking an engine for a stream to its first byte of media; of attempts that could be watched.',
    labels: [],
    buckets: START_BUCKETS,
  },
  {
    name: 'acemux_stream_start_seconds',
    type: 'histogram',
    help: 'From the first request for a stream until there was something to watch, all attempts together.',
    labels: [],
    buckets: START_BUCKETS,
  },
  {
    name: 'acemux_client_first_byte_seconds',
    type: 'histogram',
    help: 'From a viewer’s request to its first media, by output (`ts`, `hls`); who comes to a playing stream waits for nothing.',
    labels: ['output'],
    buckets: [0.01, 0.05, ...START_BUCKETS],
  },
  {
    name: 'acemux_client_pause_seconds',
    type: 'histogram',
    help: 'Times of a second and more in which a viewer had nothing to be sent, because its stream stood still. Players bridge them as far as their reserve goes (PREBUFFER_SECONDS).',
    labels: [],
    buckets: [1, 2, 3, 4, 6, 8, 10, 15, 30, 60, 120],
  },
  {
    name: 'acemux_egress_bytes_total',
    type: 'counter',
    help: 'Bytes handed to the sockets of viewers, by output: `ts`, `hls`, `file`.',
    labels: ['output'],
  },
  {
    name: 'acemux_streams',
    type: 'gauge',
    help: 'Live streams now, by their state: `starting`, `playing`, `lingering`.',
    labels: ['state'],
  },
  {
    name: 'acemux_clients',
    type: 'gauge',
    help: 'Viewers of live streams now, by output (`ts`, `hls`) and state: `playing`, `lagging` (its connection takes less than the stream), `paused`.',
    labels: ['output', 'state'],
  },
  {
    name: 'acemux_buffer_seconds',
    type: 'gauge',
    help: 'Media in memory, of the playing stream that has the least (`shortest`) and of the one that has most (`longest`).',
    labels: ['which'],
  },
  {
    name: 'acemux_stream_held_seconds',
    type: 'gauge',
    help: 'Since when nothing new has come, of the watched stream that has waited longest.',
    labels: [],
  },
  {
    name: 'acemux_engine_places',
    type: 'gauge',
    help: 'Places for streams on engines that can be used: `used` and `free`.',
    labels: ['state'],
  },
  {
    name: 'acemux_engine_score',
    type: 'gauge',
    help: 'What the choice of an engine goes by, for a stream that no engine knows: of the best candidate and of the worst; both absent where there is none.',
    labels: ['which'],
  },
  {
    name: 'acemux_engine_probes_total',
    type: 'counter',
    help: 'Probes of engines, by verdict: `hit`, `miss`.',
    labels: ['verdict'],
  },
  {
    name: 'acemux_vpns',
    type: 'gauge',
    help: 'VPNs now, by state: `ok`, and what else docs/vpn.md explains.',
    labels: ['state'],
  },
] as const satisfies readonly MetricDeclaration[];
