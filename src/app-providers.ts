/** The part of the composition root that builds where engines come from; app.ts starts and stops it. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Clock } from './base/clock.ts';
import type { Config } from './config/config.ts';
import { configuredDockerHosts } from './config/configured-docker.ts';
import type { ContainerInspector } from './fleet/providers/container-inspector.ts';
import { DockerApi } from './fleet/providers/docker/docker-api.ts';
import { DockerClient } from './fleet/providers/docker/docker-client.ts';
import { DockerProvider } from './fleet/providers/docker/docker-provider.ts';
import { loadOrCreateInstanceId } from './fleet/providers/docker/instance-id.ts';
import type { EngineProvider } from './fleet/providers/provider.ts';
import { SeveralInspectors } from './fleet/providers/several-inspectors.ts';
import { resolveHost } from './fleet/providers/static/resolve-host.ts';
import { StaticProvider } from './fleet/providers/static/static-provider.ts';
import type { Log } from './telemetry/log.ts';

/** Simulated engines of the demo take this long to find their peers: real ones take 1 to 10 s. */
const SIMULATED_PREBUFFER_MS = 1_000;

/** The providers of the configuration, in its order; what runs in Docker is made before. */
export async function makeProviders(
  config: Config,
  docker: readonly DockerProvider[],
  clock: Clock,
): Promise<readonly EngineProvider[]> {
  const made = config.engines.providers.map(async (kind): Promise<readonly EngineProvider[]> => {
    if (kind === 'docker') return docker;
    if (kind === 'static')
      return [new StaticProvider(config.engines.static, { resolve: resolveHost, clock })];
    return [await makeSimulated(config, clock)];
  });
  return (await Promise.all(made)).flat();
}

/** The simulator is loaded for a demo only. */
async function makeSimulated({ simulated }: Config, clock: Clock): Promise<EngineProvider> {
  const [{ loadClip }, { SimulatedEngine }, { SimulatedProvider }] = await Promise.all([
    import('./simulator/clip.ts'),
    import('./simulator/engine.ts'),
    import('./fleet/providers/simulated/simulated-provider.ts'),
  ]);
  const clip = loadClip();
  const { bitsPerSecond, engineCount } = simulated;
  // Time stamps wrap every 26.5 hours: a demo that starts now has a day before its first.
  const epochMs = clock.wallMs() - 60_000;
  const delays = { prebufMs: SIMULATED_PREBUFFER_MS };
  const build = () => new SimulatedEngine({ clip, clock, bitsPerSecond, epochMs, delays });
  return new SimulatedProvider({ count: engineCount, build });
}

/** One provider for each Docker host. @throws AcemuxError config_invalid if DATA_DIR can't be used */
export async function makeDocker(config: Config, clock: Clock, log: Log): Promise<readonly DockerProvider[]> {
  const instance = await loadOrCreateInstanceId(config.storage.dataDir);
  // Docker makes this file in each container, and the container's id is its host name unless it was given one.
  const self = existsSync('/.dockerenv') ? { selfContainer: hostname() } : {};
  return configuredDockerHosts(config).map(({ settings, ...host }) => {
    const part = log.child({ part: 'docker', ...(settings.name !== undefined && { host: settings.name }) });
    return new DockerProvider({ ...host, ...self, settings: { ...settings, instance }, clock, log: part });
  });
}

/**
 * Who restarts containers where acemux makes none: engines of the operator's own whose entries say so. Docker is spoken to
 * when it is used, and not before.
 */
export function makeRestarter(
  config: Config,
  clock: Clock,
): { readonly containers: ContainerInspector; close(): void } {
  const apis = configuredDockerHosts(config).map(({ endpoint }) => new DockerApi({ endpoint, clock }));
  return {
    containers: new SeveralInspectors(apis.map((api) => new DockerClient(api))),
    close: () => {
      for (const api of apis) api.close();
    },
  };
}

/** Who tells of containers on all of these hosts; undefined: acemux uses no Docker. */
export function inspectorOf(docker: readonly DockerProvider[]): ContainerInspector | undefined {
  return docker.length === 0 ? undefined : new SeveralInspectors(docker.map(({ inspector }) => inspector));
}
