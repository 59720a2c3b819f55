import type { MetricDeclaration } from './metric-declaration.ts';

const gauge = <Name extends string>(name: Name, help: string) =>
  ({ name, help, type: 'gauge', labels: [] }) as const;
const health = <Name extends string>(name: Name, help: string) =>
  ({ name, help, type: 'gauge', labels: [name] }) as const;

/** The gauges of acestream-orchestrator, for dashboards that were made for it; those of both of its lines. */
export const ORCHESTRATOR_METRICS = [
  gauge('orch_total_streams', 'Streams that play.'),
  gauge('orch_active_streams', 'The same.'),
  gauge('orch_total_peers', 'Peers of all streams together, as engines say.'),
  gauge('orch_total_downloaded_bytes', 'What engines have downloaded for the streams that play.'),
  gauge('orch_total_uploaded_bytes', 'What engines have uploaded for the streams that play.'),
  gauge('orch_total_downloaded_mb', 'The same as orch_total_downloaded_bytes in MiB.'),
  gauge('orch_total_uploaded_mb', 'The same as orch_total_uploaded_bytes in MiB.'),
  gauge(
    'orch_total_download_speed_mbps',
    'Speed of all downloads together, in MiB per second, whatever its name says.',
  ),
  gauge(
    'orch_total_upload_speed_mbps',
    'Speed of all uploads together, in MiB per second, whatever its name says.',
  ),
  gauge('orch_engines_total', 'Engines.'),
  gauge('orch_healthy_engines', 'Engines that can be used.'),
  gauge('orch_engines_healthy', 'The same.'),
  gauge('orch_unhealthy_engines', 'Engines that are unhealthy.'),
  gauge('orch_engines_unhealthy', 'The same.'),
  gauge('orch_engines_draining', 'Engines that are being drained.'),
  gauge('orch_used_engines', 'Engines that play a stream.'),
  gauge('orch_engines_used', 'The same.'),
  gauge('orch_extra_engines', 'Engines beyond the minimum (MIN_REPLICAS).'),
  gauge('orch_vpn1_engines', 'Engines behind the first VPN.'),
  gauge('orch_vpn2_engines', 'Engines behind the second VPN.'),
  gauge('orch_vpn_nodes_total', 'VPNs.'),
  gauge('orch_vpn_nodes_healthy', 'VPNs that are up.'),
  gauge('orch_vpn_nodes_draining', 'VPNs that are taken out of use.'),
  health(
    'orch_vpn_health',
    'Of all VPNs together, 1 at the word that is true: `healthy`, `unhealthy`, `unknown`, `disabled`, `starting`.',
  ),
  health('orch_vpn1_health', 'The same of the first VPN.'),
  health('orch_vpn2_health', 'The same of the second VPN.'),
] as const satisfies readonly MetricDeclaration[];
