import { type Static, Type } from '../base/schema.ts';
import type { EngineSnapshot } from '../fleet/engine-record.ts';
import type { ContainerStats } from '../fleet/providers/provider.ts';
import type { Explanation } from '../fleet/selection.ts';
import { timeOf } from './times.ts';

const Text = (description?: string) =>
  Type.OrNull(Type.String(description === undefined ? {} : { description }));
const Labels = Type.Record(Type.String());

export const ContainerSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  image: Type.String(),
  image_id: Type.String({ description: 'The digest of what the image’s name meant when it was created.' }),
  created: Type.String({ format: 'date-time' }),
  started_at: Text(),
  status: Type.String({ description: 'created, running or paused.' }),
  labels: Labels,
  ports: Type.Record(Type.Array(Type.Object({ HostIp: Type.String(), HostPort: Type.String() })), {
    description: 'Where its HTTP API is reached.',
  }),
  memory_limit_bytes: Type.OrNull(Type.Integer()),
});

const ScoreSchema = Type.Object({
  score: Type.Number({ description: 'The highest wins.' }),
  parts: Type.Object({
    forwarded: Type.Number(),
    streams: Type.Number(),
    vpn: Type.Number(),
    failures: Type.Number(),
    played: Type.Number(),
    preferred: Type.Number(),
  }),
  is_last_resort: Type.Boolean({ description: 'Taken where there is no other.' }),
  obstacle: Text('Why it is no candidate: excluded, unusable, full or busy.'),
  is_chosen: Type.Boolean(),
});

/** Keys as acestream-orchestrator has them; what acemux adds comes after `forwarded_port`. */
export const EngineStateSchema = Type.Object({
  container_id: Type.String({ description: 'The engine’s id: opaque.' }),
  container_name: Type.String(),
  host: Type.String(),
  port: Type.Integer(),
  labels: Labels,
  forwarded: Type.Boolean(),
  first_seen: Type.String({ format: 'date-time' }),
  last_seen: Type.String({ format: 'date-time' }),
  streams: Type.Array(Type.String(), { description: 'Ids of /streams.' }),
  health_status: Type.String({ description: 'healthy, unhealthy or unknown.' }),
  last_health_check: Text(),
  last_stream_usage: Text(),
  vpn_container: Text(),
  engine_variant: Text(),
  platform: Text(),
  version: Text(),
  forwarded_port: Type.OrNull(Type.Integer()),
  state: Type.String({ description: 'starting, healthy, degraded, unhealthy or draining.' }),
  state_since: Type.String({ format: 'date-time' }),
  detail: Text('Why its last probe failed.'),
  draining: Type.Boolean(),
  drain_reason: Text(),
  stream_count: Type.Integer({ description: 'Places taken on it, starts under way included.' }),
  provider: Type.String(),
  suspected: Type.Boolean({ description: 'Held to be the cause of failures, and therefore taken last.' }),
  unseen: Type.Boolean({ description: 'Its provider can’t be asked now: all this may be out of date.' }),
  vpn_state: Text(),
  container: Type.OrNull(ContainerSchema),
  successes: Type.Integer(),
  failures: Type.Integer(),
  failures_by_reason: Type.Record(Type.Integer()),
  last_failure: Type.OrNull(Type.Object({ reason: Type.String(), at: Type.String({ format: 'date-time' }) })),
  probes: Type.Array(
    Type.Object({
      at: Type.String({ format: 'date-time' }),
      verdict: Type.String({ description: 'hit or miss.' }),
      reason: Text(),
      detail: Text(),
      took_seconds: Type.Number(),
    }),
    { description: 'The latest, oldest first.' },
  ),
  explanation: Type.Optional(ScoreSchema),
});

export const ContainerStatsSchema = Type.Object({
  container_id: Type.String(),
  cpu_percent: Type.OrNull(
    Type.Number({ description: 'Of one core. Null at the first look: two are needed.' }),
  ),
  memory_usage: Type.Integer({ description: 'Bytes, without the cache of files.' }),
  memory_limit: Type.OrNull(Type.Integer({ description: 'Bytes.' })),
  memory_percent: Type.OrNull(Type.Number()),
  network_rx_bytes: Type.OrNull(
    Type.Integer({ description: 'Null behind a VPN, whose container has the network.' }),
  ),
  network_tx_bytes: Type.OrNull(Type.Integer()),
  block_read_bytes: Type.Integer(),
  block_write_bytes: Type.Integer(),
});

export const TotalStatsSchema = Type.Object({
  total_cpu_percent: Type.Number(),
  total_memory_usage: Type.Integer(),
  total_network_rx_bytes: Type.Integer(),
  total_network_tx_bytes: Type.Integer(),
  total_block_read_bytes: Type.Integer(),
  total_block_write_bytes: Type.Integer(),
  container_count: Type.Integer(),
});

/** `streams`: ids of the streams that it plays. */
export function engineWords(
  engine: EngineSnapshot,
  streams: readonly string[],
  explanation?: Explanation,
): Static<typeof EngineStateSchema> {
  const timeOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : timeOf(ms));
  return {
    container_id: engine.id,
    container_name: engine.container?.name ?? engine.name,
    host: engine.host,
    port: engine.port,
    labels: { ...engine.labels },
    forwarded: engine.forwarded,
    first_seen: timeOf(engine.firstSeenAtMs),
    last_seen: timeOf(engine.lastSeenAtMs),
    streams: [...streams],
    health_status: engine.health,
    last_health_check: timeOrNull(engine.lastCheckedAtMs),
    last_stream_usage: timeOrNull(engine.lastUsedAtMs),
    vpn_container: engine.vpn ?? null,
    engine_variant: engine.labels['acestream.engine_variant'] ?? null,
    platform: engine.platform ?? null,
    version: engine.version ?? null,
    forwarded_port: engine.container?.forwardedPort ?? null,
    state: engine.state,
    state_since: timeOf(engine.stateSinceMs),
    detail: engine.healthDetail ?? null,
    draining: engine.isDraining,
    drain_reason: engine.drainWhy ?? null,
    stream_count: engine.streams,
    provider: engine.provider,
    suspected: engine.isSuspected,
    unseen: engine.isUnseen,
    vpn_state: engine.vpnState ?? null,
    container: engine.container ? containerWords(engine) : null,
    successes: engine.successes,
    failures: engine.failures,
    failures_by_reason: { ...engine.failuresByReason },
    last_failure: engine.lastFailure
      ? { reason: engine.lastFailure.reason, at: timeOf(engine.lastFailure.atMs) }
      : null,
    probes: engine.probes.map((probe) => ({
      at: timeOf(probe.atMs),
      verdict: probe.verdict,
      reason: probe.reason ?? null,
      detail: probe.detail ?? null,
      took_seconds: probe.tookMs / 1000,
    })),
    ...(explanation && {
      explanation: {
        score: explanation.score,
        parts: { ...explanation.parts },
        is_last_resort: explanation.isLastResort,
        obstacle: explanation.obstacle ?? null,
        is_chosen: explanation.isChosen,
      },
    }),
  };
}

/** An engine as `GET /containers/{id}` has it; of one that has no container, what is known of it. */
export function containerWords(engine: EngineSnapshot): Static<typeof ContainerSchema> {
  const { container } = engine;
  return {
    id: container?.id ?? engine.id,
    name: container?.name ?? engine.name,
    image: container?.image ?? '',
    image_id: container?.imageId ?? '',
    created: timeOf(container?.createdAtMs ?? engine.firstSeenAtMs),
    started_at: container?.startedAtMs === undefined ? null : timeOf(container.startedAtMs),
    status: container?.state ?? 'running',
    labels: { ...engine.labels },
    ports: {
      [`${engine.labels['acestream.http_port'] ?? engine.port}/tcp`]: [
        { HostIp: engine.host, HostPort: String(engine.port) },
      ],
    },
    memory_limit_bytes: container?.memoryLimitBytes ?? null,
  };
}

export function statsWords(id: string, stats: ContainerStats): Static<typeof ContainerStatsSchema> {
  const { cpuPercent, memoryBytes, memoryLimitBytes } = stats;
  return {
    container_id: id,
    cpu_percent: cpuPercent === undefined ? null : rounded(cpuPercent),
    memory_usage: memoryBytes,
    memory_limit: memoryLimitBytes ?? null,
    memory_percent: memoryLimitBytes ? rounded((100 * memoryBytes) / memoryLimitBytes) : null,
    network_rx_bytes: stats.networkReceivedBytes ?? null,
    network_tx_bytes: stats.networkSentBytes ?? null,
    block_read_bytes: stats.blockReadBytes,
    block_write_bytes: stats.blockWrittenBytes,
  };
}

export function totalStatsWords(all: Iterable<ContainerStats>): Static<typeof TotalStatsSchema> {
  const list = [...all];
  const sum = (of: (stats: ContainerStats) => number | undefined): number =>
    list.reduce((so, one) => so + (of(one) ?? 0), 0);
  return {
    total_cpu_percent: rounded(sum(({ cpuPercent }) => cpuPercent)),
    total_memory_usage: sum(({ memoryBytes }) => memoryBytes),
    total_network_rx_bytes: sum(({ networkReceivedBytes }) => networkReceivedBytes),
    total_network_tx_bytes: sum(({ networkSentBytes }) => networkSentBytes),
    total_block_read_bytes: sum(({ blockReadBytes }) => blockReadBytes),
    total_block_write_bytes: sum(({ blockWrittenBytes }) => blockWrittenBytes),
    container_count: list.length,
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
