import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type App, startApp } from '../../src/app.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { Config } from '../../src/config/config.ts';
import { defaultConfig } from '../../src/config/config.ts';
import type { EngineProvider } from '../../src/fleet/providers/provider.ts';
import { SimulatedProvider } from '../../src/fleet/providers/simulated/simulated-provider.ts';
import { Broadcast } from '../../src/simulator/broadcast.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import { SimulatedEngine, type SimulatedEngineOptions } from '../../src/simulator/engine.ts';
import { buildLayout } from '../../src/simulator/layout.ts';
import { type Log, silentLog } from '../../src/telemetry/log.ts';
import { Viewer } from './viewer.ts';

export const ID = '0123456789abcdef0123456789abcdef01234567';

type Changes = { readonly [Section in keyof Config]?: Partial<Config[Section]> };

export interface RigOptions {
  /** One simulated engine for each; one plain engine if left out. */
  readonly engines?: readonly SimulatedEngineOptions[];
  /** Where more engines come from than these. */
  readonly providers?: readonly EngineProvider[];
  /** What differs from the default configuration. */
  readonly config?: Changes;
  /** When the test ends, another engine may just be being asked to go on with a stream: then that is on its way. */
  readonly endsWhileSearching?: boolean;
  /** acemux's own; the engines and the test keep the machine's. */
  readonly clock?: Clock;
  /** Where acemux logs to; nowhere if left out. */
  readonly log?: Log;
  /** A folder of the test's own, which stays. */
  readonly dataDir?: string;
}

const BITS_PER_SECOND = 2_000_000;
/** Bytes of one second of what the rig's engines play. */
export const BYTES_PER_SECOND = BITS_PER_SECOND / 8;

/** Engines that answer at once and have their peers at once: a test waits for events, not for swarms. */
const QUICK: SimulatedEngineOptions = {
  delays: { replyMs: 5, idleMs: 5, prebufMs: 10, unknownIdMs: 20, unknownInfohashMs: 20 },
  bitsPerSecond: BITS_PER_SECOND,
  // Time stamps wrap every 26.5 hours: not within a test that does not ask for it.
  epochMs: Date.now() - 3_600_000,
};

const clip = loadClip();

/** The whole of acemux on a free port, with simulated engines of the test's own. */
export class Rig {
  readonly app: App;
  readonly engines: readonly SimulatedEngine[];
  readonly dataDir: string;
  readonly #viewers: Viewer[] = [];

  constructor(app: App, engines: readonly SimulatedEngine[], dataDir: string) {
    this.app = app;
    this.engines = engines;
    this.dataDir = dataDir;
  }

  get url(): string {
    return this.app.url;
  }

  /** What engines with the rig's own bitrate deliver for an infohash. */
  broadcast(infohash: string): Broadcast {
    return new Broadcast({ infohash, layout: buildLayout(clip, BITS_PER_SECOND) });
  }

  /** The only engine, or the first. */
  get engine(): SimulatedEngine {
    const [first] = this.engines;
    assert.ok(first);
    return first;
  }

  /** Opens a stream as a player does; the test's end closes it. */
  watch(query = `id=${ID}`): Viewer {
    const viewer = new Viewer(`${this.url}/ace/getstream?${query}`);
    this.#viewers.push(viewer);
    return viewer;
  }

  /** Sends a request as it stands, on a connection of its own; the test's end closes it. */
  send(request: string): Viewer {
    const viewer = new Viewer(this.url, [], request);
    this.#viewers.push(viewer);
    return viewer;
  }

  /** Lets the viewers so far go, with all that they have received. */
  forgetViewers(): void {
    for (const viewer of this.#viewers.splice(0)) viewer.leave();
  }

  async json(place: string): Promise<Record<string, unknown>> {
    const value: unknown = await (await fetch(`${this.url}${place}`)).json();
    assert.ok(typeof value === 'object' && value !== null);
    return Object.fromEntries(Object.entries(value));
  }

  /** Waits until every playback that was opened on any engine has been stopped or has ended. */
  async enginesFree(): Promise<void> {
    await until(() => this.engines.every((engine) => engine.sessions().length === 0));
  }

  async stop(): Promise<void> {
    for (const viewer of this.#viewers) viewer.leave();
    await this.app.stop();
  }
}

/** The rigs of this process that stand now, and what was open before the first of them. Tests of a file may run side by side. */
const standing = { rigs: 0, checks: 0, before: 0 };

/**
 * Starts a rig; when the test is over it is stopped, and nothing may be left: no playback on an engine, no socket,
 * no timer. Where others stand beside it, the last of them looks for sockets and timers.
 */
export async function startRig(t: Pick<TestContext, 'after'>, options: RigOptions = {}): Promise<Rig> {
  if (standing.rigs + standing.checks === 0) standing.before = resources();
  standing.rigs++;
  try {
    return await buildRig(t, options);
  } catch (error) {
    standing.rigs--;
    throw error;
  }
}

async function buildRig(t: Pick<TestContext, 'after'>, options: RigOptions): Promise<Rig> {
  const dataDir = options.dataDir ?? (await mkdtemp(path.join(tmpdir(), 'acemux-test-')));
  const engines = (options.engines ?? [{}]).map(
    (engine) => new SimulatedEngine({ clip, ...QUICK, ...engine }),
  );
  const provider = new SimulatedProvider({
    count: engines.length,
    build: (number) => {
      const engine = engines[number - 1];
      assert.ok(engine);
      return engine;
    },
  });
  const app = await startApp(configWith(options.config ?? {}, dataDir), {
    log: options.log ?? silentLog(),
    ...(options.clock && { clock: options.clock }),
    providers: [...(engines.length > 0 ? [provider] : []), ...(options.providers ?? [])],
  });
  const rig = new Rig(app, engines, dataDir);
  t.after(async () => {
    const opened = engines.map((engine) => engine.counters.sessionsOpened);
    try {
      await rig.stop();
    } finally {
      standing.rigs--;
    }
    engines.forEach((engine, index) => {
      assert.equal(engine.sessions().length, 0, 'a playback outlived acemux');
      if (options.endsWhileSearching) return;
      assert.equal(engine.counters.sessionsOpened, opened[index], 'a playback was opened while stopping');
    });
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true });
    await nothingIsOpen();
  });
  return rig;
}

/** What is open, and was not before the first rig, is waited for; while another rig stands nobody can tell whose it is. */
async function nothingIsOpen(): Promise<void> {
  standing.checks++;
  try {
    await until(() => standing.rigs > 0 || resources() <= standing.before);
  } finally {
    standing.checks--;
  }
}

function configWith(changes: Changes, dataDir: string): Config {
  const config = defaultConfig();
  return {
    ...config,
    server: { ...config.server, host: '127.0.0.1', port: 0, ...changes.server },
    storage: { dataDir, ...changes.storage },
    access: { ...config.access, ...changes.access },
    engines: { ...config.engines, ...changes.engines },
    fleet: { ...config.fleet, ...changes.fleet },
    simulated: { ...config.simulated, ...changes.simulated },
    streams: { ...config.streams, ...changes.streams },
    clients: { ...config.clients, ...changes.clients },
    // Engines and viewers of a test are in this process, too: its loop may be late without acemux having too much to do.
    limits: { ...config.limits, loopDelayMs: 0, ...changes.limits },
    hls: { ...config.hls, ...changes.hls },
    timeshift: { ...config.timeshift, ...changes.timeshift },
    history: { ...config.history, ...changes.history },
    health: { ...config.health, ...changes.health },
    webhooks: { ...config.webhooks, ...changes.webhooks },
    log: { ...config.log, ...changes.log },
  };
}

/** Sockets, servers and timers of this process that are open now. */
function resources(): number {
  const counted = ['TCPSocketWrap', 'TCPServerWrap', 'Timeout'];
  return process.getActiveResourcesInfo().filter((name) => counted.includes(name)).length;
}

/** Longer than anything a test waits for: a condition that never comes must not keep the whole run alive. */
const UNTIL_MAX_MS = 30_000;

/**
 * Resolves when the condition holds; it is looked at again and again, for so long at most.
 * @throws AssertionError when it did not come to hold
 */
export async function until(condition: () => boolean, maxMs = UNTIL_MAX_MS): Promise<void> {
  const endMs = performance.now() + maxMs;
  while (!condition()) {
    assert.ok(performance.now() < endMs, `this never came to hold: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
