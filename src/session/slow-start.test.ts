/** A start that takes long, for which a second engine is asked (HEDGE_AFTER). */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { FakeEngine, INFOHASH, playback } from '../../test/support/fake-engines.ts';
import { houseWith, keepPlaying, media, refusal } from '../../test/support/session-house.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Playback } from '../engine/types.ts';
import type { NameResolver } from './ports.ts';

const HEDGE_AFTER_MS = 10_000;
const FIRST_BYTE_TIMEOUT_MS = 30_000;
const OTHER_ID = 'b'.repeat(40);

/** Opens a playback at once, and delivers what the test pushes. */
function engineOf(id: string, changes: Partial<Playback> = {}): FakeEngine {
  return new FakeEngine(id, async () => playback({ playbackSessionId: `of ${id}`, ...changes }));
}

/** Refuses, after so many milliseconds of waiting for the test. */
function failing(id: string, code: ReasonCode, when: Promise<unknown>): FakeEngine {
  return new FakeEngine(id, async () => {
    await when;
    throw new AcemuxError(code);
  });
}

/** Replies when the test says so. */
function silent(id: string) {
  const reply = Promise.withResolvers<Playback>();
  return { engine: new FakeEngine(id, () => reply.promise), reply };
}

/** What an engine tells of every name. */
const MEANING = {
  infohash: INFOHASH,
  isLive: undefined,
  name: undefined,
  transportType: undefined,
  files: [],
};
const TELLING: NameResolver = { mediaFiles: async () => MEANING };

/** When the test is over nothing may be left. */
function slowHouse(t: TestContext, engines: readonly FakeEngine[], hedgeAfterMs = HEDGE_AFTER_MS) {
  const rig = houseWith({ hedgeAfterMs }, ...engines);
  t.after(async () => {
    await rig.directory.stop('shutdown');
    for (const engine of engines) {
      assert.equal(engine.stops, engine.opened.length, `all that was opened on ${engine.id} is stopped`);
      assert.equal(engine.slotsTaken, 0, `the places on ${engine.id} are given back`);
      assert.ok(engine.media.every(({ isDestroyed }) => isDestroyed));
    }
    assert.equal(rig.clock.pendingTimers, 0);
  });
  const starts = (): number[] => engines.map((engine) => engine.starts.length);
  const reports = (): string[] =>
    rig.source.reports.map(({ engineId, outcome }) => `${engineId}: ${outcome.ok ? 'ok' : outcome.reason}`);
  const hedges = (): string[] => rig.observer.events.filter((event) => event.startsWith('hedge'));
  return { ...rig, starts, reports, hedges };
}

/** Two engines race for one viewer. */
async function racing(t: TestContext, engines: readonly FakeEngine[]) {
  const rig = slowHouse(t, engines);
  const leaving = new AbortController();
  const joining = rig.join({}, leaving.signal);
  joining.catch(() => {}); // Looked at by those tests in which it fails.
  await rig.clock.advance(HEDGE_AFTER_MS);
  assert.deepEqual(rig.starts().slice(0, 2), [1, 1], 'both were asked');
  return { ...rig, leaving, joining };
}

function deliver(engine: FakeEngine): void {
  engine.media.at(-1)?.push(media(0, 3));
}

describe('a second engine', () => {
  test('is asked when the first has not delivered after HEDGE_AFTER, not before; the first to deliver is watched', async (t) => {
    const [one, two] = [engineOf('one'), engineOf('two')];
    const { clock, directory, hedges, join, reports, starts } = slowHouse(t, [one, two]);
    const joining = join();
    await clock.advance(HEDGE_AFTER_MS - 1);
    assert.deepEqual([starts(), hedges()], [[1, 0], []]);
    await clock.advance(1);
    assert.deepEqual([starts(), hedges()], [[1, 1], ['hedge begun']]);
    assert.equal(directory.list()[0]?.playbackSessionId, 'of one', 'until then the first one is shown');
    deliver(two);
    await joining;
    await clock.advance(0);
    const [session] = directory.list();
    assert.deepEqual([session?.engine?.id, session?.playbackSessionId], ['two', 'of two']);
    assert.deepEqual([one.stops, one.slotsTaken, one.media[0]?.isDestroyed], [1, 0, true]);
    assert.deepEqual([two.stops, two.slotsTaken], [0, 1]);
    assert.deepEqual(hedges(), ['hedge begun', 'hedge won']);
    assert.deepEqual(reports(), ['one: outrun', 'two: ok'], 'the one that was slower is under suspicion');
  });

  test('is stopped when the first delivers after all, and nothing speaks against it', async (t) => {
    const [one, two] = [engineOf('one'), engineOf('two')];
    const { clock, directory, hedges, joining, observer, reports } = await racing(t, [one, two]);
    deliver(one);
    const attachment = await joining;
    await clock.advance(0);
    assert.deepEqual([one.stops, two.stops, two.slotsTaken, two.media[0]?.isDestroyed], [0, 1, 0, true]);
    assert.equal(directory.list()[0]?.playbackSessionId, 'of one');
    assert.deepEqual([hedges(), reports()], [['hedge begun'], ['one: ok']]);
    assert.ok(!observer.events.some((event) => event.startsWith('attempt failed')));
    assert.ok(attachment.openCursor().take(1_000_000), 'there is something to watch');
  });

  test('is not asked after one has delivered, nor with HEDGE_AFTER=0', async (t) => {
    for (const hedgeAfterMs of [HEDGE_AFTER_MS, 0]) {
      const engines = [engineOf('one'), engineOf('two')] as const;
      const { clock, join, starts } = slowHouse(t, engines, hedgeAfterMs);
      const joining = join();
      await clock.advance(hedgeAfterMs === 0 ? FIRST_BYTE_TIMEOUT_MS - 1 : HEDGE_AFTER_MS - 1);
      deliver(engines[0]);
      await joining;
      await clock.advance(1);
      assert.deepEqual(starts(), [1, 0]);
    }
  });

  test('is not asked where none is idle, and nobody waits for one', async (t) => {
    const [one, two] = [engineOf('one'), engineOf('two', { infohash: 'd'.repeat(40) })];
    const { clock, hedges, join, source, starts } = slowHouse(t, [one, two]);
    source.isFull = (engine) => engine === one;
    const other = join({ hash: OTHER_ID });
    await clock.advance(0);
    deliver(two);
    keepPlaying({ clock }, two, 3);
    await other;
    source.isFull = (engine) => engine === two;
    join().catch(() => {}); // It ends with the test.
    await clock.advance(0);
    const asked = source.requests.length;
    await clock.advance(HEDGE_AFTER_MS);
    assert.deepEqual([starts(), hedges(), source.requests.length], [[1, 1], [], asked]);
  });

  test('is not asked for a start that everybody has left', async (t) => {
    const { clock, join, starts } = slowHouse(t, [engineOf('one'), engineOf('two')]);
    const leaving = new AbortController();
    const joining = refusal(join({}, leaving.signal));
    await clock.advance(HEDGE_AFTER_MS - 1_000);
    leaving.abort(new AcemuxError('client_left'));
    assert.equal(await joining, 'client_left');
    await clock.advance(1_000);
    assert.deepEqual(starts(), [1, 0]);
  });

  test('is not asked while nobody knows which broadcast it is; another is asked what the name means, and then it is', async (t) => {
    const { engine: one, reply } = silent('one');
    const { clock, hedges, join, source, starts } = slowHouse(t, [one, engineOf('two')]);
    join().catch(() => {}); // It ends with the test.
    await clock.advance(HEDGE_AFTER_MS - 1);
    const told = Promise.withResolvers<Awaited<ReturnType<NameResolver['mediaFiles']>>>();
    let questions = 0;
    source.resolver = {
      mediaFiles: () => {
        questions++;
        return told.promise;
      },
    };
    await clock.advance(1);
    assert.deepEqual([questions, starts()], [2, [1, 0]], 'as either kind');
    told.resolve(MEANING);
    await clock.advance(200);
    assert.deepEqual([starts(), hedges()], [[1, 1], ['hedge begun']]);
    reply.reject(new AcemuxError('engine_timeout'));
  });

  test('is asked when a late reply has told which broadcast it is', async (t) => {
    const { engine: one, reply } = silent('one');
    const { clock, join, starts } = slowHouse(t, [one, engineOf('two')]);
    join().catch(() => {}); // It ends with the test.
    await clock.advance(HEDGE_AFTER_MS + 2_000);
    assert.deepEqual(starts(), [1, 0]);
    reply.resolve(playback());
    await clock.advance(0);
    assert.deepEqual(starts(), [1, 1]);
  });

  test('is asked once in a start, and is one of the three that may be', async (t) => {
    const engines = ['one', 'two', 'three', 'four'].map((id) => engineOf(id));
    const { clock, joining, hedges, reports, starts } = await racing(t, engines);
    const failed = refusal(joining);
    await clock.advance(FIRST_BYTE_TIMEOUT_MS - HEDGE_AFTER_MS);
    assert.deepEqual(starts(), [1, 1, 0, 0], 'the second one goes on, and nobody else is asked beside it');
    await clock.advance(HEDGE_AFTER_MS);
    assert.deepEqual(starts(), [1, 1, 1, 0]);
    await clock.advance(FIRST_BYTE_TIMEOUT_MS);
    assert.equal(await failed, 'no_media');
    assert.deepEqual(starts(), [1, 1, 1, 0]);
    assert.deepEqual(hedges(), ['hedge begun']);
    assert.deepEqual(reports(), ['one: no_media', 'two: no_media', 'three: no_media']);
  });

  test('is given back when another stream needs its place, and none is asked again in this start', async (t) => {
    const [one, two, three, four] = ['one', 'two', 'three', 'four'].map((id) => engineOf(id));
    assert.ok(one && two && three && four);
    const { clock, hedges, reports, source, starts } = await racing(t, [one, two, three, four]);
    assert.equal(source.giveHedgeBack(), true);
    assert.equal(source.giveHedgeBack(), true, 'it is under way');
    await clock.advance(0);
    assert.deepEqual([two.stops, two.slotsTaken, one.stops, reports()], [1, 0, 0, []]);
    one.media[0]?.finish();
    await clock.advance(HEDGE_AFTER_MS);
    assert.deepEqual([starts(), hedges()], [[1, 1, 1, 0], ['hedge begun']]);
  });

  test('is kept when it is the only one left, or delivers', async (t) => {
    const [three, four] = [engineOf('three'), engineOf('four')];
    const { clock, joining, source } = await racing(t, [three, four]);
    three.media[0]?.finish();
    await clock.advance(0);
    assert.deepEqual([source.giveHedgeBack(), four.stops], [false, 0]);
    deliver(four);
    await joining;
    assert.deepEqual([source.giveHedgeBack(), four.stops], [false, 0]);
  });
});

describe('while two engines race', () => {
  test('one that is lost leaves the other to go on', async (t) => {
    for (const lost of [0, 1]) {
      const engines = [engineOf('one'), engineOf('two')] as const;
      const { clock, joining, reports } = await racing(t, engines);
      const [gone, stays] = lost === 0 ? engines : [engines[1], engines[0]];
      gone.media[0]?.finish(new AcemuxError('source_failed'));
      await clock.advance(0);
      assert.deepEqual([gone.stops, gone.slotsTaken, stays.stops], [1, 0, 0]);
      deliver(stays);
      await joining;
      assert.deepEqual(reports(), [`${gone.id}: engine_closed`, `${stays.id}: ok`]);
    }
  });

  test('and both fail, the one that got furthest speaks', async (t) => {
    const refused = Promise.withResolvers<void>();
    const engines = [engineOf('one'), failing('two', 'engine_busy', refused.promise)] as const;
    const { clock, joining } = await racing(t, engines);
    const failed = refusal(joining);
    engines[0].media[0]?.finish();
    await clock.advance(0);
    refused.resolve();
    await clock.advance(0);
    assert.equal(await failed, 'engine_closed');
  });

  test('and neither knows the content, no third is asked', async (t) => {
    const refused = Promise.withResolvers<void>();
    const engines = [
      failing('one', 'content_unknown', refused.promise),
      failing('two', 'content_unknown', refused.promise),
      engineOf('three'),
    ] as const;
    const rig = slowHouse(t, engines);
    rig.source.resolver = TELLING;
    const failed = refusal(rig.join());
    await rig.clock.advance(HEDGE_AFTER_MS);
    refused.resolve();
    await rig.clock.advance(0);
    assert.equal(await failed, 'content_unknown');
    assert.deepEqual(rig.starts(), [1, 1, 0]);
  });

  test('the one that says that it is a recording speaks for both', async (t) => {
    const { engine: one, reply } = silent('one');
    const two = engineOf('two', { isLive: false });
    const rig = slowHouse(t, [one, two, engineOf('three')]);
    rig.source.resolver = TELLING;
    const failed = refusal(rig.join());
    await rig.clock.advance(HEDGE_AFTER_MS);
    assert.equal(await failed, 'vod_not_yet');
    assert.deepEqual(rig.starts(), [1, 1, 0]);
    reply.resolve(playback());
  });

  test('the viewer leaves: both are stopped, after the time for those who open twice', async (t) => {
    const [one, two] = [engineOf('one'), engineOf('two')];
    const { clock, joining, leaving } = await racing(t, [one, two]);
    const failed = refusal(joining);
    leaving.abort(new AcemuxError('client_left'));
    assert.equal(await failed, 'client_left');
    await clock.advance(4_999);
    assert.deepEqual([one.stops, two.stops], [0, 0]);
    await clock.advance(1);
    assert.deepEqual([one.stops, two.stops, one.slotsTaken, two.slotsTaken], [1, 1, 0, 0]);
  });

  test('acemux stops: both are stopped', async (t) => {
    const [one, two] = [engineOf('one'), engineOf('two')];
    const { directory, joining } = await racing(t, [one, two]);
    const failed = refusal(joining);
    await directory.stop('shutdown');
    assert.equal(await failed, 'shutdown');
    assert.deepEqual([one.stops, two.stops, one.slotsTaken, two.slotsTaken], [1, 1, 0, 0]);
  });

  test('time is up: how far each has got is said, and both are stopped', async () => {
    const { engine: one, reply } = silent('one');
    const two = engineOf('two');
    const rig = houseWith({ hedgeAfterMs: HEDGE_AFTER_MS, startTimeoutMs: 15_000 }, one, two);
    rig.source.resolver = TELLING;
    const failed = refusal(rig.join());
    await rig.clock.advance(15_000);
    assert.equal(await failed, 'no_media');
    assert.deepEqual(
      rig.source.reports.map(({ outcome }) => !outcome.ok && outcome.reason),
      ['engine_timeout', 'no_media'],
    );
    assert.equal(two.stops, 1);
    reply.resolve(playback());
    await rig.directory.stop('shutdown');
    assert.deepEqual([one.stops, one.slotsTaken, rig.clock.pendingTimers], [1, 0, 0]);
  });

  test('engines that disagree about the broadcast: the one that told first goes on, and neither is to blame', async (t) => {
    const engines = [
      engineOf('one'),
      engineOf('two', { infohash: 'd'.repeat(40) }),
      engineOf('three'),
      engineOf('four'),
    ] as const;
    const [one, two, three] = engines;
    const { clock, directory, joining, reports, starts } = await racing(t, engines);
    const failed = refusal(joining);
    await clock.advance(0);
    assert.deepEqual([one.stops, two.stops, two.slotsTaken], [0, 1, 0]);
    assert.deepEqual([reports(), directory.find('d'.repeat(40))], [[], undefined]);
    assert.equal(directory.find(INFOHASH)?.playbackSessionId, 'of one');
    one.media[0]?.finish();
    await clock.advance(0);
    three.media[0]?.finish();
    assert.equal(await failed, 'engine_closed');
    assert.deepEqual(starts(), [1, 1, 1, 0], 'it is one of the three');
  });

  test('invariant 1: a stream that turns out to be the same joins them, and its newer playback goes on there', async (t) => {
    const [one, two] = [engineOf('one'), engineOf('two')];
    const { clock, directory, join, joining, source } = await racing(t, [one, two]);
    source.isFull = (engine) => engine === one;
    const other = join({ hash: OTHER_ID });
    await clock.advance(0);
    assert.equal(directory.list().length, 1);
    assert.deepEqual([two.starts.length, two.stops, two.slotsTaken, one.stops], [2, 0, 1, 0]);
    deliver(two);
    await Promise.all([joining, other]);
    await clock.advance(0);
    assert.equal(directory.list()[0]?.clientCount, 2);
    assert.deepEqual([one.stops, one.slotsTaken, two.stops], [1, 0, 0]);
  });
});
