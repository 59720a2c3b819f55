import { createHash } from 'node:crypto';
import type { ImageChoice } from './engine-images.ts';
import type { PortRange } from './port-ranges.ts';

/** All that is the same for each engine of one Docker host. Sizes in bytes. */
export interface DockerSettings extends ImageChoice {
  /** Which of several hosts; undefined: there is one. */
  readonly name: string | undefined;
  /** Whose engines are ours: from DATA_DIR, another one for each acemux. */
  readonly instance: string;
  /** What engines carry beside that, for people and programs: CONTAINER_LABEL. */
  readonly label: readonly [name: string, value: string];
  readonly labels: Readonly<Record<string, string>>;
  readonly namePrefix: string;
  /** The network that engines are put into; undefined: that of acemux' own container, else Docker's default. */
  readonly network: string | undefined;
  /**
   * How engines are reached: by their address on `network`, or by a port that is published on the host. `auto`: on the
   * network if acemux runs in a container there, else by published ports.
   */
  readonly reach: 'auto' | 'network' | 'ports';
  /** Where published ports are reached. */
  readonly engineHost: string;
  readonly ports: PortRange;
  readonly httpsPorts: PortRange;
  readonly publishesHttps: boolean;
  /** More flags for each engine. */
  readonly flags: readonly string[];
  /** More environment for each engine; may hold secrets. */
  readonly environment: Readonly<Record<string, string>>;
  /** 0: none. */
  readonly memoryLimitBytes: number;
  /** Of one core; 0: none. */
  readonly cpuLimit: number;
  readonly pidsLimit: number;
  /** Of what an engine writes, so much is kept. */
  readonly logBytes: number;
  /** `missing`: only what is not there is pulled; `always`: once in the life of this process as well. */
  readonly pull: 'missing' | 'always';
}

/** Behind which a provider may put engines. */
export interface VpnPlace {
  readonly name: string;
  readonly container: string;
  /** Where its engines are reached; undefined: at the address of its container, or where ports are published. */
  readonly host: string | undefined;
  /** Of which its engines get the ports of their APIs; undefined: as those without a VPN. */
  readonly ports: PortRange | undefined;
}

/**
 * What an engine is made of, as one word: an engine that carries another one is out of date. Where engines are reached,
 * what they are called, and which of several ports they get makes no other engine. Pure.
 */
export function specHashOf(settings: DockerSettings): string {
  const { variant, image, arm32Version, arm64Version, flags, environment, labels, network, reach } = settings;
  const { memoryLimitBytes, cpuLimit, pidsLimit, logBytes, publishesHttps } = settings;
  const parts = [
    [variant ?? '', image ?? '', arm32Version, arm64Version, network ?? '', reach],
    flags,
    Object.entries(environment).sort(),
    Object.entries(labels).sort(),
    [memoryLimitBytes, cpuLimit, pidsLimit, logBytes, publishesHttps],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}
