import type { ReasonCode } from '../../base/reasons.ts';

/**
 * Failures to create an engine that say nothing of engines: what creating needs is away, and is tried again soon without
 * being counted. By the words of the reason table.
 */
const DEPENDENCIES: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'provider_unreachable',
  'docker_unreachable',
  'docker_forbidden',
  'docker_tls',
  'docker_protocol',
  'docker_vpn_not_running',
  'host_memory',
  'vpn_down',
  'shutdown',
]);

export function isDependency(reason: ReasonCode): boolean {
  return DEPENDENCIES.has(reason);
}
