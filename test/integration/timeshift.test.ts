import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Broadcast, PMT_PID } from '../../src/simulator/broadcast.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import { buildLayout } from '../../src/simulator/layout.ts';
import { BYTES_PER_SECOND, ID, type Rig, startRig, until } from '../support/rig.ts';
import { checkStream } from '../support/ts-checker.ts';
import { assertIsBroadcast, inspect, type Viewer } from '../support/viewer.ts';

/** What comes at once when an engine begins. */
const BURST = { burst: { seconds: 60, bytes: 60_000_000 } };
/** The ring has no more than the last two seconds, as soon as these have passed. */
const SHORT_RING = { bufferMs: 2_000 };
const NEAR = { prebufferMs: 500 };

async function sessionOf(rig: Rig): Promise<Record<string, unknown>> {
  const { sessions } = await rig.json('/proxy/sessions');
  assert.ok(Array.isArray(sessions) && sessions.length === 1);
  return Object.fromEntries(Object.entries(Object(sessions[0])));
}

async function startOf(viewer: Viewer): Promise<{ readonly agoMs: number; readonly isClamped: boolean }> {
  const [, time = '', clamped] = /^x-acemux-start: (\S+?)(; clamped)?$/im.exec(await viewer.head()) ?? [];
  assert.ok(time, await viewer.head());
  return { agoMs: Date.now() - Date.parse(time), isClamped: clamped !== undefined };
}

/** Waits until the ring has let go of the burst, so that it is on disk only. */
async function untilPast(rig: Rig, live: Viewer): Promise<void> {
  await live.received(BURST.burst.seconds * BYTES_PER_SECOND);
  const endMs = performance.now() + 30_000;
  for (;;) {
    const page = await (await fetch(`${rig.url}/metrics`)).text();
    if (Number(/^acemux_buffer_bytes (\d+)$/m.exec(page)?.[1]) < 8 * BYTES_PER_SECOND) return;
    assert.ok(performance.now() < endMs, 'the ring keeps it');
    await live.receivedMore(BYTES_PER_SECOND / 4);
  }
}

test('a rewound viewer gets from disk what was live then, tables first, and goes over to the ring without a seam', async (t) => {
  const rig = await startRig(t, {
    engines: [BURST],
    config: { streams: SHORT_RING, clients: NEAR, timeshift: { windowMs: 600_000 } },
  });
  const live = rig.watch();
  await untilPast(rig, live);
  const rewound = rig.watch(`id=${ID}&start=-30`);
  const start = await startOf(rewound);
  assert.equal(start.isClamped, false);
  assert.ok(start.agoMs >= 29_000 && start.agoMs < 40_000, `${start.agoMs} ms`);
  // All that was past when it came, and as much of what came after.
  const media = await rewound.received(32 * BYTES_PER_SECOND);
  const { continuityErrors, firstPids } = inspect(media);
  assert.deepEqual(firstPids.slice(0, 2), [0, PMT_PID]);
  assert.equal(continuityErrors, 0);
  assert.deepEqual(checkStream(media.subarray(0, media.length - (media.length % 188))).problems, []);
  const infohash = String((await sessionOf(rig))['infohash']);
  assertIsBroadcast(media, rig.broadcast(infohash), 1_000);
  const folders = await readdir(join(rig.dataDir, 'timeshift'));
  assert.deepEqual(folders, [infohash]);
});

test('a time that is not kept is clamped to the oldest there is, or to live, and the reply says so', async (t) => {
  const rig = await startRig(t, {
    engines: [BURST],
    config: { streams: SHORT_RING, clients: NEAR, timeshift: { windowMs: 600_000 } },
  });
  const live = rig.watch();
  await untilPast(rig, live);
  const id = `id=${ID}`;
  const oldest = rig.watch(`${id}&start=2020-01-01T00:00:00Z`);
  assert.equal((await startOf(oldest)).isClamped, true);
  const { markers } = inspect(await oldest.received(BYTES_PER_SECOND));
  const { markers: first } = inspect(live.media.subarray(0, 100_000 - (100_000 % 188)));
  assert.ok(markers[0]! <= first.at(-1)!, 'it begins where the stream has begun');
  const future = rig.watch(`${id}&start=${new Date(Date.now() + 3_600_000).toISOString()}`);
  const { agoMs, isClamped } = await startOf(future);
  assert.ok(isClamped && agoMs < 10_000, `${agoMs} ms`);
});

test('an excerpt ends by itself, at a keyframe, and has all that is between', async (t) => {
  const rig = await startRig(t, {
    engines: [BURST],
    config: { streams: SHORT_RING, clients: NEAR, timeshift: { windowMs: 600_000 } },
  });
  const live = rig.watch();
  await untilPast(rig, live);
  const excerpt = rig.watch(`id=${ID}&start=-40&end=-20`);
  assert.equal(await excerpt.end(), 'eof');
  const { media } = excerpt;
  const seconds = media.length / BYTES_PER_SECOND;
  assert.ok(seconds > 10 && seconds < 30, `${seconds} s`);
  assert.equal(media.length % 188, 0);
  assert.deepEqual(checkStream(media).problems, []);
  assertIsBroadcast(media, rig.broadcast(String((await sessionOf(rig))['infohash'])), 1_000);
  const nothing = rig.watch(`id=${ID}&start=-20&end=-40`);
  assert.equal(await nothing.end(), 'eof');
  assert.ok(nothing.media.length < 10 * 188);
});

test('without time-shift start is clamped to what the ring has', async (t) => {
  const rig = await startRig(t, {});
  const viewer = rig.watch(`id=${ID}&start=-600`);
  assert.equal((await startOf(viewer)).isClamped, true);
  await viewer.received(10_000);
  await assert.rejects(readdir(join(rig.dataDir, 'timeshift')), { code: 'ENOENT' });
});

test('buffer says how far behind live a viewer begins', async (t) => {
  const rig = await startRig(t, { engines: [{ burst: { seconds: 20, bytes: 60_000_000 } }] });
  const live = rig.watch();
  await live.received(15 * BYTES_PER_SECOND);
  const id = `id=${ID}`;
  const firstMarker = async (viewer: Viewer): Promise<number> =>
    inspect(await viewer.received(50_000)).markers[0] ?? 0;
  const near = await firstMarker(rig.watch(`${id}&buffer=0`));
  const usual = await firstMarker(rig.watch(id));
  const far = await firstMarker(rig.watch(`${id}&buffer=10`));
  assert.ok(far < usual && usual < near, `${far} < ${usual} < ${near}`);
  const refused = rig.watch(`${id}&buffer=lots`);
  assert.equal(await refused.status(), 400);
});

test('a viewer that pauses stays, is counted as paused, and goes on where it stopped when the ring is long past it', async (t) => {
  const bitsPerSecond = 20_000_000;
  const rig = await startRig(t, {
    engines: [{ bitsPerSecond }],
    config: {
      // So long the disk of a busy machine has.
      streams: { bufferMs: 4_000 },
      clients: { ...NEAR, timeoutMs: 1_000 },
      timeshift: { windowMs: 600_000 },
    },
  });
  const viewer = rig.watch();
  const other = rig.watch();
  await viewer.received(1_000_000);
  viewer.pause();
  const endMs = performance.now() + 30_000;
  // It may come back once more: the kernel's room for it grows. What one reply says is of one moment.
  const isPaused = async (): Promise<boolean> => {
    const { paused_count: paused, client_count: clients } = await sessionOf(rig);
    return paused === 1 && clients === 1;
  };
  while (!(await isPaused())) {
    assert.ok(performance.now() < endMs, 'it never counted as paused');
    await other.receivedMore(500_000);
  }
  // More than the ring, and than the kernel keeps for a connection.
  await other.receivedMore(20_000_000);
  viewer.resume();
  const media = await viewer.receivedMore(15_000_000);
  const infohash = String((await sessionOf(rig))['infohash']);
  assertIsBroadcast(
    media,
    new Broadcast({ infohash, layout: buildLayout(loadClip(), bitsPerSecond) }),
    1_000,
  );
  await until(() => rig.app.sessions.pausedCount === 0);
  const page = await (await fetch(`${rig.url}/metrics`)).text();
  assert.match(page, /^acemux_client_skips_total 0$/m);
  assert.match(page, /^acemux_timeshift_bytes [1-9]/m);
});

test('a viewer rewound into what an earlier session had goes on to this one, and the break is announced', async (t) => {
  const rig = await startRig(t, {
    engines: [BURST],
    config: { streams: { ...SHORT_RING, idleTimeoutMs: 0 }, clients: NEAR, timeshift: { windowMs: 600_000 } },
  });
  const id = `id=${ID}`;
  const before = rig.watch(id);
  await before.received(20 * BYTES_PER_SECOND);
  await before.receivedMore(2 * BYTES_PER_SECOND);
  before.leave();
  await rig.enginesFree();
  await until(() => rig.app.sessions.list().length === 0);
  const after = rig.watch(id);
  await untilPast(rig, after);
  const rewound = rig.watch(`${id}&start=2020-01-01T00:00:00Z`);
  const media = await rewound.received(75 * BYTES_PER_SECOND);
  const { breaks, problems } = checkStream(media.subarray(0, media.length - (media.length % 188)));
  assert.deepEqual(problems, []);
  assert.ok(breaks.size > 0);
});
