import type { Registry } from 'prom-client';
import { gauge, labelledGauge } from './declared-metric.ts';

/** What the orchestrator's gauges are made of; asked at each scrape. */
export interface OrchestratorSources {
  /** What engines say of the streams that play. */
  readonly stats: () => readonly {
    readonly peers: number;
    readonly speedDownKilobytes: number;
    readonly speedUpKilobytes: number;
    readonly downloadedBytes: number;
    readonly uploadedBytes: number;
  }[];
  readonly playing: () => number;
  readonly engines: () => readonly {
    readonly health: string;
    readonly state: string;
    readonly streams: number;
    readonly vpn: string | undefined;
  }[];
  /** MIN_REPLICAS */
  readonly minimum: () => number;
  /** In the order of the configuration. */
  readonly vpns: () => readonly { readonly name: string; readonly state: string }[];
}

const MIB = 1024 * 1024;
/** Engines say kilobytes. */
const KILOBYTES_PER_MIB = 1024;
const HEALTH_WORDS = ['healthy', 'unhealthy', 'unknown', 'disabled', 'starting'] as const;
type HealthWord = (typeof HEALTH_WORDS)[number];
/** What the orchestrator calls the states of a VPN. */
const HEALTH_OF: Readonly<Record<string, HealthWord>> = {
  ok: 'healthy',
  draining: 'healthy',
  suspect: 'healthy',
  recovering: 'starting',
  down: 'unhealthy',
};

/** Registers the gauges that dashboards of acestream-orchestrator know. */
export function registerOrchestratorMetrics(sources: OrchestratorSources, registers: Registry[]): void {
  const { engines, minimum, playing, stats, vpns } = sources;
  type Stat = ReturnType<typeof stats>[number];
  const total = (value: (stat: Stat) => number): number =>
    stats().reduce((sum, stat) => sum + value(stat), 0);
  const engineCount = (isMeant: (engine: ReturnType<typeof engines>[number]) => boolean): number =>
    engines().filter(isMeant).length;

  gauge('orch_total_streams', playing, registers);
  gauge('orch_active_streams', playing, registers);
  gauge('orch_total_peers', () => total(({ peers }) => peers), registers);
  gauge('orch_total_downloaded_bytes', () => total(({ downloadedBytes }) => downloadedBytes), registers);
  gauge('orch_total_uploaded_bytes', () => total(({ uploadedBytes }) => uploadedBytes), registers);
  gauge('orch_total_downloaded_mb', () => total(({ downloadedBytes }) => downloadedBytes) / MIB, registers);
  gauge('orch_total_uploaded_mb', () => total(({ uploadedBytes }) => uploadedBytes) / MIB, registers);
  gauge(
    'orch_total_download_speed_mbps',
    () => total(({ speedDownKilobytes }) => speedDownKilobytes) / KILOBYTES_PER_MIB,
    registers,
  );
  gauge(
    'orch_total_upload_speed_mbps',
    () => total(({ speedUpKilobytes }) => speedUpKilobytes) / KILOBYTES_PER_MIB,
    registers,
  );
  gauge('orch_engines_total', () => engines().length, registers);
  for (const name of ['orch_healthy_engines', 'orch_engines_healthy'] as const) {
    gauge(name, () => engineCount(({ health }) => health === 'healthy'), registers);
  }
  for (const name of ['orch_unhealthy_engines', 'orch_engines_unhealthy'] as const) {
    gauge(name, () => engineCount(({ health }) => health === 'unhealthy'), registers);
  }
  gauge('orch_engines_draining', () => engineCount(({ state }) => state === 'draining'), registers);
  for (const name of ['orch_used_engines', 'orch_engines_used'] as const) {
    gauge(name, () => engineCount(({ streams }) => streams > 0), registers);
  }
  gauge('orch_extra_engines', () => Math.max(0, engines().length - minimum()), registers);
  const behind = (index: number): number => {
    const vpn = vpns()[index];
    return vpn === undefined ? 0 : engineCount((engine) => engine.vpn === vpn.name);
  };
  gauge('orch_vpn1_engines', () => behind(0), registers);
  gauge('orch_vpn2_engines', () => behind(1), registers);
  gauge('orch_vpn_nodes_total', () => vpns().length, registers);
  gauge('orch_vpn_nodes_healthy', () => vpns().filter(({ state }) => state === 'ok').length, registers);
  gauge(
    'orch_vpn_nodes_draining',
    () => vpns().filter(({ state }) => state === 'draining').length,
    registers,
  );
  for (const [name, read] of [
    ['orch_vpn_health', () => togetherOf(vpns().map(({ state }) => healthOf(state)))],
    ['orch_vpn1_health', () => healthOf(vpns()[0]?.state ?? '', vpns()[0] === undefined)],
    ['orch_vpn2_health', () => healthOf(vpns()[1]?.state ?? '', vpns()[1] === undefined)],
  ] as const) {
    labelledGauge(name, name, () => oneOf(read()), registers);
  }
}

function healthOf(state: string, isAbsent = false): HealthWord {
  return isAbsent ? 'disabled' : (HEALTH_OF[state] ?? 'unknown');
}

/** As the orchestrator says it of two: healthy as long as one is. */
function togetherOf(all: readonly HealthWord[]): HealthWord {
  if (all.length === 0) return 'disabled';
  return (['healthy', 'starting', 'unknown'] as const).find((word) => all.includes(word)) ?? 'unhealthy';
}

function oneOf(word: HealthWord): Record<string, number> {
  return Object.fromEntries(HEALTH_WORDS.map((each) => [each, each === word ? 1 : 0]));
}
