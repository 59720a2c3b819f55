/** The engine client against the simulated engine: that what one asks is what the other answers. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { EngineClient, type EngineLimits, type MediaStream } from '../../src/engine/engine-client.ts';
import type { Playback, StreamSelector } from '../../src/engine/types.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { SimulatedProvider } from '../../src/fleet/providers/simulated/simulated-provider.ts';
import { derivedInfohash, listedCatalogue } from '../../src/simulator/catalogue.ts';
import { SimulatedEngine, type SimulatedEngineOptions } from '../../src/simulator/engine.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { placeFor } from '../support/fake-fleet.ts';

const selector: StreamSelector = { kind: 'id', hash: 'c'.repeat(40), parameters: {} };
/** Engines of these tests live this much faster than life. */
const TIME_SCALE = 50;

interface Rig {
  readonly engine: SimulatedEngine;
  readonly client: EngineClient;
}

async function rig(
  t: TestContext,
  options: SimulatedEngineOptions = {},
  limits: Partial<EngineLimits> = {},
): Promise<Rig> {
  const engine = new SimulatedEngine({ timeScale: TIME_SCALE, burst: { bytes: 500_000 }, ...options });
  const address = await engine.start();
  const client = new EngineClient({ address, clock: systemClock, log: silentLog(), limits });
  t.after(async () => {
    await client.close();
    await engine.stop();
  });
  return { engine, client };
}

async function open({ client }: Rig): Promise<{ playback: Playback; media: MediaStream }> {
  const playback = await client.start(selector).playback;
  return { playback, media: await client.openMedia(playback, AbortSignal.timeout(10_000)) };
}

async function readBytes(media: MediaStream, bytesMin: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of media) {
    // It is written over at the next read.
    chunks.push(Buffer.from(chunk));
    sizeBytes += chunk.length;
    if (sizeBytes >= bytesMin) break;
  }
  return Buffer.concat(chunks);
}

async function drainMedia(media: MediaStream): Promise<void> {
  for await (const chunk of media) assert.ok(chunk.length > 0);
}

describe('a playback', () => {
  test('starts, plays, tells how it does, and stops: each start matched by a stop', async (t) => {
    const made = await rig(t);
    const { playback, media } = await open(made);
    const bytes = await readBytes(media, 100_000);
    assert.deepEqual([bytes[0], bytes[188], bytes[376]], [0x47, 0x47, 0x47]);
    const stat = await made.client.stat(playback);
    assert.equal(stat.status, 'dl');
    assert.ok(stat.downloadedBytes > 0);
    await made.client.stopPlayback(playback);
    await assert.rejects(made.client.stat(playback), { code: 'playback_unknown' });
    await made.client.stopPlayback(playback);
    const { counters } = made.engine;
    assert.deepEqual(
      [counters.sessionsOpened, counters.stopsReceived],
      [1, 1 + counters.stopsForUnknownSessions],
    );
    assert.equal(counters.corruptReplies, 0);
  });

  test('is asked for as an engine wants to be asked', async (t) => {
    const made = await rig(t);
    const { media } = await open(made);
    media.destroy();
    for (const { method, headers } of made.engine.journal.entries()) {
      assert.equal(method, 'GET');
      assert.equal(headers['accept-encoding'], 'identity');
      assert.equal(headers['connection'], 'close');
      assert.equal(headers['host'], `127.0.0.1:${made.engine.port}`);
      assert.equal(headers['range'], undefined);
    }
    const ports = made.engine.journal.entries().map(({ remotePort }) => remotePort);
    assert.equal(new Set(ports).size, ports.length, 'a connection was used twice');
  });

  test('that is abandoned before the reply is stopped when the reply comes', async (t) => {
    const { engine, client } = await rig(t);
    const start = client.start(selector);
    await engine.journal.waitFor(({ route }) => route === 'start');
    const abandoned = start.abandon();
    await assert.rejects(start.playback, { code: 'abandoned' });
    await abandoned;
    assert.deepEqual([engine.counters.sessionsOpened, engine.counters.stopsReceived], [1, 1]);
    assert.equal(engine.sessions().length, 0);
  });

  test('survives redirects whose bodies never end', async (t) => {
    const made = await rig(t);
    made.engine.faults.set({ fault: { kind: 'redirectBodyHang' } });
    const { media } = await open(made);
    assert.ok((await readBytes(media, 1_000)).length >= 1_000);
  });

  test('comes when the engine has prepared it, after statuses that say not yet', async (t) => {
    const made = await rig(t);
    made.engine.faults.set({
      fault: { kind: 'mediaStatus', status: 500, body: 'preloading' },
      durationMs: 20_000,
    });
    const { media } = await open(made);
    assert.ok((await readBytes(media, 1_000)).length >= 1_000);
  });

  test('of an engine that names its container’s address comes from the configured one', async (t) => {
    const made = await rig(t);
    made.engine.faults.set({ fault: { kind: 'redirectOtherHost', host: '172.17.0.99:6878' } });
    const { media, playback } = await open(made);
    assert.ok((await readBytes(media, 1_000)).length >= 1_000);
    assert.equal(playback.commandUrl.host, `127.0.0.1:${made.engine.port}`);
  });

  test('that is cut by a reset throws source_failed', async (t) => {
    const made = await rig(t);
    made.engine.faults.set({ fault: { kind: 'cut', how: 'rst', afterBytes: 50_000 } });
    const { media } = await open(made);
    await assert.rejects(drainMedia(media), { code: 'source_failed' });
  });

  test('that is cut by an end of file ends', async (t) => {
    const made = await rig(t);
    made.engine.faults.set({ fault: { kind: 'cut', how: 'fin', afterBytes: 50_000 } });
    const { media } = await open(made);
    await drainMedia(media);
  });

  test('has one reader: a second one gets engine_protocol, and the first plays on', async (t) => {
    const made = await rig(t);
    const { playback, media } = await open(made);
    const second = made.client.openMedia(playback, AbortSignal.timeout(10_000));
    await assert.rejects(second, { code: 'engine_protocol' });
    assert.ok((await readBytes(media, 1_000)).length >= 1_000);
  });
});

describe('a start that fails', () => {
  const cases: readonly (readonly [Fault, string])[] = [
    [{ kind: 'errorJson', error: 'failed to load content' }, 'content_unknown'],
    [
      { kind: 'errorJson', error: 'Buy it', extraData: { reason: 'missing_option', option: 'proxyServer' } },
      'paid_option_missing',
    ],
    [{ kind: 'invalidJson' }, 'engine_protocol'],
    [{ kind: 'emptyBody' }, 'engine_protocol'],
    [{ kind: 'htmlBody' }, 'engine_protocol'],
    [{ kind: 'hugeBody' }, 'engine_protocol'],
    [{ kind: 'redirectForeign', url: 'http://127.0.0.1:9/live.m3u8' }, 'foreign_redirect'],
    [{ kind: 'http503' }, 'engine_busy'],
    [{ kind: 'refuse' }, 'engine_unreachable'],
    [{ kind: 'reset' }, 'engine_closed'],
    [{ kind: 'hangBeforeHeaders', routes: ['start'] }, 'engine_timeout'],
    [{ kind: 'hangConnect' }, 'engine_timeout'],
  ];
  for (const [fault, code] of cases) {
    test(`by ${fault.kind} is ${code}`, async (t) => {
      // Only what hangs is to meet the limit; the others are asked twice, a second apart.
      const limits = code === 'engine_timeout' ? { startReplyTimeoutMs: 1_500 } : {};
      const { engine, client } = await rig(t, {}, limits);
      engine.faults.set({ fault });
      await engine.settled();
      await assert.rejects(client.start(selector).playback, { code });
    });
  }
});

test('media whose addresses redirect in a circle are engine_protocol', async (t) => {
  const made = await rig(t);
  made.engine.faults.set({ fault: { kind: 'redirectLoop' } });
  await assert.rejects(open(made), { code: 'engine_protocol' });
});

test('a stop that hangs is given up in time', async (t) => {
  const { engine, client } = await rig(t, {}, { stopTimeoutMs: 100 });
  const playback = await client.start(selector).playback;
  engine.faults.set({ fault: { kind: 'hangBeforeHeaders', routes: ['stop'] } });
  await client.stopPlayback(playback);
});

test('a probe tells version and network', async (t) => {
  const { engine, client } = await rig(t);
  assert.deepEqual(await client.version(), { version: '3.2.3', platform: 'linux' });
  assert.equal(await client.networkConnected(), true);
  engine.faults.set({ fault: { kind: 'disconnected' } });
  assert.equal(await client.networkConnected(), false);
});

describe('a question about contents', () => {
  const HASH = selector.hash;
  const INFOHASH = derivedInfohash(HASH);

  test('tells the infohash of an id, live or recorded, and opens no session', async (t) => {
    const { engine, client } = await rig(t);
    const live = await client.mediaFiles({ kind: 'id', hash: HASH });
    assert.deepEqual([live.infohash, live.isLive, live.files.length], [INFOHASH, true, 1]);
    assert.equal((await client.mediaFiles({ kind: 'infohash', hash: INFOHASH })).infohash, INFOHASH);

    const files = [{ name: 'one.ts', durationSeconds: 1 }];
    const entry = { infohash: INFOHASH, contentIds: [HASH], name: 'A recording', files };
    const other = await rig(t, { catalogue: listedCatalogue([entry]) });
    const recorded = await other.client.mediaFiles({ kind: 'id', hash: HASH });
    assert.deepEqual([recorded.isLive, recorded.name], [false, 'A recording']);
    assert.equal(recorded.files[0]?.name, 'one.ts');
    assert.ok((recorded.files[0]?.sizeBytes ?? 0) > 0);
    await assert.rejects(other.client.mediaFiles({ kind: 'id', hash: 'd'.repeat(40) }), {
      code: 'content_unknown',
    });
    assert.equal(engine.counters.sessionsOpened + other.engine.counters.sessionsOpened, 0);
  });

  for (const contentMethods of ['access-denied', 'unknown-method', 'not-found'] as const) {
    test(`to an engine that answers ${contentMethods} is engine_refuses_call`, async (t) => {
      const { client } = await rig(t, { profile: { contentMethods } });
      const refused = { code: 'engine_refuses_call' };
      await assert.rejects(client.mediaFiles({ kind: 'id', hash: HASH }), refused);
      const request = { query: 'tv', category: undefined, page: 0, pageSize: 10 };
      await assert.rejects(client.search(request), refused);
    });
  }

  test('may be a search, whose results can be played', async (t) => {
    const { client } = await rig(t);
    const request = { query: 'ü & page=7', category: 'news', page: 0, pageSize: 10 };
    const { total, channels } = await client.search(request);
    const [item] = channels[0]?.items ?? [];
    assert.deepEqual([total, item?.name], [1, `Test pattern: ${request.query}`]);
    assert.deepEqual(item?.categories, ['news']);
    const found = await client.mediaFiles({ kind: 'infohash', hash: item?.infohash ?? '' });
    assert.equal(found.isLive, true);
    assert.deepEqual((await client.search({ ...request, page: 1 })).channels, []);
  });

  test('that hangs is engine_timeout in time, and ends with the caller’s signal', async (t) => {
    const { engine, client } = await rig(t, {}, { contentTimeoutMs: 50 });
    engine.faults.set({ fault: { kind: 'hangBeforeHeaders' } });
    await assert.rejects(client.mediaFiles({ kind: 'id', hash: HASH }), { code: 'engine_timeout' });
    const signal = AbortSignal.abort(new Error('gone'));
    await assert.rejects(client.mediaFiles({ kind: 'id', hash: HASH }, signal), /gone/);
  });
});

test('a fleet of simulated engines is healthy, loses one that dies, and is left without anything', async (t) => {
  const engines: SimulatedEngine[] = [];
  const provider = new SimulatedProvider({
    count: 2,
    build: () => {
      const engine = new SimulatedEngine({ timeScale: TIME_SCALE });
      engines.push(engine);
      return engine;
    },
  });
  const clock = new ManualClock();
  const fleet = new Fleet({
    providers: [provider],
    limits: {
      maxStreamsPerEngine: 1,
      forwardedPreferredStreams: 0,
      selectionTimeoutMs: 5_000,
      checkIntervalMs: 20_000,
      failureThreshold: 1,
      listIntervalMs: 20_000,
      startupTimeoutMs: 25_000,
    },
    clock,
    log: silentLog(),
  });
  t.after(() => fleet.stop());
  await fleet.start();
  const signal = new AbortController().signal;
  const [first, second] = await Promise.all([
    fleet.reserve(placeFor(1), signal),
    fleet.reserve(placeFor(2), signal),
  ]);
  assert.deepEqual(
    new Set([first.engine.port, second.engine.port]),
    new Set(engines.map(({ port }) => port)),
  );
  assert.deepEqual(fleet.readiness(), { configured: true, healthy: 2, total: 2 });

  engines[0]!.faults.set({ fault: { kind: 'refuse' } });
  await engines[0]!.settled();
  const dead = fleet.snapshot().find(({ port }) => port === engines[0]!.port);
  fleet.report({
    engineId: dead?.id ?? '',
    stream: 'c',
    outcome: { ok: false, reason: 'engine_unreachable', hadPlayed: false },
  });
  while (fleet.readiness().healthy === 2) await new Promise((resolve) => setImmediate(resolve));
  first.release();
  second.release();
  assert.equal((await fleet.reserve(placeFor(3), signal)).engine.port, engines[1]!.port);
  await fleet.stop();
  assert.equal(clock.pendingTimers, 0);
});
