/** Sessions that turn out to play one broadcast (DESIGN invariant 1), seen from the engines' side. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine, INFOHASH, playback } from '../../test/support/fake-engines.ts';
import { house, media, refusal, watch } from '../../test/support/session-house.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Playback } from '../engine/types.ts';
import type { NameResolver } from './ports.ts';

const OTHER_ID = 'b'.repeat(40);

/** An engine whose playbacks can be told apart. */
function engineOf(id: string): FakeEngine {
  let number = 0;
  return new FakeEngine(id, async () => playback({ playbackSessionId: `${id}-${++number}` }));
}

function idsOf(playbacks: readonly Playback[]): (string | undefined)[] {
  return playbacks.map(({ playbackSessionId }) => playbackSessionId);
}

test('invariant 1: the newer playback on the same engine becomes the source, and the older is stopped after it', async () => {
  const engine = engineOf('one');
  const rig = house(engine);
  const first = await watch(rig, engine);
  const cursor = first.openCursor();
  const second = rig.join({ hash: OTHER_ID });
  await rig.clock.advance(0);
  await second;
  assert.equal(rig.directory.list().length, 1);
  assert.deepEqual(idsOf(engine.opened), ['one-1', 'one-2']);
  assert.deepEqual(engine.stopped, [], 'neither is stopped while the newer one plays');
  assert.equal(engine.media[0]?.isDestroyed, true);
  assert.equal(engine.slotsTaken, 1);
  while (cursor.take(1_000_000)); // All that there was.
  engine.media[1]?.push(media(3, 3));
  await rig.clock.advance(0);
  assert.ok(cursor.take(1_000_000), 'who watched goes on');
  await rig.directory.stop('shutdown');
  assert.deepEqual(idsOf(engine.stopped), ['one-2', 'one-1'], 'each start has its stop');
});

test('invariant 1: the playback on another engine is stopped, and its viewers join', async () => {
  const engines = [engineOf('one'), engineOf('two')] as const;
  const rig = house(...engines);
  await watch(rig, engines[0]);
  engines[0].onStart = () => Promise.reject(new Error('it is full'));
  rig.source.isFull = (engine) => engine === engines[0];
  await rig.join({ hash: OTHER_ID });
  await rig.clock.advance(0);
  assert.deepEqual(idsOf(engines[1].stopped), ['two-1']);
  assert.equal(engines[1].slotsTaken, 0);
  assert.equal(rig.directory.list()[0]?.clientCount, 2);
  assert.equal(engines[1].media.length, 0, 'no media of it was asked for');
});

test('of two starts under way, the one that was answered first is joined by the other', async () => {
  const replies = [Promise.withResolvers<Playback>(), Promise.withResolvers<Playback>()] as const;
  const engines = [
    new FakeEngine('one', () => replies[0].promise),
    new FakeEngine('two', () => replies[1].promise),
  ] as const;
  const rig = house(...engines);
  rig.source.isFull = (engine) => engine.slotsTaken > 0;
  const joins = [rig.join(), rig.join({ hash: OTHER_ID })];
  await rig.clock.advance(0);
  replies[1].resolve(playback());
  await rig.clock.advance(0);
  replies[0].resolve(playback());
  await rig.clock.advance(0);
  engines[1].media[0]?.push(media(0, 3));
  await Promise.all(joins);
  assert.deepEqual([engines[0].stops, engines[1].stops], [1, 0]);
  assert.equal(rig.directory.find(INFOHASH)?.clientCount, 2);
  assert.equal(rig.directory.list().length, 1);
});

/** A second name that only engine two can be asked for, which does not answer; another engine tells after 2 s what it means. */
async function toldLate(rig: ReturnType<typeof house>, two: FakeEngine) {
  const reply = Promise.withResolvers<Playback>();
  two.onStart = () => reply.promise;
  rig.source.isFull = (engine) => engine !== two;
  const told = Promise.withResolvers<Awaited<ReturnType<NameResolver['mediaFiles']>>>();
  rig.source.resolver = { mediaFiles: () => told.promise };
  const joining = rig.join({ hash: OTHER_ID });
  joining.catch(() => {}); // Whoever awaits it hears of it.
  await rig.clock.advance(1_499);
  assert.equal(two.starts.length, 0, 'the answer has a head start');
  await rig.clock.advance(501);
  assert.equal(two.starts.length, 1, 'and the start no more than that');
  const tell = async (isLive: boolean): Promise<void> => {
    told.resolve({ infohash: INFOHASH, isLive, name: undefined, transportType: undefined, files: [] });
    await rig.clock.advance(200); // For the other kind, which is asked as well.
  };
  return { reply, tell, joining };
}

test('invariant 1: what a name means is used when it comes, also after the start has begun: its viewers join what plays', async () => {
  const engines = [engineOf('one'), new FakeEngine('two')] as const;
  const rig = house(...engines);
  const playing = await watch(rig, engines[0]);
  const { reply, tell, joining } = await toldLate(rig, engines[1]);
  assert.equal(rig.directory.list().length, 2, 'until then nobody knows');
  await tell(true);
  assert.equal(rig.directory.list().length, 1);
  const joined = await joining;
  assert.equal(joined.session.id, playing.session.id);
  assert.equal(rig.directory.find(INFOHASH)?.clientCount, 2);
  assert.ok(joined.openCursor().take(1_000_000), 'there is something to watch');
  assert.equal(engines[1].slotsTaken, 1, 'its start is still under way');
  reply.resolve(playback());
  await rig.clock.advance(0);
  assert.deepEqual([engines[1].stops, engines[1].slotsTaken, engines[1].media.length], [1, 0, 0]);
  assert.deepEqual([engines[0].stops, engines[0].slotsTaken], [0, 1], 'what plays goes on');
  await rig.directory.stop('shutdown');
});

test('that a name means a recording is used when it comes: the start is given up, and remembered as one of a recording', async () => {
  const two = new FakeEngine('two');
  const rig = house(two);
  const { reply, tell, joining } = await toldLate(rig, two);
  const refused = refusal(joining);
  await tell(false);
  assert.equal(await Promise.race([refused, 'it waits still']), 'vod_not_yet', 'then it is read as a file');
  assert.deepEqual(rig.directory.known(OTHER_ID), { infohash: INFOHASH, kind: 'id', isLive: false });
  assert.equal(two.slotsTaken, 1, 'its start is still under way');
  reply.resolve(playback({ isLive: false }));
  await rig.clock.advance(0);
  assert.deepEqual([two.stops, two.slotsTaken], [1, 0]);
  assert.equal(await refusal(rig.join({ hash: OTHER_ID })), 'vod_not_yet');
  assert.equal(two.starts.length, 1, 'no engine is asked again');
  await rig.directory.stop('shutdown');
});

test('one broadcast with other parameters on one engine: the newcomer goes elsewhere, the other starts anew', async () => {
  const engines = [engineOf('one'), engineOf('two')] as const;
  const rig = house(...engines);
  await watch(rig, engines[0]);
  const second = rig.join({ hash: OTHER_ID, parameters: { quality: 'hd' } });
  await rig.clock.advance(0);
  assert.deepEqual(rig.observer.events.filter((event) => event.startsWith('attempt failed')).toSorted(), [
    'attempt failed: infohash_in_use',
    'attempt failed: superseded',
  ]);
  for (const engine of engines) engine.media.at(-1)?.push(media(10, 3));
  await second;
  assert.deepEqual(
    rig.directory.list().map(({ clientCount }) => clientCount),
    [1, 1],
  );
  assert.deepEqual([engines[0].slotsTaken, engines[1].slotsTaken], [1, 1], 'each on an engine of its own');
});

test('one broadcast with other parameters: the other one is asked for anew when the newcomer has left its engine', async () => {
  const engines = [engineOf('one'), engineOf('two')] as const;
  const rig = house(...engines);
  await watch(rig, engines[0]);
  const stopped = Promise.withResolvers<void>();
  engines[0].stopping = stopped.promise;
  const second = rig.join({ hash: OTHER_ID, parameters: { quality: 'hd' } });
  await rig.clock.advance(0);
  assert.equal(engines[1].opened.length, 1, 'the newcomer is elsewhere');
  const asked = rig.source.requests.length;
  assert.deepEqual(
    rig.source.requests.at(-1)?.exclude,
    new Set(['one']),
    'until then it was the last to ask',
  );
  stopped.resolve();
  await rig.clock.advance(0);
  assert.deepEqual(
    rig.source.requests.slice(asked).map(({ lastEngine }) => lastEngine),
    ['one'],
  );
  assert.deepEqual(idsOf(engines[0].opened), ['one-1', 'one-2', 'one-3']);
  engines[1].media.at(-1)?.push(media(10, 3));
  await second;
  assert.deepEqual([engines[0].slotsTaken, engines[1].slotsTaken], [1, 1], 'each on an engine of its own');
});

test('a name that nobody knows is refused from memory for half a minute, under its parameters', async () => {
  const engine = new FakeEngine('one', async () => {
    throw new AcemuxError('content_unknown');
  });
  const rig = house(engine);
  assert.equal(await refusal(rig.join()), 'content_unknown');
  const { length } = engine.starts;
  await rig.clock.advance(29_000);
  assert.equal(await refusal(rig.join()), 'content_unknown');
  assert.equal(engine.starts.length, length);
  await rig.clock.advance(1_000);
  assert.equal(await refusal(rig.join()), 'content_unknown');
  assert.ok(engine.starts.length > length);
});

test('a viewer is told as soon as it is known that what it waits for is live, once', async () => {
  const engine = engineOf('one');
  const rig = house(engine);
  const told: string[] = [];
  const joining = rig.joinTold(() => told.push('first'));
  assert.equal(told.length, 0);
  await rig.clock.advance(0);
  assert.deepEqual(told, ['first']);
  const second = rig.joinTold(() => told.push('second'));
  assert.deepEqual(told, ['first', 'second'], 'it is known already');
  engine.media[0]?.push(media(0, 3));
  await Promise.all([joining, second]);
  assert.deepEqual(told, ['first', 'second']);
});
