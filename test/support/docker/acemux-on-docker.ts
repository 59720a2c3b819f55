import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { type App, startApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { INSTANCE_LABEL } from '../../../src/fleet/providers/docker/engine-labels.ts';
import { loadOrCreateInstanceId } from '../../../src/fleet/providers/docker/instance-id.ts';
import type { AcemuxEvent, EventType } from '../../../src/telemetry/events/event.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { temporaryFolder } from '../passing-stream.ts';
import { undoAfter } from '../undo.ts';
import { Viewer } from '../viewer.ts';
import type { DockerHouse } from './docker-house.ts';

/** Of the engines' media. */
const BITS_PER_SECOND = 2_000_000;
/** Bytes of one second of what engines play. */
export const SECOND_BYTES = BITS_PER_SECOND / 8;

const API_KEY = 'the-operator-of-the-scenarios';
/** Longer than anything that a scenario waits for; what hangs fails by this, and says what it waited for. */
const UNTIL_MAX_MS = 120_000;
/** Each look costs acemux and the daemon more than it costs the test. */
const LOOK_MS = 50;
const BINARY = join(import.meta.dirname, '..', '..', '..', 'bin', 'acemux.mjs');

/** A 40-hex id for each number. */
export function channel(number: number): string {
  return number.toString(16).padStart(40, 'a');
}

/** What `/engines` tells of one, as far as scenarios look at it. */
export interface ToldEngine {
  readonly container_id: string;
  readonly container_name: string;
  readonly host: string;
  readonly port: number;
  readonly last_health_check: string | null;
  readonly state: string;
  readonly stream_count: number;
  readonly draining: boolean;
  readonly unseen: boolean;
  readonly container: { readonly id: string } | null;
}

/** Where acemux lives: its configuration in the variables that users set, its DATA_DIR, and the daemon that it uses. */
export class AcemuxHome {
  readonly house: DockerHouse;
  readonly dataDir: string;
  readonly instance: string;
  readonly environment: Readonly<Record<string, string>>;

  constructor(
    house: DockerHouse,
    dataDir: string,
    instance: string,
    environment: Readonly<Record<string, string>>,
  ) {
    this.house = house;
    this.dataDir = dataDir;
    this.instance = instance;
    this.environment = environment;
  }

  /** `given`: variables other than the scenarios' usual ones. What is left of its containers goes when the test ends. */
  static async build(
    t: TestContext,
    house: DockerHouse,
    given: Readonly<Record<string, string>> = {},
  ): Promise<AcemuxHome> {
    const dataDir = await temporaryFolder(t);
    const instance = await loadOrCreateInstanceId(dataDir);
    house.sweep(t, `${INSTANCE_LABEL}=${instance}`);
    return new AcemuxHome(house, dataDir, instance, {
      HOST: '127.0.0.1',
      PORT: '0',
      OVERLOAD_LOOP_DELAY: '0',
      DATA_DIR: dataDir,
      API_KEY,
      ENGINE_PROVIDER: 'docker',
      DOCKER_HOST: `unix://${house.socket}`,
      DOCKER_NETWORK: 'bridge',
      ENGINE_REACH: 'network',
      ENGINE_IMAGE: house.image,
      ENGINE_ENV: 'READY_AFTER_SECONDS=1,SIMULATE=--bitrate 2 --prebuffer 0.2',
      MIN_REPLICAS: '2',
      MAX_REPLICAS: '4',
      MIN_FREE_REPLICAS: '0',
      ENGINE_GRACE_PERIOD: '2s',
      AUTOSCALE_INTERVAL: '1s',
      HEALTH_CHECK_INTERVAL: '1s',
      HEALTH_UNHEALTHY_GRACE_PERIOD: '1s',
      HEALTH_REPLACEMENT_COOLDOWN: '1s',
      HOST_MEMORY_RESERVE: '0',
      PREBUFFER_SECONDS: '1',
      STREAM_IDLE_TIMEOUT: '1s',
      SESSION_CLEANUP_INTERVAL: '1s',
      SHUTDOWN_TIMEOUT: '4s',
      LOG_FORMAT: 'json',
      ...given,
    });
  }

  /** The names of all containers of this acemux, whatever they do. */
  containers(): Promise<string[]> {
    return this.house.names(`${INSTANCE_LABEL}=${this.instance}`);
  }

  /** Of those, the ones that run. */
  async running(): Promise<string[]> {
    const all = await this.house.client.list(
      [`${INSTANCE_LABEL}=${this.instance}`],
      AbortSignal.timeout(10_000),
    );
    return all.flatMap(({ name, state }) => (state === 'running' ? [name] : [])).sort();
  }

  /** acemux with other variables, in the same DATA_DIR. */
  with(given: Readonly<Record<string, string>>): AcemuxHome {
    return new AcemuxHome(this.house, this.dataDir, this.instance, { ...this.environment, ...given });
  }
}

/** What every acemux is asked, wherever it runs. */
export abstract class RunningAcemux {
  readonly home: AcemuxHome;
  readonly #viewers: Viewer[] = [];

  constructor(home: AcemuxHome) {
    this.home = home;
  }

  abstract get url(): string;

  /** A player; the test's end closes it. */
  watch(id = channel(1)): Viewer {
    const viewer = new Viewer(`${this.url}/ace/getstream?id=${id}`);
    this.#viewers.push(viewer);
    return viewer;
  }

  forgetViewers(): void {
    for (const viewer of this.#viewers.splice(0)) viewer.leave();
  }

  async get(place: string): Promise<unknown> {
    // A connection each: one that is kept may be closed by the other side in the moment in which it is used again.
    const headers = { Authorization: `Bearer ${API_KEY}`, Connection: 'close' };
    const response = await fetch(`${this.url}${place}`, { headers });
    assert.equal(response.status, 200, `${place}: ${response.status}`);
    return response.json();
  }

  /** Has something done by the operator; its answer. */
  async act(method: 'POST' | 'DELETE', place: string): Promise<unknown> {
    const headers = { Authorization: `Bearer ${API_KEY}`, Connection: 'close' };
    const response = await fetch(`${this.url}${place}`, { method, headers });
    return response.json();
  }

  async object(place: string): Promise<Record<string, unknown>> {
    const value = await this.get(place);
    assert.ok(typeof value === 'object' && value !== null, place);
    return Object.fromEntries(Object.entries(value));
  }

  async engines(): Promise<readonly ToldEngine[]> {
    const list = await this.get('/engines');
    assert.ok(Array.isArray(list));
    return list;
  }

  /** Resolves with `/engines` once there are so many, all of them healthy, and Docker has no other container of ours. */
  async whole(count: number): Promise<readonly ToldEngine[]> {
    let engines: readonly ToldEngine[] = [];
    await eventually(`${count} healthy engines`, async () => {
      engines = await this.engines();
      if (engines.length !== count || !engines.every(isWell)) return false;
      const containers = await this.home.containers();
      return containers.join() === namesOf(engines).join();
    });
    return engines;
  }
}

export function isWell({ state, draining, unseen }: ToldEngine): boolean {
  return state === 'healthy' && !draining && !unseen;
}

export function namesOf(engines: readonly ToldEngine[]): string[] {
  return engines.map(({ container_name }) => container_name).sort();
}

/** Looks again and again until it holds. @throws AssertionError when it does not come to hold */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  maxMs = UNTIL_MAX_MS,
): Promise<void> {
  const endMs = performance.now() + maxMs;
  while (!(await isSo())) {
    assert.ok(performance.now() < endMs, `this never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** acemux in this process, with all its parts real. */
export class AcemuxInProcess extends RunningAcemux {
  readonly app: App;
  readonly events: AcemuxEvent[] = [];
  readonly lines: string[];

  private constructor(home: AcemuxHome, app: App, lines: string[]) {
    super(home);
    this.app = app;
    this.lines = lines;
    app.events.subscribe((event) => this.events.push(event));
  }

  get url(): string {
    return this.app.url;
  }

  static async start(t: TestContext, home: AcemuxHome): Promise<AcemuxInProcess> {
    const { config } = loadConfig({ environment: home.environment });
    const lines: string[] = [];
    const write = (line: string): void => void lines.push(line);
    const log = createLog({ level: 'debug', format: 'json' }, { write });
    const acemux = new AcemuxInProcess(home, await startApp(config, { log }), lines);
    undoAfter(t, () => acemux.stop());
    return acemux;
  }

  async stop(): Promise<void> {
    this.forgetViewers();
    await this.app.stop();
  }

  of(type: EventType): AcemuxEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  /** The engine that plays a stream now, by its container's id. */
  engineOf(id = channel(1)): string {
    const session = this.app.sessions.list().find(({ streamId }) => streamId === id);
    assert.ok(session?.engine, 'an engine plays the stream');
    return session.engine.id;
  }
}

/** `bin/acemux.mjs serve` as a process of its own, which may be killed. */
export class AcemuxProcess extends RunningAcemux {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly lines: string[] = [];
  readonly #ready = Promise.withResolvers<string>();
  #url = '';

  private constructor(home: AcemuxHome) {
    super(home);
    const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
    this.#child = spawn(process.execPath, [BINARY, 'serve'], {
      env: { PATH, NODE_COMPILE_CACHE, ...home.environment },
      // Where it looks for acemux.yaml.
      cwd: home.dataDir,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#exit = once(this.#child, 'exit');
    assert.ok(this.#child.stdout);
    createInterface(this.#child.stdout).on('line', (line) => {
      this.lines.push(line);
      const { msg, url } = JSON.parse(line);
      if (msg === 'acemux is ready') this.#ready.resolve(url);
    });
  }

  get url(): string {
    return this.#url;
  }

  /** Begins, and is ended with the test; `ready` tells when it listens. */
  static begin(t: TestContext, home: AcemuxHome): AcemuxProcess {
    const acemux = new AcemuxProcess(home);
    undoAfter(t, () => acemux.end('SIGKILL'));
    return acemux;
  }

  static async start(t: TestContext, home: AcemuxHome): Promise<AcemuxProcess> {
    const acemux = AcemuxProcess.begin(t, home);
    await acemux.ready();
    return acemux;
  }

  /** The lines of its log with this message. */
  told(message: string): Record<string, unknown>[] {
    return this.lines
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter(({ msg }) => msg === message);
  }

  async ready(): Promise<void> {
    const ended = this.#exit.then(() => assert.fail(`acemux ended: ${this.lines.slice(-3).join('\n')}`));
    this.#url = await Promise.race([this.#ready.promise, ended]);
  }

  /** Has it read its configuration again; resolves when it has. */
  async readAgain(): Promise<void> {
    const isTold = (line: string): boolean => line.includes('the configuration was read again');
    const before = this.lines.filter(isTold).length;
    this.#child.kill('SIGHUP');
    await eventually('the configuration is read again', () => this.lines.filter(isTold).length > before);
  }

  /** Sends the signal and resolves when the process has ended. Safe to call twice. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.#exit;
    this.forgetViewers();
  }
}
