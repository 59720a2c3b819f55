import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FakeEngine,
  FakeEngineSource,
  INFOHASH,
  playback,
  RecordingObserver,
} from '../../test/support/fake-engines.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { StreamSelector } from '../engine/types.ts';
import { Broadcast } from '../simulator/broadcast.ts';
import { loadClip } from '../simulator/clip.ts';
import { buildLayout } from '../simulator/layout.ts';
import { silentLog } from '../telemetry/log.ts';
import { type DirectoryLimits, SessionDirectory } from './directory.ts';

const ID = 'a'.repeat(40);
const VIEWER = { address: '127.0.0.1', userAgent: 'test' };
const NOBODY_LEAVES = new AbortController().signal;

const broadcast = new Broadcast({ infohash: INFOHASH, layout: buildLayout(loadClip(), 1_000_000) });

/** So many seconds of the broadcast from `fromSecond` on. */
function media(fromSecond: number, seconds: number): Buffer {
  const packetsPerSecond = 1_000_000 / 8 / 188;
  const from = Math.round(fromSecond * packetsPerSecond);
  const count = Math.round(seconds * packetsPerSecond);
  const bytes = Buffer.alloc(count * 188);
  broadcast.fill(bytes, from, count);
  return bytes;
}

function selector(changes: Partial<StreamSelector> = {}): StreamSelector {
  return { kind: 'id', hash: ID, parameters: {}, ...changes };
}

function house(...engines: FakeEngine[]) {
  return houseWith({}, ...engines);
}

function houseWith(limits: Partial<DirectoryLimits>, ...engines: FakeEngine[]) {
  const clock = new ManualClock();
  const observer = new RecordingObserver();
  const source = new FakeEngineSource(...engines);
  const directory = new SessionDirectory({
    engines: source,
    observer,
    clock,
    log: silentLog(),
    limits: {
      firstByteTimeoutMs: 30_000,
      startTimeoutMs: 60_000,
      idleTimeoutMs: 300_000,
      lingeringMax: 2,
      sweepIntervalMs: 60_000,
      prebufferMs: 4_000,
      bufferMs: 20_000,
      bufferBytes: 64 * 1024 * 1024,
      ...limits,
    },
  });
  const join = (changes: Partial<StreamSelector> = {}, signal: AbortSignal = NOBODY_LEAVES) =>
    directory.join(selector(changes), VIEWER, signal);
  return { clock, observer, source, directory, join };
}

/** Joins and delivers enough media to begin with. */
async function watch(
  rig: ReturnType<typeof house>,
  engine: FakeEngine,
  changes: Partial<StreamSelector> = {},
) {
  const joining = rig.join(changes);
  await rig.clock.advance(0);
  engine.media.at(-1)?.push(media(0, 3));
  return joining;
}

async function refusal(promise: Promise<unknown>): Promise<ReasonCode> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof AcemuxError, String(error));
    return error.code;
  }
  throw new assert.AssertionError({ message: 'it was let in' });
}

test('invariant 1: however many ask for a stream at the same moment, one engine session is started', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const joining = Array.from({ length: 10 }, () => rig.join());
  await rig.clock.advance(0);
  engine.media[0]?.push(media(0, 3));
  const attachments = await Promise.all(joining);
  assert.equal(engine.starts.length, 1);
  assert.equal(rig.directory.list()[0]?.clientCount, 10);
  for (const { leave } of attachments) leave('client_left');
});

test('invariant 1: a stream that plays is found under its infohash too, and under either kind of name', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  await watch(rig, engine);
  await rig.join({ kind: 'infohash', hash: INFOHASH });
  await rig.join({ kind: 'id', hash: INFOHASH });
  await rig.join({ kind: 'infohash' });
  assert.equal(engine.starts.length, 1);
  assert.equal(rig.directory.find(INFOHASH)?.clientCount, 4);
});

test('other parameters that reach the engine make another stream', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  await watch(rig, engine);
  const second = rig.join({ parameters: { _idx: '1' } });
  await rig.clock.advance(0);
  engine.media[1]?.push(media(0, 3));
  await second;
  assert.equal(engine.starts.length, 2);
  assert.deepEqual(engine.starts[1]?.parameters, { _idx: '1' });
});

test('nobody is let in before there is something to watch', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  let isIn = false;
  const joining = rig.join().then((attachment) => {
    isIn = true;
    return attachment;
  });
  await rig.clock.advance(0);
  engine.media[0]?.push(media(0.1, 0.2).subarray(0, 188 * 5));
  await rig.clock.advance(0);
  assert.equal(isIn, false);
  engine.media[0]?.push(media(0, 3));
  await joining;
});

test('a late joiner begins the prebuffer behind the live edge, the first one at the oldest access point', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const first = await watch(rig, engine);
  const early = first.openCursor().lagBytes;
  engine.media[0]?.push(media(3, 12));
  await rig.clock.advance(0);
  const late = await rig.join();
  const bytesPerSecond = 125_000;
  const lag = late.openCursor().lagBytes;
  assert.ok(lag >= 4 * bytesPerSecond && lag < 5.5 * bytesPerSecond, `${lag} bytes behind`);
  assert.ok(early > 1.5 * bytesPerSecond, `${early} bytes behind`);
});

test('invariant 5: a session without viewers lingers, and then its start is matched by a stop', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const attachment = await watch(rig, engine);
  attachment.leave('client_left');
  assert.equal(rig.directory.list()[0]?.state, 'lingering');
  await rig.clock.advance(299_000);
  assert.equal(engine.stops, 0);
  await rig.clock.advance(1_000);
  assert.equal(engine.stops, 1);
  assert.equal(engine.slotsTaken, 0);
  assert.equal(engine.media[0]?.isDestroyed, true);
  assert.deepEqual(rig.directory.list(), []);
  assert.equal(rig.clock.pendingTimers, 0);
});

test('who comes back while it lingers finds it playing, and it goes on', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  (await watch(rig, engine)).leave('client_left');
  await rig.clock.advance(200_000);
  const back = await rig.join();
  await rig.clock.advance(200_000);
  assert.equal(rig.directory.list()[0]?.state, 'playing');
  assert.equal(engine.starts.length, 1);
  back.leave('client_left');
});

test('only the streams left last linger long; older ones go ten seconds after their last viewer', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  for (const digit of ['1', '2', '3', '4']) {
    engine.onStart = async () => playback({ infohash: digit.repeat(40) });
    (await watch(rig, engine, { hash: digit.repeat(40) })).leave('client_left');
  }
  assert.equal(rig.directory.list().length, 4);
  await rig.clock.advance(10_000);
  assert.deepEqual(
    rig.directory.list().map(({ streamId }) => streamId[0]),
    ['3', '4'],
  );
  assert.equal(engine.stops, 2);
});

test('a lingering session gives way to one that has a viewer', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  assert.equal(rig.directory.giveWay(), false);
  (await watch(rig, engine)).leave('client_left');
  assert.equal(rig.directory.giveWay(), true);
  await rig.clock.advance(0);
  assert.equal(engine.stops, 1);
});

test('invariant 1: a stream that is still being stopped is not asked for again before that is done', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  (await watch(rig, engine)).leave('client_left');
  const stopped = Promise.withResolvers<void>();
  engine.stopping = stopped.promise;
  rig.directory.giveWay();
  const again = rig.join();
  await rig.clock.advance(100);
  assert.equal(engine.starts.length, 1);
  stopped.resolve();
  await rig.clock.advance(0);
  assert.equal(engine.starts.length, 2);
  engine.media[1]?.push(media(0, 3));
  await again;
});

test('when everybody leaves during the start, it is given up a moment later and what it opened is stopped', async () => {
  const reply = Promise.withResolvers<ReturnType<typeof playback>>();
  const engine = new FakeEngine('one', () => reply.promise);
  const rig = house(engine);
  const leaving = new AbortController();
  const joining = refusal(rig.join({}, leaving.signal));
  await rig.clock.advance(0);
  leaving.abort(new AcemuxError('client_left'));
  assert.equal(await joining, 'client_left');
  assert.equal(rig.directory.list().length, 1, 'players open twice: it waits for the second');
  await rig.clock.advance(5_000);
  assert.deepEqual(rig.directory.list(), []);
  assert.ok(engine.abandons > 0);
  assert.equal(engine.slotsTaken, 1, 'the engine still opens it');
  reply.resolve(playback());
  await rig.clock.advance(0);
  assert.equal(engine.stops, 1);
  assert.equal(engine.slotsTaken, 0);
  assert.equal(rig.clock.pendingTimers, 0);
});

test('an engine that fails is followed by another, and the slot of the first is given back', async () => {
  const broken = new FakeEngine('broken', async () => {
    throw new AcemuxError('engine_unreachable');
  });
  const sound = new FakeEngine('sound');
  const rig = house(broken, sound);
  const joining = rig.join();
  await rig.clock.advance(0);
  sound.media[0]?.push(media(0, 3));
  await joining;
  await rig.clock.advance(0);
  assert.equal(broken.slotsTaken, 0);
  assert.equal(sound.slotsTaken, 1);
  assert.deepEqual(
    rig.source.reports.map(({ engineId, outcome }) => [engineId, outcome.ok]),
    [
      ['broken', false],
      ['sound', true],
    ],
  );
});

test('a name unknown as one kind is tried as the other, and the kind that worked is remembered', async () => {
  const engine = new FakeEngine('one', async ({ kind }) => {
    if (kind === 'id') throw new AcemuxError('content_unknown');
    return playback();
  });
  const rig = house(engine);
  const attachment = await watch(rig, engine);
  assert.deepEqual(
    engine.starts.map(({ kind }) => kind),
    ['id', 'infohash'],
  );
  attachment.leave('client_left');
  await rig.clock.advance(300_000);
  await watch(rig, engine);
  assert.deepEqual(
    engine.starts.map(({ kind }) => kind),
    ['id', 'infohash', 'infohash'],
  );
});

test('unknown content is asked for on two engines and then refused as unknown', async () => {
  const unknown = async (): Promise<never> => {
    throw new AcemuxError('content_unknown');
  };
  const engines = ['one', 'two', 'three'].map((id) => new FakeEngine(id, unknown));
  const rig = house(...engines);
  assert.equal(await refusal(rig.join()), 'content_unknown');
  assert.deepEqual(
    engines.map(({ starts }) => starts.length),
    [2, 1, 0],
  );
});

test('of engines that failed differently, the one that got furthest speaks', async () => {
  const silent = new FakeEngine('silent');
  const gone = new FakeEngine('gone', async () => {
    throw new AcemuxError('engine_unreachable');
  });
  const rig = house(silent, gone);
  const refused = refusal(rig.join());
  await rig.clock.advance(30_000);
  assert.equal(await refused, 'no_media');
  assert.equal(silent.stops, 1);
});

test('silence with nobody in the swarm is told apart from silence', async () => {
  const engine = new FakeEngine('one');
  engine.peers = 0;
  const rig = house(engine);
  const refused = refusal(rig.join());
  await rig.clock.advance(30_000);
  assert.equal(await refused, 'zero_peers');
});

test('bytes that never become watchable end the start at its deadline', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const refused = refusal(rig.join());
  await rig.clock.advance(0);
  const psiOnly = Buffer.from(media(0, 0.02).subarray(0, 188));
  engine.media[0]?.push(psiOnly);
  await rig.clock.advance(60_000);
  assert.equal(await refused, 'no_media');
  assert.equal(engine.stops, 1);
  assert.equal(engine.slotsTaken, 0);
});

test('what is not MPEG-TS is refused as such, and no other engine is asked', async () => {
  const engines = [new FakeEngine('one'), new FakeEngine('two')];
  const rig = house(...engines);
  const refused = refusal(rig.join());
  await rig.clock.advance(0);
  engines[0]?.media[0]?.push(Buffer.alloc(300_000, 0x21));
  assert.equal(await refused, 'not_mpegts');
  assert.equal(engines[1]?.starts.length, 0);
});

test('recorded video is refused for now, and stopped', async () => {
  const engine = new FakeEngine('one', async () => playback({ isLive: false }));
  const rig = house(engine);
  assert.equal(await refusal(rig.join()), 'vod_not_yet');
  await rig.clock.advance(0);
  assert.equal(engine.stops, 1);
});

test('when the source of a playing session ends, its viewers are told why and the engine is free', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const attachment = await watch(rig, engine);
  const reasons: string[] = [];
  attachment.session.listen({ onAdvance: () => {}, onEnd: (reason) => reasons.push(reason) });
  engine.media[0]?.finish();
  await rig.clock.advance(0);
  assert.deepEqual(reasons, ['source_ended']);
  assert.equal(engine.stops, 1);
  assert.equal(engine.slotsTaken, 0);
  attachment.leave('source_ended');
  assert.ok(rig.observer.events.includes('attempt failed: source_ended'));
});

test('a viewer who is let in in the moment in which the source ends hears of the end too', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const joining = rig.join();
  await rig.clock.advance(0);
  engine.media[0]?.push(media(0, 3));
  engine.media[0]?.finish();
  const attachment = await joining;
  assert.deepEqual(rig.directory.list(), [], 'it is over already');
  const reasons: string[] = [];
  attachment.session.listen({ onAdvance: () => {}, onEnd: (reason) => reasons.push(reason) });
  assert.deepEqual(reasons, [], 'but not before it has begun to listen');
  await rig.clock.advance(0);
  assert.deepEqual(reasons, ['source_ended']);
});

test('a stream that is too big for its ring is warned of, once', async () => {
  const engine = new FakeEngine('one');
  const rig = houseWith({ bufferBytes: 1024 * 1024 }, engine);
  await watch(rig, engine);
  for (const second of [3, 6, 9, 12, 15]) {
    engine.media[0]?.push(media(second, 3));
    await rig.clock.advance(0);
  }
  assert.deepEqual(rig.directory.list()[0]?.warnings, ['buffer_cut']);
  assert.deepEqual(
    rig.observer.events.filter((event) => event.startsWith('session warned')),
    ['session warned: buffer_cut'],
  );
});

test('without any engine the refusal says so', async () => {
  assert.equal(await refusal(house().join()), 'no_engines_configured');
});

test('while draining nobody new is let in', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  await watch(rig, engine);
  rig.directory.refuse('draining');
  assert.equal(await refusal(rig.join()), 'draining');
  assert.equal(rig.directory.clientCount, 1);
});

test('invariant 5: stopping ends every session, waits for every engine and leaves no timer', async () => {
  const engine = new FakeEngine('one');
  const reply = Promise.withResolvers<ReturnType<typeof playback>>();
  const starting = new FakeEngine('two', () => reply.promise);
  const rig = house(engine, starting);
  rig.directory.start();
  await watch(rig, engine);
  engine.onStart = async () => {
    throw new AcemuxError('engine_broken');
  };
  const refused = refusal(rig.join({ hash: 'b'.repeat(40) }));
  await rig.clock.advance(0);
  const stopped = rig.directory.stop('shutdown');
  assert.equal(await refused, 'shutdown');
  reply.resolve(playback());
  await stopped;
  assert.equal(engine.stops + starting.stops, 2);
  assert.equal(engine.slotsTaken + starting.slotsTaken, 0);
  assert.equal(rig.clock.pendingTimers, 0);
});
