import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type App, startApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { GluetunSwitches } from '../../../src/simulator/gluetun/simulated-gluetun.ts';
import type { AcemuxEvent, EventType } from '../../../src/telemetry/events/event.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { undoAfter } from '../undo.ts';
import { Viewer } from '../viewer.ts';
import type { DockerHouse } from './docker-house.ts';
import { GLUETUN_PROGRAM } from './engine-image.ts';

/** VPNs are judged so many times faster than in the field: most of what the scenes wait for is that. */
export const VPN_PACE = process.env['LONG_TESTS'] === '1' ? 1 : 4;

const never = new AbortController().signal;

/** One engine of `/engines`, as far as the tests read it. */
export interface SeenEngine {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly vpn: string;
  readonly streams: readonly string[];
  readonly isHealthy: boolean;
  readonly forwardedPort: number | undefined;
  /** Its part of the score; undefined where no stream was named. */
  readonly forwardedScore: number | undefined;
}

export interface VpnSceneOptions {
  /** How many Gluetuns; 2 if left out. */
  readonly vpns?: 1 | 2;
  /** What each begins with. */
  readonly switches?: Partial<GluetunSwitches>;
  /** How many engines behind each are kept; 1 if left out. */
  readonly enginesPerVpn?: number;
  /** Whether Docker looks after the health of each, which takes a process every two seconds; no if left out. */
  readonly hasHealthCheck?: boolean;
  /** Of acemux, beside the scene's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A simulated Gluetun in a container. acemux knows it by its name, which is its address: there is no resolver here. */
export class GluetunContainer {
  readonly name: string;
  readonly #house: DockerHouse;
  readonly #network: string;
  readonly #options: VpnSceneOptions;
  #id = '';

  constructor(house: DockerHouse, network: string, name: string, options: VpnSceneOptions) {
    this.name = name;
    this.#house = house;
    this.#network = network;
    this.#options = options;
  }

  get id(): string {
    return this.#id;
  }

  get #driver(): string {
    return `http://${this.name}:8000/simulated/switches`;
  }

  /** Makes it and starts it. */
  async start(t: TestContext): Promise<void> {
    const { switches = {}, hasHealthCheck = false } = this.#options;
    this.#id = await this.#house.container(t, {
      name: this.name,
      network: this.#network,
      address: this.name,
      node: [GLUETUN_PROGRAM],
      ...(hasHealthCheck && { healthCheck: ['/usr/local/bin/node', GLUETUN_PROGRAM, 'health'] }),
      env: { SWITCHES: JSON.stringify(switches) },
    });
  }

  /** Resolves when its tunnel is as it is to be at first. */
  async ready(): Promise<void> {
    const endMs = performance.now() + WAIT_MAX_MS;
    const wanted = this.#options.switches?.tunnel ?? 'running';
    for (;;) {
      const reply = await fetch(this.#driver).catch(() => undefined); // It does not listen yet.
      if (reply && Object(await reply.json()).tunnel === wanted) return;
      assert.ok(performance.now() < endMs, `the simulated Gluetun at ${this.name} is ${wanted} in the end`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** As `docker restart` does. */
  async restart(): Promise<void> {
    await this.#house.call('POST', `/containers/${this.#id}/restart?t=5`);
  }

  /** As `docker rm -f` does. */
  async remove(): Promise<void> {
    await this.#house.client.remove(this.#id, never);
  }

  /** Changes what it does; resolves when it has answered. */
  async set(switches: Partial<GluetunSwitches>): Promise<void> {
    const { ok } = await fetch(this.#driver, { method: 'PUT', body: JSON.stringify(switches) });
    assert.ok(ok, 'the simulated Gluetun can be driven');
  }
}

/** The whole of acemux with engines in real containers, in the networks of real containers of simulated Gluetuns. */
export class VpnScene {
  readonly app: App;
  readonly gluetuns: readonly GluetunContainer[];
  readonly events: AcemuxEvent[] = [];
  readonly label: string;
  readonly #t: TestContext;
  readonly #viewers: Viewer[] = [];

  constructor(t: TestContext, app: App, gluetuns: readonly GluetunContainer[], label: string) {
    this.#t = t;
    this.app = app;
    this.gluetuns = gluetuns;
    this.label = label;
    app.events.subscribe((event) => void this.events.push(event));
  }

  /** The first, or the only one. */
  get gluetun(): GluetunContainer {
    const [first] = this.gluetuns;
    assert.ok(first);
    return first;
  }

  /** Looks again and again; fails, with what happened, when it does not come. */
  async until<T>(what: string, look: () => T | Falsy | Promise<T | Falsy>): Promise<T> {
    const endMs = performance.now() + WAIT_MAX_MS;
    for (;;) {
      const found = await look();
      if (found) return found;
      assert.ok(performance.now() < endMs, `this never came: ${what}\n${this.story()}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Resolves with the first event of the type that fits, of those from now on or from the one with that index on. */
  event(type: EventType, fits: (event: AcemuxEvent) => boolean = () => true, from = this.events.length) {
    return this.until(type, () =>
      this.events.slice(from).find((event) => event.type === type && fits(event)),
    );
  }

  /** Resolves when a VPN is in a state. */
  async vpnIs(gluetun: GluetunContainer, state: string): Promise<void> {
    await this.until(`${gluetun.name} is ${state}`, () => this.app.vpns.stateOf(gluetun.name) === state);
  }

  countOf(type: EventType, from = 0): number {
    return this.events.slice(from).filter((event) => event.type === type).length;
  }

  async json(place: string): Promise<unknown> {
    return (await fetch(`${this.app.url}${place}`)).json();
  }

  /** As `/engines` tells of them. */
  async engines(explain?: string): Promise<readonly SeenEngine[]> {
    const list = await this.json(explain === undefined ? '/engines' : `/engines?explain=${explain}`);
    assert.ok(Array.isArray(list), JSON.stringify(list));
    return list.map(readEngine);
  }

  /** Resolves with the engines once there are so many that are well, and at least one of them behind each VPN. */
  async whole(count = this.gluetuns.length): Promise<readonly SeenEngine[]> {
    return this.until(`${count} engines that are well`, async () => {
      const engines = await this.engines();
      const isEverywhere = this.gluetuns.every(({ name }) => engines.some(({ vpn }) => vpn === name));
      return isEverywhere && engines.filter(({ isHealthy }) => isHealthy).length >= count && engines;
    });
  }

  /** Opens a stream as a player does, and resolves when it plays. */
  async watch(infohash: string): Promise<Viewer> {
    const viewer = new Viewer(`${this.app.url}/ace/getstream?infohash=${infohash}`);
    this.#viewers.push(viewer);
    assert.equal(await viewer.status(), 200);
    await viewer.received(PLAYS_BYTES);
    return viewer;
  }

  /** The engine that plays a stream now. */
  async engineOf(infohash: string): Promise<SeenEngine | undefined> {
    const id = this.app.sessions.find(infohash)?.engine?.id;
    return (await this.engines()).find((engine) => engine.id === id);
  }

  /** The Gluetun that an engine is behind. */
  gluetunOf({ vpn }: SeenEngine): GluetunContainer {
    const found = this.gluetuns.find(({ name }) => name === vpn);
    assert.ok(found);
    return found;
  }

  /** Writes how long something took into the test's output: what docs/vpn.md tells was read there. */
  measured(what: string): () => void {
    const beganMs = performance.now();
    return () => this.#t.diagnostic(`${what}: ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
  }

  /** What has happened, for a failure's message. */
  story(): string {
    const startMs = this.events[0]?.wallMs ?? 0;
    return this.events
      .map(({ wallMs, type, engine = '', details }) =>
        [((wallMs - startMs) / 1000).toFixed(1), type, engine.slice(0, 8), JSON.stringify(details)].join(' '),
      )
      .join('\n');
  }

  async stop(): Promise<void> {
    for (const viewer of this.#viewers) viewer.leave();
    await this.app.stop();
  }
}

type Falsy = false | undefined;

/** Longer than anything here takes: recovering of a VPN, with its jitter, takes 50 s. */
const WAIT_MAX_MS = 100_000;
const LOOK_MS = 100;
const PLAYS_BYTES = 188 * 500;

/** Starts a scene; when the test is over acemux is, and nothing is left of it on Docker. */
export async function vpnScene(
  t: TestContext,
  house: DockerHouse,
  options: VpnSceneOptions = {},
): Promise<VpnScene> {
  const { vpns = 2, enginesPerVpn = 1, environment = {} } = options;
  const { name: network, addresses } = await house.addressedNetwork(t);
  const gluetuns = addresses
    .slice(0, vpns)
    .map((address) => new GluetunContainer(house, network, address, options));
  await Promise.all(gluetuns.map((gluetun) => gluetun.start(t)));
  await Promise.all(gluetuns.map((gluetun) => gluetun.ready()));
  const label = `acemux.test=${house.unique('vpn')}`;
  house.sweep(t, label);
  const dataDir = await mkdtemp(join(tmpdir(), 'acemux-vpn-'));
  undoAfter(t, () => rm(dataDir, { recursive: true, force: true }));
  const { config } = loadConfig({
    environment: {
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      ENGINE_PROVIDER: 'docker',
      DOCKER_HOST: `unix://${house.socket}`,
      DOCKER_NETWORK: network,
      CONTAINER_LABEL: label,
      ENGINE_IMAGE: house.image,
      ENGINE_ENV: [
        'READY_AFTER_SECONDS=0.2',
        'SIMULATE=--bitrate 2 --prebuffer 0.3',
        'NETWORK_BY=http://127.0.0.1:8000/simulated/health',
      ].join(','),
      GLUETUN_CONTAINER_NAME: gluetuns[0]?.name ?? '',
      ...(gluetuns[1] && { GLUETUN_CONTAINER_NAME_2: gluetuns[1].name }),
      GLUETUN_HEALTH_CHECK_INTERVAL: VPN_PACE === 1 ? '1s' : '400ms',
      GLUETUN_PORT_CACHE_TTL_S: '1',
      MIN_REPLICAS: String(enginesPerVpn * vpns),
      MIN_FREE_REPLICAS: '0',
      MAX_REPLICAS: String(enginesPerVpn * vpns + 2),
      AUTOSCALE_INTERVAL: '1',
      ENGINE_GRACE_PERIOD: '2',
      STARTUP_TIMEOUT: '60',
      HOST_MEMORY_RESERVE: '0',
      HEALTH_REPLACEMENT_COOLDOWN: '2',
      HEALTH_CHECK_INTERVAL: '1',
      PREBUFFER_SECONDS: '0',
      OVERLOAD_LOOP_DELAY: '0',
      ...environment,
    },
  });
  const app = await startApp(config, { log: silentLog(), vpnPace: VPN_PACE });
  const scene = new VpnScene(t, app, gluetuns, label);
  undoAfter(t, () => scene.stop());
  return scene;
}

function readEngine(value: unknown): SeenEngine {
  const found: Record<string, unknown> = Object(value);
  const score: Record<string, unknown> = Object(Object(found['explanation'])['parts']);
  return {
    id: String(found['container_id']),
    host: String(found['host']),
    port: Number(found['port']),
    vpn: String(found['vpn_container']),
    streams: Array.isArray(found['streams']) ? found['streams'].map(String) : [],
    isHealthy: found['state'] === 'healthy',
    forwardedPort: typeof found['forwarded_port'] === 'number' ? found['forwarded_port'] : undefined,
    forwardedScore: typeof score['forwarded'] === 'number' ? score['forwarded'] : undefined,
  };
}
