import type { Config } from './config.ts';
import { configuredVpns } from './configured-vpns.ts';
import type { ListedDockerHost } from './docker-hosts.ts';
import type { DockerAddress, NamedText } from './docker-values.ts';
import type { PortRange } from './port-range.ts';

type DockerConfig = Config['docker'];

/** One Docker host with all that was said of it, and what follows from that. */
export interface ConfiguredDockerHost {
  readonly endpoint:
    | Extract<DockerAddress, { kind: 'socket' }>
    | (Extract<DockerAddress, { kind: 'tcp' }> & { readonly tlsFolder: string | undefined });
  /** Its own numbers of engines; undefined: those of all. */
  readonly bounds: { readonly min: number; readonly max: number } | undefined;
  /** The VPNs that its engines are put behind. */
  readonly vpns: readonly DockerVpn[];
  readonly settings: DockerHostSettings;
}

export interface DockerVpn {
  readonly name: string;
  readonly container: string;
  /** Where its engines are reached; undefined: at its container's address. */
  readonly host: string | undefined;
  readonly ports: PortRange | undefined;
}

/** What engines there are made of. */
export interface DockerHostSettings
  extends Omit<DockerConfig, 'host' | 'tlsVerify' | 'certPath' | 'hosts' | 'engineHost' | 'label'> {
  /** Undefined: it is the only one. */
  readonly name: string | undefined;
  readonly label: NamedText;
  readonly engineHost: string;
}

const USUAL_LABEL: NamedText = ['acemux.engine', 'true'];

/** DOCKER_HOST, or all of DOCKER_HOSTS. */
export function configuredDockerHosts(config: Config): readonly ConfiguredDockerHost[] {
  const { docker, fleet } = config;
  const { host, tlsVerify, certPath, hosts, engineHost, label = USUAL_LABEL, ...rest } = docker;
  const usual = { ...rest, label };
  const usualCertPath = (tlsVerify ?? certPath !== undefined) ? certPath : undefined;
  const vpns = vpnsOf(config);
  if (hosts.length === 0) {
    return [
      {
        endpoint: endpointOf(host, usualCertPath),
        bounds: undefined,
        vpns,
        settings: { ...usual, name: undefined, engineHost: engineHost ?? hostOf(host) },
      },
    ];
  }
  return hosts.map((listed: ListedDockerHost) => ({
    endpoint: endpointOf(listed.address, listed.certPath ?? usualCertPath),
    bounds: { min: listed.min, max: listed.max ?? fleet.max },
    vpns: vpns.filter(({ name }) => listed.vpns?.includes(name) ?? true),
    settings: {
      ...usual,
      name: listed.name,
      engineHost: listed.engineHost ?? hostOf(listed.address),
      network: listed.network ?? usual.network,
      ports: listed.ports ?? usual.ports,
    },
  }));
}

function vpnsOf(config: Config): readonly DockerVpn[] {
  return configuredVpns(config).flatMap(({ name, containerName, host, portRange, isOfStaticEngines }) => {
    if (isOfStaticEngines || containerName === undefined) return [];
    // Its own name needs Docker's resolver; its address does not.
    const isItself = host === containerName;
    return [{ name, container: containerName, host: isItself ? undefined : host, ports: portRange }];
  });
}

function hostOf(address: DockerAddress): string {
  return address.kind === 'socket' ? '127.0.0.1' : address.host;
}

function endpointOf(address: DockerAddress, tlsFolder: string | undefined): ConfiguredDockerHost['endpoint'] {
  return address.kind === 'socket' ? address : { ...address, tlsFolder };
}
