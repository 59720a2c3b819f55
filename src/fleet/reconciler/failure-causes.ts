/**
 * Failures to create an engine that say nothing of engines: what creating needs is away, and is tried again soon without
 * being counted. By the words of the reason table; those of providers are listed where they do not exist in every build.
 */
const DEPENDENCIES: ReadonlySet<string> = new Set([
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

export function isDependency(reason: string): boolean {
  return DEPENDENCIES.has(reason);
}
