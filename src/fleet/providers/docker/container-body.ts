import { isIP } from 'node:net';
import type { DockerSettings } from './docker-settings.ts';
import type { EngineCommand } from './engine-images.ts';
import type { EngineLabels } from './engine-labels.ts';

/** An engine that is about to be made. */
export interface EnginePlan {
  readonly name: string;
  readonly command: EngineCommand;
  readonly engine: EngineLabels;
  /** All of its labels. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * What `POST /containers/create` is sent. No restart policy and no auto-remove: what ends is looked at, told, and only
 * then removed. Pure.
 */
export function containerBody(plan: EnginePlan, settings: DockerSettings): unknown {
  const { command, engine, labels } = plan;
  const published = publishedPorts(engine);
  return {
    Image: command.image,
    ...(command.command.length > 0 && { Cmd: command.command }),
    Env: Object.entries(command.environment).map(([name, value]) => `${name}=${value}`),
    Labels: labels,
    // Docker refuses both in the network of another container.
    ...(engine.vpn === undefined && {
      ExposedPorts: Object.fromEntries(published.map(([port]) => [port, {}])),
    }),
    HostConfig: {
      NetworkMode: networkMode(engine, settings),
      ...(engine.vpn === undefined && {
        PortBindings: Object.fromEntries(
          published.map(([port, hostPort, hostIp]) => [
            port,
            [{ HostIp: hostIp ?? publishAddress(settings.engineHost), HostPort: String(hostPort) }],
          ]),
        ),
      }),
      ...(settings.memoryLimitBytes > 0 && { Memory: settings.memoryLimitBytes }),
      ...(settings.cpuLimit > 0 && { NanoCpus: Math.round(settings.cpuLimit * 1e9) }),
      PidsLimit: settings.pidsLimit,
      // Engines leave zombies behind.
      Init: true,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      LogConfig: {
        Type: 'json-file',
        Config: { 'max-size': String(settings.logBytes), 'max-file': '1' },
      },
    },
  };
}

function networkMode(engine: EngineLabels, settings: DockerSettings): string {
  if (engine.vpn !== undefined) return `container:${engine.vpn.containerId}`;
  return engine.network ?? settings.network ?? 'default';
}

/** [port inside, port on the host, address to publish on if not the usual one] */
function publishedPorts(engine: EngineLabels): readonly (readonly [string, number, string?])[] {
  const ports: [string, number, string?][] = [];
  if (engine.hostHttpPort !== undefined) ports.push([`${engine.httpPort}/tcp`, engine.hostHttpPort]);
  if (engine.hostHttpsPort !== undefined && engine.httpsPort !== undefined) {
    ports.push([`${engine.httpsPort}/tcp`, engine.hostHttpsPort]);
  }
  if (engine.vpn === undefined && engine.forwardedPort !== undefined) {
    // Peers come from everywhere.
    for (const protocol of ['tcp', 'udp']) {
      ports.push([`${engine.forwardedPort}/${protocol}`, engine.forwardedPort, '']);
    }
  }
  return ports;
}

/**
 * An engine's API has no password, so it is published no further than needed: on the address that acemux uses for it.
 * For a name there is no telling which address that is on the host: on all of them.
 */
function publishAddress(engineHost: string): string {
  if (engineHost === 'localhost') return '127.0.0.1';
  return isIP(engineHost) === 0 ? '' : engineHost;
}
