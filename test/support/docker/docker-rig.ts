import type { TestContext } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import type { DockerEndpoint } from '../../../src/fleet/providers/docker/docker-endpoint.ts';
import {
  DockerProvider,
  type DockerProviderDeps,
} from '../../../src/fleet/providers/docker/docker-provider.ts';
import type { DockerSettings } from '../../../src/fleet/providers/docker/docker-settings.ts';
import { INSTANCE_LABEL } from '../../../src/fleet/providers/docker/engine-labels.ts';
import type { EngineExit, ImageProgress } from '../../../src/fleet/providers/provider.ts';
import { createLog, type Log } from '../../../src/telemetry/log.ts';
import { undoAfter } from '../undo.ts';
import type { DockerHouse } from './docker-house.ts';
import { ENGINE_IMAGE } from './engine-image.ts';

/** What the tests' engines are made of, each test's in an instance of its own. */
export function dockerSettings(instance: string, given: Partial<DockerSettings> = {}): DockerSettings {
  return {
    name: undefined,
    instance,
    label: ['acemux.test', instance],
    labels: {},
    namePrefix: instance,
    network: undefined,
    reach: 'auto',
    engineHost: '127.0.0.1',
    ports: { first: 19_000, last: 19_009 },
    httpsPorts: { first: 45_000, last: 45_009 },
    publishesHttps: false,
    variant: undefined,
    image: ENGINE_IMAGE,
    arm32Version: 'arm32-v3.2.13',
    arm64Version: 'arm64-v3.2.13',
    flags: [],
    environment: { READY_AFTER_SECONDS: '0.2' },
    memoryLimitBytes: 0,
    cpuLimit: 0,
    pidsLimit: 200,
    logBytes: 1024 * 1024,
    pull: 'missing',
    ...given,
  };
}

/** A provider of the test, with what it tells and logs; when the test is over it and all of its engines are gone. */
export class DockerRig {
  readonly provider: DockerProvider;
  readonly instance: string;
  readonly exits: EngineExit[] = [];
  readonly progress: ImageProgress[] = [];
  /** Of the log, each as one JSON object. */
  readonly lines: string[] = [];
  changes = 0;
  #wake = Promise.withResolvers<void>();

  constructor(
    t: TestContext,
    endpoint: DockerEndpoint,
    settings: DockerSettings,
    more: Partial<DockerProviderDeps> = {},
  ) {
    this.instance = settings.instance;
    const log: Log = createLog(
      { level: 'debug', format: 'json' },
      { write: (line) => this.lines.push(line) },
    );
    this.provider = new DockerProvider({ endpoint, settings, clock: systemClock, log, ...more });
    this.provider.watch({
      changed: () => {
        this.changes++;
        this.#next();
      },
      exited: (exit) => {
        this.exits.push(exit);
        this.#next();
      },
      leftAlone: () => {},
      imageProgress: (progress) => {
        this.progress.push(progress);
        this.#next();
      },
    });
    undoAfter(t, () => this.provider.stop());
  }

  /** One on the daemon of the house that has not been started; `given` are settings other than the usual ones. */
  static build(
    t: TestContext,
    house: DockerHouse,
    given: Partial<DockerSettings> = {},
    more: Partial<DockerProviderDeps> = {},
  ): DockerRig {
    const settings = dockerSettings(given.instance ?? house.unique('fleet'), given);
    house.sweep(t, `${INSTANCE_LABEL}=${settings.instance}`);
    return new DockerRig(t, more.endpoint ?? house.endpoint, settings, more);
  }

  /** As `build`, and started. */
  static async start(...given: Parameters<typeof DockerRig.build>): Promise<DockerRig> {
    const rig = DockerRig.build(...given);
    await rig.provider.start();
    return rig;
  }

  /** Looks now, and again whenever something is told. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let next = this.#wake.promise; !(await isSo()); next = this.#wake.promise) await next;
  }

  /** The messages that were logged at a level of at least `warn`. */
  get warnings(): readonly string[] {
    return this.lines.flatMap((line) => {
      const entry: unknown = JSON.parse(line);
      const isEntry = typeof entry === 'object' && entry && 'level' in entry && 'msg' in entry;
      const isGrave = isEntry && ['warn', 'error', 40, 50].some((level) => level === entry.level);
      return isGrave ? [String(entry.msg)] : [];
    });
  }

  #next(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
