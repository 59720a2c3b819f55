import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine, playback } from '../../test/support/fake-engines.ts';
import { house, houseWith, ID, media, refusal, watch } from '../../test/support/session-house.ts';
import { AcemuxError } from '../base/reasons.ts';
import { ContinuityChecker } from '../mpegts/continuity.ts';
import { discontinuityIndicator, pidOf } from '../mpegts/packet.ts';
import { StreamScanner } from '../mpegts/scanner.ts';
import { AUDIO_PID, VIDEO_PID } from '../simulator/clip.ts';
import type { Cursor } from './cursor.ts';

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

test('who only waits for the stream keeps it going, and is no viewer that was let in', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const signal = new AbortController().signal;
  const visitor = { address: '127.0.0.1', userAgent: undefined, isVisitor: true };
  const selector = { kind: 'id', hash: ID, parameters: {} } as const;
  const joining = rig.directory.join(selector, visitor, signal);
  await rig.clock.advance(0);
  engine.media[0]?.push(media(0, 3));
  const { leave } = await joining;
  assert.equal(rig.directory.list()[0]?.state, 'playing');
  leave('client_left');
  assert.equal(rig.directory.list()[0]?.state, 'lingering');
  assert.deepEqual(
    rig.observer.events.filter((event) => event.startsWith('client')),
    [],
  );
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

test('recorded video has no session: the playback is stopped, and others are told so at once', async () => {
  const engine = new FakeEngine('one', async () => playback({ isLive: false }));
  const rig = house(engine);
  assert.equal(await refusal(rig.join()), 'vod_not_yet');
  await rig.clock.advance(0);
  assert.equal(engine.stops, 1);
  assert.equal(await refusal(rig.join()), 'vod_not_yet');
  assert.equal(engine.starts.length, 1);
});

test('a source that breaks before there was anything to watch is not said to have broken while it played', async () => {
  for (const error of [undefined, new AcemuxError('source_failed')]) {
    const engine = new FakeEngine('one');
    const rig = house(engine);
    const refused = refusal(rig.join());
    await rig.clock.advance(0);
    engine.media[0]?.push(media(0, 3).subarray(0, 188));
    engine.media[0]?.finish(error);
    assert.equal(await refused, 'engine_closed');
  }
});

test('when the source of a playing session ends, another engine goes on, behind a break that is flagged', async () => {
  const engines = [new FakeEngine('one'), new FakeEngine('two')] as const;
  const rig = house(...engines);
  const attachment = await watch(rig, engines[0]);
  const cursor = attachment.openCursor();
  const before = takeAll(cursor);
  engines[0].media[0]?.finish();
  await rig.clock.advance(0);
  assert.equal(cursor.take(1_000_000), undefined);
  engines[1].media[0]?.push(media(20.5, 3));
  await rig.clock.advance(0);
  const after = takeAll(cursor);
  const all = Buffer.concat([before, after]);
  const program = new StreamScanner();
  program.scan(after, 0);
  assert.equal(program.takeAccessPoints().length > 0, true);
  const flagged = new Set<number>();
  const pids = new Set<number>();
  for (let at = 0; at < after.length; at += 188) {
    const pid = pidOf(after, at);
    if (!pids.has(pid) && discontinuityIndicator(after, at)) flagged.add(pid);
    pids.add(pid);
  }
  for (const pid of [VIDEO_PID, AUDIO_PID])
    assert.ok(flagged.has(pid), `${pid} is flagged before anything else of it`);
  const checker = new ContinuityChecker();
  for (let at = 0; at < all.length; at += 188) checker.push(all, at);
  assert.equal(checker.errors, 0, 'no break that is not flagged');
  assert.deepEqual([engines[0].stops, engines[0].slotsTaken], [1, 0]);
  assert.equal(rig.directory.list()[0]?.engine?.id, 'two');
  assert.ok(rig.observer.events.includes('attempt failed: source_ended'));
});

test('RETRY_BUDGET and SPLICE_WAIT that are changed count for streams that begin from then on', async () => {
  const now = { retryBudgetMs: 120_000, spliceWaitMs: 10_000 };
  const limits = {
    get retryBudgetMs() {
      return now.retryBudgetMs;
    },
    get spliceWaitMs() {
      return now.spliceWaitMs;
    },
  };
  /** A stream that plays, and how it goes on: seconds until its viewers are ended, or until another time of it is taken. */
  const begin = async (kind: 'no engine' | 'another time') => {
    const engines = [new FakeEngine('one'), new FakeEngine('two')] as const;
    const rig = houseWith(limits, ...engines);
    const joining = rig.join();
    await rig.clock.advance(0);
    // Its clock has nothing to do with that of what comes behind it.
    engines[0].media[0]?.push(media(3_000, 3));
    const { session } = await joining;
    let isOver = false;
    session.listen({
      onAdvance: () => {},
      onEnd: () => {
        isOver = true;
      },
    });
    return async (): Promise<number> => {
      for (const engine of engines) {
        if (kind === 'another time') continue;
        engine.onStart = async () => {
          throw new AcemuxError('engine_unreachable');
        };
      }
      engines[0].media[0]?.finish();
      const beganMs = rig.clock.nowMs();
      for (let second = 0; !isOver && second < 200; second++) {
        engines[1].media.at(-1)?.push(media(second, 1));
        await rig.clock.advance(1_000);
        if (rig.observer.events.some((event) => event.startsWith('spliced'))) break;
      }
      return (rig.clock.nowMs() - beganMs) / 1_000;
    };
  };
  const early = [await begin('no engine'), await begin('another time')];
  now.retryBudgetMs = 20_000;
  now.spliceWaitMs = 2_000;
  const late = [await begin('no engine'), await begin('another time')];
  const seconds: number[] = [];
  for (const goesOn of [...early, ...late]) seconds.push(await goesOn());
  const [budget = 0, wait = 0, newBudget = 0, newWait = 0] = seconds;
  assert.ok(budget >= 119 && budget <= 125, `${budget} s`);
  assert.ok(newBudget >= 19 && newBudget <= 25, `${newBudget} s`);
  assert.ok(wait > 6 && newWait < 5, `${wait} s, then ${newWait} s`);
});

test('when no engine goes on within RETRY_BUDGET, the viewers are ended together', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const attachment = await watch(rig, engine);
  const reasons: string[] = [];
  attachment.session.listen({ onAdvance: () => {}, onEnd: (reason) => reasons.push(reason) });
  engine.onStart = async () => {
    throw new AcemuxError('engine_unreachable');
  };
  engine.media[0]?.finish();
  await rig.clock.advance(119_000);
  assert.deepEqual(reasons, [], 'viewers are held for RETRY_BUDGET');
  await rig.clock.advance(2_000);
  assert.deepEqual(reasons, ['retry_budget_spent']);
  assert.deepEqual([engine.stops, engine.slotsTaken], [1, 0]);
  assert.equal(await refusal(rig.join()), 'retry_budget_spent', 'and at most one start a minute probes');
  const asked = engine.starts.length;
  await rig.clock.advance(60_000);
  assert.equal(await refusal(rig.join()), 'engine_unreachable');
  assert.equal(engine.starts.length, asked + 1);
  attachment.leave('source_ended');
});

test('what the engine says of the playback is shown from its start on, and is that of the engine in use', async () => {
  const [failing, sound] = [new FakeEngine('failing'), new FakeEngine('sound')];
  [failing.peers, sound.peers] = [3, 8];
  const rig = house(failing, sound);
  const joining = rig.join();
  await rig.clock.advance(250);
  assert.equal(rig.directory.list()[0]?.stat?.peers, 3);
  failing.media[0]?.finish();
  await rig.clock.advance(250);
  assert.equal(rig.directory.list()[0]?.stat?.peers, 8);
  sound.media[0]?.push(media(0, 3));
  await joining;
});

test('a viewer who is let in in the moment in which the session ends hears of the end too', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const attachment = await watch(rig, engine);
  void rig.directory.stop('shutdown');
  assert.deepEqual(rig.directory.list(), [], 'it is over already');
  const reasons: string[] = [];
  attachment.session.listen({ onAdvance: () => {}, onEnd: (reason) => reasons.push(reason) });
  assert.deepEqual(reasons, [], 'but not before it has begun to listen');
  await rig.clock.advance(0);
  assert.deepEqual(reasons, ['shutdown']);
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

/** All that a viewer would be sent now. */
function takeAll(cursor: Cursor): Buffer {
  const parts: Buffer[] = [];
  for (let part = cursor.take(1_000_000); part; part = cursor.take(1_000_000)) parts.push(part);
  return Buffer.concat(parts);
}
