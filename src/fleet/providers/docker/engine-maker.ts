import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../base/clock.ts';
import { AcemuxError } from '../../../base/reasons.ts';
import type { Log } from '../../../telemetry/log.ts';
import type { EngineSpec } from '../provider.ts';
import { containerBody, type EnginePlan } from './container-body.ts';
import { explainCreation, takenPorts } from './creation-errors.ts';
import type { DockerClient } from './docker-client.ts';
import { DockerRefusal } from './docker-errors.ts';
import { type DockerSettings, specHashOf, type VpnPlace } from './docker-settings.ts';
import { type EngineImage, type EnginePorts, engineCommand } from './engine-images.ts';
import { type EngineLabels, portsOf, type VpnLabels, writeLabels } from './engine-labels.ts';
import type { OwnContainers } from './own-containers.ts';
import type { PortRange, PortRanges } from './port-ranges.ts';

export interface EngineMakerDeps {
  readonly client: DockerClient;
  readonly settings: DockerSettings;
  readonly containers: OwnContainers;
  readonly ranges: PortRanges;
  readonly clock: Clock;
  readonly log: Log;
}

/** What an engine is made with, beside the settings. */
export interface EngineMaterial {
  readonly image: EngineImage;
  readonly imageId: string;
  /** The network on which it is reached; undefined: by published ports. */
  readonly network: string | undefined;
  readonly vpn: VpnPlace | undefined;
}

/** Another name, or other ports: so often an engine is tried anew. */
const TRIES_MAX = 5;
/** In a network of its own each engine may have the port that engines have by default. */
const ENGINE_PORT = 6878;
/** In a VPN's network each engine needs its own of these, too; engines begin at 62062 and 8621 by default. */
const API_PORTS: PortRange = { first: 62_062, last: 63_061 };
const PEER_PORTS: PortRange = { first: 8_621, last: 9_620 };
/** What was begun and failed is undone within this time, whatever the caller does. */
const UNDO_MS = 30_000;

/** Makes containers of engines, each whole or not at all. */
export class EngineMaker {
  readonly #deps: EngineMakerDeps;

  constructor(deps: EngineMakerDeps) {
    this.#deps = deps;
  }

  /** @throws AcemuxError: why there is none now; what was begun of it is undone, or will be when Docker answers */
  async make(spec: EngineSpec, material: EngineMaterial, signal: AbortSignal): Promise<string> {
    const vpn = material.vpn && (await this.#lookAt(material.vpn, signal));
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted();
      const plan = this.#plan(spec, material, vpn);
      try {
        return await this.#attempt(plan, material, signal);
      } catch (error) {
        if (!this.#mayTryAgain(error, plan.engine, spec) || tries === TRIES_MAX) throw error;
      }
    }
  }

  #mayTryAgain(error: unknown, engine: EngineLabels, spec: EngineSpec): boolean {
    if (!(error instanceof AcemuxError)) return false;
    if (error.code === 'docker_name_taken') return spec.name === undefined;
    if (error.code !== 'docker_ports_taken') return false;
    const taken = takenPorts(error, portsOf(engine));
    for (const port of taken) this.#deps.ranges.quarantine(port);
    const fixed = [spec.hostPort, spec.forwardedPort];
    return !taken.some((port) => fixed.includes(port));
  }

  /** Its container as it is now: engines that were put into an earlier life of it have no network. */
  async #lookAt(place: VpnPlace, signal: AbortSignal): Promise<VpnLabels> {
    const found = await this.#deps.client.details(place.container, signal);
    if (found?.state !== 'running' || found.startedAtMs === undefined) {
      const what = found ? `is ${found.state}` : 'does not exist on this Docker';
      throw new AcemuxError('docker_vpn_not_running', `The VPN’s container ${place.container} ${what}.`);
    }
    return {
      name: place.name,
      container: place.container,
      containerId: found.id,
      startedAtMs: found.startedAtMs,
    };
  }

  /** Takes ports and a name: they count as used from here on, until the attempt is over. */
  #plan(spec: EngineSpec, material: EngineMaterial, vpn: VpnLabels | undefined): EnginePlan {
    const { settings, containers } = this.#deps;
    const ports = this.#takePorts(spec, material);
    const isPublished = vpn === undefined && material.network === undefined;
    const engine: EngineLabels = {
      specHash: specHashOf(settings),
      attempt: randomBytes(8).toString('hex'),
      httpPort: ports.http,
      httpsPort: ports.https,
      apiPort: ports.api,
      peerPort: ports.peers,
      hostHttpPort: isPublished ? ports.http : undefined,
      hostHttpsPort: isPublished ? ports.https : undefined,
      network: vpn === undefined ? material.network : undefined,
      vpn,
      forwarded: spec.forwarded === true || spec.forwardedPort !== undefined,
      forwardedPort: spec.forwardedPort,
      variant: settings.variant ?? material.image.image,
      isManual: false,
    };
    const name = spec.name ?? `${settings.namePrefix}-${randomBytes(3).toString('hex')}`;
    containers.begin(name, engine);
    const [label, value] = settings.label;
    return {
      name,
      engine,
      command: engineCommand(material.image, ports, settings),
      labels: {
        ...settings.labels,
        ...spec.labels,
        [label]: value,
        ...writeLabels(settings.instance, engine),
      },
    };
  }

  #takePorts(spec: EngineSpec, { network, vpn, image }: EngineMaterial): EnginePorts {
    const { settings } = this.#deps;
    const used = new Set(this.#deps.containers.portsInUse);
    const take = (range: PortRange): number => {
      const port = this.#deps.ranges.take(range, used);
      if (port === undefined) {
        throw new AcemuxError(
          'docker_ports_taken',
          `No port from ${range.first} to ${range.last} is free for an engine.`,
        );
      }
      used.add(port);
      return port;
    };
    if (vpn) {
      return {
        http: spec.hostPort ?? take(vpn.ports ?? settings.ports),
        https: take(settings.httpsPorts),
        api: take(API_PORTS),
        peers: spec.forwardedPort ?? take(PEER_PORTS),
      };
    }
    const peers = spec.forwardedPort;
    if (network !== undefined) return { http: ENGINE_PORT, https: undefined, api: undefined, peers };
    // The same port inside and outside: engines build addresses with their own.
    const needsHttps = settings.publishesHttps || image.flagsBy === 'CONF';
    return {
      http: spec.hostPort ?? take(settings.ports),
      https: needsHttps ? take(settings.httpsPorts) : undefined,
      api: undefined,
      peers,
    };
  }

  async #attempt(plan: EnginePlan, material: EngineMaterial, signal: AbortSignal): Promise<string> {
    const { client, containers, settings, clock, log } = this.#deps;
    const made: { id?: string } = {};
    try {
      made.id = await this.#step('create', () =>
        client.create(plan.name, containerBody(plan, settings), signal),
      );
      await this.#step('start', () => client.start(made.id ?? '', signal));
      containers.made({
        id: made.id,
        name: plan.name,
        image: plan.command.image,
        imageId: material.imageId,
        state: 'running',
        createdAtMs: clock.wallMs(),
        labels: plan.labels,
        addresses: {},
      });
      log.info({ container: plan.name, id: made.id, image: plan.command.image }, 'made an engine');
      return made.id;
    } catch (error) {
      containers.failed(plan.name);
      await this.#undo(plan, made.id, error);
      signal.throwIfAborted();
      throw error;
    }
  }

  async #step<T>(step: 'create' | 'start', call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw explainCreation(error, step);
    }
  }

  /** What can't be undone now is found by its attempt, when Docker answers again. */
  async #undo(plan: EnginePlan, id: string | undefined, cause: unknown): Promise<void> {
    const { containers, log } = this.#deps;
    // Docker said no: it has made nothing. The name may be somebody else's.
    if (id === undefined && cause instanceof AcemuxError && cause.cause instanceof DockerRefusal) return;
    const signal = AbortSignal.timeout(UNDO_MS);
    try {
      const found = id ?? (await this.#findAttempt(plan, signal));
      if (found !== undefined) await containers.remove(found, signal);
    } catch (error) {
      log.warn({ container: plan.name, err: error }, 'what was begun of an engine could not be undone yet');
    }
  }

  /** Whether Docker made it, though it never said so. */
  async #findAttempt(plan: EnginePlan, signal: AbortSignal): Promise<string | undefined> {
    const found = await this.#deps.client.details(plan.name, signal);
    return found?.labels['acemux.attempt'] === plan.engine.attempt ? found.id : undefined;
  }
}
