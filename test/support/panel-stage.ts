/** acemux with simulated engines of given names, and viewers that take all they get and keep nothing: what the panel is shown with. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type App, startApp } from '../../src/app.ts';
import { AcemuxError } from '../../src/base/reasons.ts';
import { type Config, defaultConfig } from '../../src/config/config.ts';
import type { LoadedConfig } from '../../src/config/load.ts';
import { asLoaded } from '../../src/config/settings.ts';
import type { ListedVpn } from '../../src/config/vpn-list.ts';
import type { EngineAddress } from '../../src/engine/types.ts';
import type { EngineProvider, ObservedEngine } from '../../src/fleet/providers/provider.ts';
import { SimulatedProvider } from '../../src/fleet/providers/simulated/simulated-provider.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import { SimulatedEngine } from '../../src/simulator/engine.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { until } from './rig.ts';

export interface StageEngine {
  readonly name: string;
  readonly vpn?: string;
  readonly forwarded?: boolean;
}

export interface StageOptions {
  readonly engines: readonly StageEngine[];
  readonly bitsPerSecond?: number;
  /** So much of a broadcast comes at once when it is begun. */
  readonly burstSeconds?: number;
  /** Engines that acemux makes itself, beside those of `engines`: how many at first, and at most. */
  readonly made?: { readonly count: number; readonly max: number };
  readonly config?: (config: Config) => Config;
  /** Where values come from, by their paths; of those that are not named it is not told. */
  readonly origins?: LoadedConfig['origins'];
  /** Runs before acemux does, with its data folder: what it finds there from before. */
  readonly prepare?: (dataDir: string) => Promise<void>;
  /** Taken up again after a stop, so that a page that is open finds acemux again. */
  readonly port?: number;
  /** Whose engines and data go on: that acemux must have been stopped. */
  readonly before?: PanelStage;
}

/** The engines of `startWatched`. */
export const WATCHED_ENGINES = [{ name: 'north' }, { name: 'south' }, { name: 'east' }];

const clip = loadClip();
const QUICK = { replyMs: 5, idleMs: 5, prebufMs: 10, unknownIdMs: 20, unknownInfohashMs: 20 };

export class PanelStage {
  readonly app: App;
  readonly engines: readonly SimulatedEngine[];
  readonly addresses: readonly EngineAddress[];
  readonly dataDir: string;
  readonly #viewers: { destroy(): void }[] = [];

  constructor(
    app: App,
    { engines, addresses, dataDir }: Pick<PanelStage, 'engines' | 'addresses' | 'dataDir'>,
  ) {
    this.app = app;
    this.engines = engines;
    this.addresses = addresses;
    this.dataDir = dataDir;
  }

  /** A stage of three engines, with three viewers on one stream and one on another. */
  static async startWatched(
    options: Pick<StageOptions, 'burstSeconds' | 'config' | 'origins'> = {},
  ): Promise<PanelStage> {
    const stage = await PanelStage.start({ engines: WATCHED_ENGINES, ...options });
    await until(() => stage.app.fleet.snapshot().every(({ state }) => state === 'healthy'));
    await stage.watch(streamId(1), 3);
    await stage.watch(streamId(2), 1);
    return stage;
  }

  static async start(options: StageOptions): Promise<PanelStage> {
    const { before } = options;
    const dataDir = before?.dataDir ?? (await mkdtemp(path.join(tmpdir(), 'acemux-panel-')));
    const { bitsPerSecond = 1_000_000, burstSeconds = 20 } = options;
    const burst = { seconds: burstSeconds, bytes: burstSeconds * bitsPerSecond };
    await options.prepare?.(dataDir);
    const build = () =>
      new SimulatedEngine({ clip, delays: QUICK, bitsPerSecond, burst, epochMs: Date.now() - 3_600_000 });
    const engines = before?.engines ?? options.engines.map(build);
    const addresses = before?.addresses ?? (await Promise.all(engines.map((engine) => engine.start())));
    const providers: EngineProvider[] = [];
    if (options.engines.length > 0) providers.push(new StageProvider(options.engines, addresses));
    if (options.made) {
      const { count, max } = options.made;
      providers.push(new SimulatedProvider({ count, bounds: { min: 0, max }, build }));
    }
    const base = defaultConfig();
    const config: Config = {
      ...base,
      server: { ...base.server, host: '127.0.0.1', port: options.port ?? 0 },
      storage: { ...base.storage, dataDir },
      // The browser takes the cores as well: that acemux is late then says nothing.
      limits: { ...base.limits, loopDelayMs: 0 },
    };
    const given = options.config ? options.config(config) : config;
    const app = await startApp(given, {
      log: silentLog(),
      providers,
      ...(options.origins && { loaded: { ...asLoaded(given), origins: options.origins } }),
    });
    return new PanelStage(app, { engines, addresses, dataDir });
  }

  get url(): string {
    return this.app.url;
  }

  /** So many viewers of a stream; resolves when each has media. */
  async watch(id: string, count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#view(id)));
  }

  async #view(id: string): Promise<void> {
    const request = get(`${this.url}/ace/getstream?id=${id}`, { agent: false });
    this.#viewers.push(request);
    request.on('error', () => {});
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('close', () => reject(new Error('a viewer was let go')));
    });
    assert.equal(response.statusCode, 200);
    response.on('error', () => {});
    response.resume();
  }

  /** The session of a stream that plays, and the engine that it plays from. */
  sessionOf(id: string): { readonly sessionId: string; readonly engine: string } {
    const session = this.app.sessions.list().find(({ streamId: each }) => each === id);
    assert.ok(session?.engine);
    return { sessionId: session.sessionId, engine: session.engine.id };
  }

  leaveAll(): void {
    for (const viewer of this.#viewers.splice(0)) viewer.destroy();
  }

  /** The engine of that place dies: it refuses whoever comes, and resets those who are there. */
  kill(index: number): void {
    this.engines[index]?.faults.set({ fault: { kind: 'refuse' } });
    this.engines[index]?.faults.set({ fault: { kind: 'cut', how: 'rst' } });
  }

  /** Ends acemux; engines and data stay for the next one. */
  async stopApp(): Promise<void> {
    this.leaveAll();
    await this.app.stop();
  }

  async stop(): Promise<void> {
    await this.stopApp();
    await Promise.all(this.engines.map((engine) => engine.stop()));
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** A VPN whose control server listens on that port of this machine. */
export function listedVpn(name: string, port: number): ListedVpn {
  return {
    name,
    control: { host: '127.0.0.1', port },
    host: undefined,
    container: undefined,
    apiKey: undefined,
    user: undefined,
    password: undefined,
    portRange: undefined,
    forwardedPort: undefined,
  };
}

/** A hash of 40 digits for each number. */
export function streamId(number: number): string {
  return (0x10000 + number * 7919).toString(16).padStart(8, '0').repeat(5);
}

/** Engines that are given, with names and VPNs. */
class StageProvider implements EngineProvider {
  readonly kind = 'static';
  readonly creates = false;
  readonly #observed: readonly ObservedEngine[];

  constructor(roles: readonly StageEngine[], addresses: readonly EngineAddress[]) {
    this.#observed = addresses.map((address, index) => ({
      id: `engine-${index + 1}`,
      name: roles[index]?.name ?? `engine ${index + 1}`,
      address,
      forwarded: roles[index]?.forwarded ?? false,
      vpn: roles[index]?.vpn,
      labels: {},
    }));
  }

  async start(): Promise<void> {}

  async list(): Promise<readonly ObservedEngine[]> {
    return this.#observed;
  }

  async create(): Promise<string> {
    throw new AcemuxError('provider_fixed');
  }

  async remove(): Promise<void> {
    throw new AcemuxError('provider_fixed');
  }

  async stop(): Promise<void> {}
}
