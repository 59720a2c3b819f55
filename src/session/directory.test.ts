import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine, INFOHASH, playback } from '../../test/support/fake-engines.ts';
import { house, houseWith, ID, media, refusal, watch } from '../../test/support/session-house.ts';
import { AcemuxError } from '../base/reasons.ts';

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

test('other parameters that reach the engine make another stream, never on the same engine', async () => {
  const engines = [new FakeEngine('one'), new FakeEngine('two')] as const;
  const rig = house(...engines);
  await watch(rig, engines[0]);
  await watch(rig, engines[1], { parameters: { _idx: '1' } });
  assert.deepEqual([engines[0].starts.length, engines[1].starts.length], [1, 1]);
  assert.deepEqual(engines[1].starts[0]?.parameters, { _idx: '1' });
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

test('while a start waits for a place, a stream that everybody has left gives its own up at once', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const attachment = await watch(rig, engine);
  rig.source.isCrowded = true;
  attachment.leave('client_left');
  assert.deepEqual(rig.directory.list(), []);
  await rig.clock.advance(0);
  assert.equal(engine.stops, 1);
  assert.equal(engine.slotsTaken, 0);
  assert.equal(rig.clock.pendingTimers, 0);
});

test('while a start waits for a place, one that everybody has left is given up at once', async () => {
  const engine = new FakeEngine('one', () => new Promise(() => {}));
  const rig = house(engine);
  const leaving = new AbortController();
  const joining = refusal(rig.join({}, leaving.signal));
  await rig.clock.advance(0);
  rig.source.isCrowded = true;
  leaving.abort(new AcemuxError('client_left'));
  assert.equal(await joining, 'client_left');
  assert.deepEqual(rig.directory.list(), []);
  assert.ok(engine.abandons > 0);
});

test('a start that everybody has left gives way, after what lingers; one with a viewer does not', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  (await watch(rig, engine)).leave('client_left');
  engine.onStart = () => new Promise(() => {});
  const leaving = new AbortController();
  const left = refusal(rig.join({ hash: 'b'.repeat(40) }, leaving.signal));
  const stays = refusal(rig.join({ hash: 'd'.repeat(40) }));
  await rig.clock.advance(0);
  leaving.abort(new AcemuxError('client_left'));
  await left;
  const streams = (): (string | undefined)[] => rig.directory.list().map(({ streamId }) => streamId[0]);
  assert.deepEqual(streams(), ['a', 'b', 'd']);
  assert.equal(rig.directory.giveWay(), true);
  assert.deepEqual(streams(), ['b', 'd']);
  assert.equal(rig.directory.giveWay(), true);
  assert.deepEqual(streams(), ['d']);
  assert.equal(rig.directory.giveWay(), false);
  void rig.directory.stop('shutdown');
  assert.equal(await stays, 'shutdown');
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

test('which broadcast it is can be known before there is anything to watch', async () => {
  const reply = Promise.withResolvers<ReturnType<typeof playback>>();
  const engine = new FakeEngine('one', () => reply.promise);
  const rig = house(engine);
  const selector = { kind: 'id', hash: ID, parameters: {} } as const;
  assert.equal(await refusal(rig.directory.identified(selector)), 'session_unknown');
  assert.equal(rig.directory.snapshotOf(selector), undefined);
  const joining = rig.join();
  const identified = rig.directory.identified(selector);
  await rig.clock.advance(0);
  reply.resolve(playback());
  assert.equal(await identified, INFOHASH);
  assert.equal(rig.directory.snapshotOf(selector)?.state, 'starting');
  assert.equal(rig.directory.snapshotOf({ ...selector, parameters: { quality: 'hd' } }), undefined);
  await rig.clock.advance(0);
  engine.media[0]?.push(media(0, 3));
  await joining;
});

test('what can never be known is told to whoever waits for it', async () => {
  const rig = house(new FakeEngine('one', async () => playback({ isLive: false })));
  const joining = refusal(rig.join());
  const identified = refusal(rig.directory.identified({ kind: 'id', hash: ID, parameters: {} }));
  assert.deepEqual([await joining, await identified], ['vod_not_yet', 'vod_not_yet']);
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

test('the memory of the buffers is counted for as long as sessions hold them', async () => {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  assert.equal(rig.directory.bufferBytes, 0);
  await watch(rig, engine);
  assert.ok(rig.directory.bufferBytes > 0);
  await rig.directory.stop('shutdown');
  assert.equal(rig.directory.bufferBytes, 0);
});

test('there are no more sessions than may be: those that nobody watches end for a new one, else it is refused', async () => {
  const engine = new FakeEngine('one', async ({ hash }) => playback({ infohash: hash }));
  const rig = houseWith({ sessionsMax: 2 }, engine);
  const first = await watch(rig, engine, { hash: '1'.repeat(40) });
  const second = await watch(rig, engine, { hash: '2'.repeat(40) });
  assert.equal(await refusal(rig.join({ hash: '3'.repeat(40) })), 'too_many_sessions');
  first.leave('client_left');
  await watch(rig, engine, { hash: '3'.repeat(40) });
  assert.deepEqual(
    rig.directory.list().map(({ streamId }) => streamId[0]),
    ['2', '3'],
  );
  second.leave('client_left');
  await rig.directory.stop('shutdown');
});
