// acemux is killed and started again, as a process of its own: what it has left on engines, and what viewers see.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { loadClip } from '../../src/simulator/clip.ts';
import { SimulatedEngine, type SimulatedEngineOptions } from '../../src/simulator/engine.ts';
import { assertUnbroken } from '../support/continuity-check.ts';
import { complaintsOfFfmpeg, picturesOf } from '../support/ffmpeg.ts';
import { type ParsedSegment, parseStrictly } from '../support/hls-checker.ts';
import { temporaryFolder } from '../support/passing-stream.ts';
import { until } from '../support/rig.ts';
import { Viewer } from '../support/viewer.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const KILLS = LONG ? 100 : 3;
const EXCERPT_KILLS = LONG ? 10 : 1;
const PICTURES_PER_SECOND = 25;
const BINARY = join(import.meta.dirname, '..', '..', 'bin', 'acemux.mjs');
const BITS_PER_SECOND = 2_000_000;
const SECOND_BYTES = BITS_PER_SECOND / 8;
const QUICK = { replyMs: 5, idleMs: 5, prebufMs: 10, unknownIdMs: 20, unknownInfohashMs: 20 };

const clip = loadClip();
const channel = (number: number): string => number.toString(16).padStart(40, 'a');

/** An engine that outlives acemux, and ends nothing by itself. */
async function engineFor(t: TestContext, options: SimulatedEngineOptions = {}) {
  const engine = new SimulatedEngine({
    clip,
    delays: QUICK,
    bitsPerSecond: BITS_PER_SECOND,
    idleExpiryMs: 600_000,
    ...options,
  });
  const { host, port } = await engine.start();
  t.after(() => engine.stop());
  return { engine, address: `${host}:${port}` };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert.ok(typeof address === 'object' && address);
  return address.port;
}

/** One place where acemux lives again and again. */
class Home {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #t: TestContext;

  constructor(t: TestContext, environment: Readonly<Record<string, string>>) {
    this.#t = t;
    this.#environment = environment;
  }

  static async build(
    t: TestContext,
    engines: readonly string[],
    port = 0,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Home> {
    return new Home(t, {
      PATH: process.env['PATH'] ?? '',
      // What is killed leaves no cache of what it has compiled: of the tests' there is one.
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATA_DIR: await temporaryFolder(t),
      ENGINES: engines.join(','),
      PREBUFFER_SECONDS: '1',
      LOG_FORMAT: 'json',
      ...more,
    });
  }

  begin(): Life {
    const life = new Life(
      spawn(process.execPath, [BINARY, 'serve'], {
        env: this.#environment,
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    this.#t.after(() => life.end('SIGKILL'));
    return life;
  }

  async start(): Promise<Life> {
    const life = this.begin();
    await life.ready;
    return life;
  }
}

/** One life of acemux. */
class Life {
  readonly ready: Promise<string>;
  readonly lines: string[] = [];
  url = '';
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #viewers: Viewer[] = [];

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'exit');
    const ready = Promise.withResolvers<string>();
    this.ready = ready.promise;
    ready.promise.catch(() => {}); // It may be killed before.
    void this.#exit.then(() => ready.reject(new Error(`it ended: ${this.lines.slice(-3).join('\n')}`)));
    assert.ok(child.stdout);
    createInterface(child.stdout).on('line', (line) => {
      this.lines.push(line);
      const { msg, url } = JSON.parse(line);
      if (msg !== 'acemux is ready') return;
      this.url = url;
      ready.resolve(url);
    });
  }

  watch(id: string): Viewer {
    const viewer = new Viewer(`${this.url}/ace/getstream?id=${id}`);
    this.#viewers.push(viewer);
    return viewer;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.#exit;
    for (const viewer of this.#viewers.splice(0)) viewer.leave();
  }
}

/** Numbers from 0 to 1, the same for the same seed (xorshift). */
function numbersFrom(seed: number): () => number {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

test(`invariant 5: killed with -9 under load, ${KILLS} times: in the end engines hold nothing that nobody owns`, async (t) => {
  const engines = [await engineFor(t), await engineFor(t)];
  const home = await Home.build(
    t,
    engines.map(({ address }) => address),
  );
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = numbersFrom(seed);
  const open = (): number => engines.reduce((sum, { engine }) => sum + engine.sessions().length, 0);
  for (let kill = 1; kill <= KILLS; kill++) {
    const life = await home.start();
    for (let number = 1; number <= 4; number++) life.watch(channel(number + (kill % 2)));
    await new Promise((resolve) => setTimeout(resolve, random() * 800));
    await life.end('SIGKILL');
    // Five different channels are asked for in all, whatever happens.
    assert.ok(open() <= 10, `${open()} playbacks after ${kill} kills`);
  }
  const last = await home.start();
  const viewer = last.watch(channel(3));
  await viewer.received(2 * SECOND_BYTES);
  assertUnbroken(viewer.media);
  // Its own, and nothing else.
  await until(() => open() === 1);
  for (const { engine } of engines) {
    const most = Math.max(0, ...engine.counters.sessionsAtOnceMax.values());
    assert.ok(most <= 1, `${most} playbacks of one broadcast at once`);
  }
  await last.end('SIGTERM');
  assert.equal(open(), 0);
});

test('killed before the engine has answered: the next life asks as the same player, and stops what is answered', async (t) => {
  const { engine, address } = await engineFor(t, { delays: { ...QUICK, replyMs: 1_500 } });
  const home = await Home.build(t, [address]);
  const life = await home.start();
  life.watch(channel(1));
  await until(() => engine.sessions().length === 1);
  await life.end('SIGKILL');
  const next = await home.start();
  await until(() => engine.sessions().length === 0);
  assert.equal(engine.counters.sessionsOpened, 1, 'it was answered with what was open');
  await next.end('SIGTERM');
});

test('lives that follow each other ask engines for nothing; who comes back goes on, HLS without a reload, TS on the same playback', async (t) => {
  const { engine, address } = await engineFor(t);
  const home = await Home.build(t, [address], await freePort());
  const life = await home.start();
  await life.watch(channel(1)).received(SECOND_BYTES);
  const playlist = await variantOf(life, '');
  const before = await mediaPlaylist(playlist);
  await life.end('SIGKILL');
  // What a supervisor does.
  for (let again = 0; again < (LONG ? 20 : 1); again++) await (await home.start()).end('SIGKILL');
  assert.deepEqual([engine.counters.sessionsOpened, engine.sessions().length], [1, 1]);

  const next = await home.start();
  const viewer = next.watch(channel(1));
  const after = await mediaPlaylist(playlist);
  assert.ok(after.firstNumber >= before.firstNumber + before.segments.length, after.text);
  const segment = after.segments[0];
  assert.ok(segment);
  assertUnbroken(Buffer.from(await (await fetch(new URL(segment, playlist))).arrayBuffer()));
  await viewer.received(SECOND_BYTES);
  assertUnbroken(viewer.media);
  assert.deepEqual([engine.counters.sessionsOpened, engine.sessions().length], [1, 1]);
  await next.end('SIGTERM');
  assert.equal(engine.sessions().length, 0);
});

test(`killed while time-shift writes, ${EXCERPT_KILLS} times: all that was listed is an excerpt in the next life, which asks no engine, and decodes`, async (t) => {
  const { engine, address } = await engineFor(t, { burst: { seconds: 18, bytes: 60_000_000 } });
  const home = await Home.build(t, [address], 0, { TIMESHIFT_SECONDS: '3600' });
  let life = await home.start();
  for (let kill = 1; kill <= EXCERPT_KILLS; kill++) {
    const viewer = life.watch(channel(1));
    await viewer.received(SECOND_BYTES);
    const playlist = await variantOf(life, '');
    let listed = await listAt(playlist);
    while (lastStretchOf(listed).length < 3) {
      await viewer.receivedMore(SECOND_BYTES / 4);
      listed = await listAt(playlist);
    }
    await life.end('SIGKILL');
    life = await home.start();
    const { sessionsOpened } = engine.counters;
    const excerpt = await variantOf(life, '&start=-3600&end=-1');
    const kept = await listAt(excerpt);
    for (const segment of listed) assert.deepEqual(kept[segment.number - kept[0]!.number], segment);
    // What this life has played: it ends somewhere in the middle.
    const stretch = lastStretchOf(kept);
    const parts: Buffer[] = [];
    for (const { uri } of stretch)
      parts.push(Buffer.from(await (await fetch(new URL(uri, excerpt))).arrayBuffer()));
    const media = Buffer.concat(parts);
    assert.equal(await complaintsOfFfmpeg(media), '', `after ${kill} kills`);
    const seconds = stretch.reduce((sum, segment) => sum + segment.seconds, 0);
    assert.equal((await picturesOf(media)).length, Math.round(seconds * PICTURES_PER_SECOND));
    assert.equal(engine.counters.sessionsOpened, sessionsOpened);
  }
  await life.end('SIGTERM');
});

/** The media playlist that a manifest leads to. */
async function variantOf(life: Life, more: string): Promise<URL> {
  const manifest = new URL(`${life.url}/ace/manifest.m3u8?id=${channel(1)}${more}`);
  const reply = await fetch(manifest);
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  const variant = text.split('\n').find((line) => line !== '' && !line.startsWith('#'));
  assert.ok(variant, text);
  return new URL(variant, manifest);
}

async function listAt(playlist: URL): Promise<readonly ParsedSegment[]> {
  const reply = await fetch(playlist);
  return parseStrictly(await reply.text()).segments;
}

/** What stands behind the last break. */
function lastStretchOf(segments: readonly ParsedSegment[]): readonly ParsedSegment[] {
  return segments.slice(
    Math.max(
      0,
      segments.findLastIndex(({ isDiscontinuity }) => isDiscontinuity),
    ),
  );
}

async function mediaPlaylist(url: URL) {
  const response = await fetch(url);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return {
    text,
    firstNumber: Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]),
    segments: text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  };
}
