import type { Clock } from '../../../base/clock.ts';
import { AcemuxError } from '../../../base/reasons.ts';
import type { Log } from '../../../telemetry/log.ts';
import type { ContainerInspector } from '../container-inspector.ts';
import type {
  ContainerStats,
  EngineProvider,
  EngineSpec,
  ImageProgress,
  LeftAlone,
  ObservedContainer,
  ObservedEngine,
  ProviderListener,
} from '../provider.ts';
import { StatsSampler } from './container-stats.ts';
import { DockerApi } from './docker-api.ts';
import { DockerClient } from './docker-client.ts';
import type { DockerEndpoint } from './docker-endpoint.ts';
import { isAway } from './docker-errors.ts';
import { type DockerSettings, specHashOf, type VpnPlace } from './docker-settings.ts';
import type { ContainerDetails, ContainerEvent } from './docker-shapes.ts';
import { architectureOf, type EngineImage, engineImage } from './engine-images.ts';
import { INSTANCE_LABEL } from './engine-labels.ts';
import { EngineMaker } from './engine-maker.ts';
import { EventFollower } from './event-follower.ts';
import { availableMemory } from './host-memory.ts';
import { ImageStore } from './image-store.ts';
import { type OwnContainer, OwnContainers } from './own-containers.ts';
import { PortRanges } from './port-ranges.ts';

export interface DockerProviderDeps {
  readonly endpoint: DockerEndpoint;
  readonly settings: DockerSettings;
  /** The container that acemux runs in, by name or id, if it does. */
  readonly selfContainer?: string;
  /** How many engines it is to have; left out: as many as all together. */
  readonly bounds?: { readonly min: number; readonly max: number } | undefined;
  /** Those that its engines must be behind; none: they are behind none. */
  readonly vpns?: readonly VpnPlace[];
  readonly clock: Clock;
  readonly log: Log;
}

/** A list asks two or three times; none may take longer together. */
const LIST_MS = 30_000;

/**
 * Engines in containers of one Docker host, made and removed by acemux. What there is, Docker says each time; what an
 * engine is, its labels say. A daemon that is away makes `list` and `create` fail and nothing else.
 */
export class DockerProvider implements EngineProvider {
  readonly kind = 'docker';
  readonly creates = true;
  readonly specHash: string;
  readonly bounds?: { readonly min: number; readonly max: number };
  readonly vpns?: readonly string[];
  readonly engineMemoryBytes?: number;
  readonly #deps: DockerProviderDeps;
  readonly #api: DockerApi;
  readonly #client: DockerClient;
  readonly #images: ImageStore;
  readonly #ranges: PortRanges;
  readonly #containers: OwnContainers;
  readonly #maker: EngineMaker;
  readonly #events: EventFollower;
  readonly #stats: StatsSampler;
  #listener: ProviderListener | undefined;
  #image: EngineImage | undefined;
  #network: { readonly name: string | undefined } | undefined;
  /** Those that engines of ours are behind, by name and id: what happens to them changes the engines. */
  #vpnContainers = new Set<string>();
  #mayBeForeign = true;
  #loggedPercent = 0;
  #isStopped = false;

  constructor(deps: DockerProviderDeps) {
    const { endpoint, settings, clock, log } = deps;
    this.#deps = deps;
    this.specHash = specHashOf(settings);
    if (deps.bounds) this.bounds = deps.bounds;
    if (deps.vpns && deps.vpns.length > 0) this.vpns = deps.vpns.map(({ name }) => name);
    if (settings.memoryLimitBytes > 0) this.engineMemoryBytes = settings.memoryLimitBytes;
    this.#api = new DockerApi({ endpoint, clock });
    this.#client = new DockerClient(this.#api);
    this.#ranges = new PortRanges(clock);
    this.#stats = new StatsSampler(this.#client);
    const client = this.#client;
    this.#images = new ImageStore({
      client,
      pull: settings.pull,
      onProgress: (progress) => this.#onImageProgress(progress),
      clock,
    });
    this.#containers = new OwnContainers({
      client,
      instance: settings.instance,
      label: settings.label,
      onExit: (exit) => this.#listener?.exited(exit),
      onGone: () => this.#listener?.changed(),
      onLeftAlone: (container) => this.#listener?.leftAlone(container),
      onPortTaken: (ports) => {
        for (const port of ports) this.#ranges.quarantine(port);
      },
      clock,
      log,
    });
    this.#maker = new EngineMaker({
      client,
      settings,
      containers: this.#containers,
      ranges: this.#ranges,
      clock,
      log,
    });
    this.#events = new EventFollower({
      client,
      onEvent: (event) => this.#onEvent(event),
      onConnected: () => {
        this.#containers.forgetDetails();
        this.#mayBeForeign = true;
        this.#listener?.changed();
      },
      onLost: () => this.#listener?.changed(),
      clock,
      log,
    });
  }

  get name(): string {
    return this.#deps.settings.name ?? 'docker';
  }

  get leftAlone(): readonly LeftAlone[] {
    return this.#containers.leftAlone;
  }

  /** Asks about containers that are not ours: those of VPNs. */
  get inspector(): ContainerInspector {
    return this.#client;
  }

  watch(listener: ProviderListener): void {
    this.#listener = listener;
  }

  /** Whether Docker answers or not: when it does, its engines are there. */
  async start(): Promise<void> {
    this.#events.start();
  }

  async list(signal: AbortSignal): Promise<readonly ObservedEngine[]> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LIST_MS)]);
    try {
      const own = await this.#containers.refresh(limited);
      const vpns = await this.#lookAtVpns(own, limited);
      if (this.#mayBeForeign || this.#containers.hasForeign) {
        await this.#containers.lookForForeign(limited);
        this.#mayBeForeign = false;
      }
      return own.map((container) => this.#observe(container, vpns));
    } catch (error) {
      signal.throwIfAborted();
      if (isAway(error)) this.#events.distrust();
      if (!limited.aborted) throw error;
      throw new AcemuxError(
        'docker_unreachable',
        `Docker did not tell of its containers within ${LIST_MS / 1000} s.`,
      );
    }
  }

  async create(spec: EngineSpec, signal: AbortSignal): Promise<string> {
    if (this.#isStopped) throw new AcemuxError('shutdown');
    // Which ports are taken has to be known first.
    if (!this.#containers.isComplete) await this.#containers.refresh(signal);
    const image = await this.#engineImage(signal);
    const imageId = await this.#images.ensure(image.image, signal);
    const vpn = spec.vpn === undefined ? undefined : this.#placeOf(spec.vpn);
    const network = await this.#engineNetwork(signal);
    return this.#maker.make(spec, { image, imageId, network, vpn }, signal);
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    if (!this.#containers.isOurs(id)) {
      const found = await this.#client.details(id, signal);
      if (found === undefined) return;
      if (found.labels[INSTANCE_LABEL] !== this.#deps.settings.instance) {
        throw new AcemuxError('docker_not_ours', `The container ${found.name} was not made by this acemux.`);
      }
      return this.#containers.remove(found.id, signal);
    }
    await this.#containers.remove(id, signal);
  }

  /** Pulls the image of engines, though it be there; engines that exist keep theirs. @throws as `create` */
  async pullImage(signal: AbortSignal): Promise<string> {
    return this.#images.pull((await this.#engineImage(signal)).image);
  }

  /** What these containers use; those that can't be told of are left out. */
  stats(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, ContainerStats>> {
    return this.#stats.sample(ids, signal);
  }

  /**
   * Bytes of memory that are left on the host of the engines; undefined: it is not this machine, or it does not say.
   * Docker tells how much there is only, not how much of it is used.
   */
  hostMemoryBytes(): number | undefined {
    return this.#deps.endpoint.kind === 'socket' ? availableMemory() : undefined;
  }

  /** The engines run on: the next start finds them. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#events.stop(), this.#images.stop(), this.#containers.stop()]);
    this.#api.close();
  }

  /** Its beginning, each tenth, and its end are logged: a first pull takes minutes, in which nothing else happens. */
  #onImageProgress(progress: ImageProgress): void {
    const { image, state, fraction = 0, detail } = progress;
    const percent = Math.floor(fraction * 10) * 10;
    if (state === 'failed') this.#deps.log.warn({ image }, `an image could not be pulled: ${detail}`);
    else if (state === 'ready') this.#deps.log.info({ image }, 'pulled an image');
    else if (fraction === 0 || percent > this.#loggedPercent) {
      this.#deps.log.info({ image, percent }, 'pulling an image');
    }
    this.#loggedPercent = percent;
    this.#listener?.imageProgress(progress);
  }

  #onEvent(event: ContainerEvent): void {
    const isOurs = event.attributes[INSTANCE_LABEL] === this.#deps.settings.instance;
    if (isOurs) this.#containers.note(event);
    const isVpn = this.#vpnContainers.has(event.id) || this.#vpnContainers.has(event.name);
    if (isOurs || isVpn) this.#listener?.changed();
  }

  #placeOf(vpn: string): VpnPlace {
    const known = this.#deps.vpns?.find(({ name }) => name === vpn);
    return known ?? { name: vpn, container: vpn, host: undefined, ports: undefined };
  }

  async #engineImage(signal: AbortSignal): Promise<EngineImage> {
    if (this.#image) return this.#image;
    const { architecture } = await this.#client.info(signal);
    const machine = architectureOf(architecture);
    if (machine === undefined) {
      throw new AcemuxError(
        'docker_image_missing',
        `There are no engines for machines of the kind ${architecture}.`,
      );
    }
    this.#image = engineImage(this.#deps.settings, machine);
    return this.#image;
  }

  /** The network on which engines are put and reached; undefined: they are reached by published ports. */
  async #engineNetwork(signal: AbortSignal): Promise<string | undefined> {
    const { settings, selfContainer } = this.#deps;
    if (settings.reach === 'ports') return undefined;
    if (settings.reach === 'network' && settings.network !== undefined) return settings.network;
    this.#network ??= { name: await this.#sharedNetwork(selfContainer, signal) };
    if (settings.reach === 'network' && this.#network.name === undefined) {
      throw new AcemuxError('docker_network_missing', 'ENGINE_REACH=network needs DOCKER_NETWORK.');
    }
    return this.#network.name;
  }

  async #sharedNetwork(self: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const { network } = this.#deps.settings;
    const own = self === undefined ? undefined : await this.#client.details(self, signal);
    const names = Object.keys(own?.addresses ?? {}).sort();
    if (network !== undefined) return names.includes(network) ? network : undefined;
    return names[0];
  }

  async #lookAtVpns(
    own: readonly OwnContainer[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ContainerDetails>> {
    const names = new Set(own.flatMap(({ engine }) => engine.vpn?.container ?? []));
    const found = new Map<string, ContainerDetails>();
    const look = async (name: string): Promise<void> => {
      const details = await this.#client.details(name, signal);
      if (details) found.set(name, details);
    };
    await Promise.all([...names].map(look));
    this.#vpnContainers = new Set([...names, ...[...found.values()].map(({ id }) => id)]);
    return found;
  }

  #observe(
    { listed, engine, details }: OwnContainer,
    vpns: ReadonlyMap<string, ContainerDetails>,
  ): ObservedEngine {
    const vpn = engine.vpn && vpns.get(engine.vpn.container);
    const container: ObservedContainer = {
      id: listed.id,
      name: listed.name,
      image: listed.image,
      imageId: listed.imageId,
      state: listed.state === 'running' || listed.state === 'paused' ? listed.state : 'created',
      createdAtMs: listed.createdAtMs,
      startedAtMs: details.startedAtMs,
      specHash: engine.specHash,
      isManual: engine.isManual,
      isCutOff: isCutOff({ listed, engine, details }, vpn),
      forwardedPort: engine.forwardedPort,
      memoryLimitBytes: details.memoryLimitBytes,
    };
    return {
      id: listed.id,
      name: listed.name,
      address: this.#addressOf({ listed, engine, details }, vpn),
      forwarded: engine.forwarded,
      vpn: engine.vpn?.name,
      labels: listed.labels,
      container,
    };
  }

  #addressOf({ listed, engine }: OwnContainer, vpn: ContainerDetails | undefined): ObservedEngine['address'] {
    const { settings } = this.#deps;
    if (engine.vpn !== undefined) {
      const host = this.#placeOf(engine.vpn.name).host ?? addressOn(vpn?.addresses, settings.network);
      return { host: host ?? engine.vpn.container, port: engine.httpPort };
    }
    if (engine.hostHttpPort !== undefined) return { host: settings.engineHost, port: engine.hostHttpPort };
    return { host: addressOn(listed.addresses, engine.network) ?? listed.name, port: engine.httpPort };
  }
}

/** In the network named, else in any. */
function addressOn(
  addresses: Readonly<Record<string, string>> | undefined,
  network: string | undefined,
): string | undefined {
  if (network !== undefined && addresses?.[network] !== undefined) return addresses[network];
  return Object.values(addresses ?? {})[0];
}

/**
 * Whether its VPN's container is another one than it was put behind, or was started again since it itself was: the
 * network that it is in is dead then. A VPN that is away now may come back as it was.
 */
function isCutOff({ engine, details }: OwnContainer, vpn: ContainerDetails | undefined): boolean {
  if (engine.vpn === undefined || vpn?.startedAtMs === undefined) return false;
  if (vpn.id !== engine.vpn.containerId) return true;
  const isRestarted = vpn.startedAtMs !== engine.vpn.startedAtMs;
  return isRestarted && (details.startedAtMs ?? 0) <= vpn.startedAtMs;
}
