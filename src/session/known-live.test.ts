/** Who waits for a start is told as soon as the stream is known to be live (EARLY_HEADERS_AFTER). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine, playback } from '../../test/support/fake-engines.ts';
import { house, houseWith, ID, media, refusal } from '../../test/support/session-house.ts';

const VIEWER = { address: '127.0.0.1', userAgent: 'test' };
const STREAM = { kind: 'id', hash: ID, parameters: {} } as const;

/** Joins, and counts how often it is told that the stream is live. */
function join({ directory }: ReturnType<typeof house>) {
  const told = { times: 0 };
  const joining = directory.join(STREAM, VIEWER, new AbortController().signal, () => {
    told.times++;
  });
  return { told, joining };
}

test('by the engine’s reply to the start, before there is media', async () => {
  const reply = Promise.withResolvers<ReturnType<typeof playback>>();
  const engine = new FakeEngine('one', () => reply.promise);
  const rig = house(engine);
  const { told, joining } = join(rig);
  await rig.clock.advance(9_000);
  assert.equal(told.times, 0);
  reply.resolve(playback());
  await rig.clock.advance(0);
  assert.equal(told.times, 1);
  const later = join(rig);
  assert.equal(later.told.times, 1, 'who comes later is told at once');
  engine.media[0]?.push(media(0, 3));
  await Promise.all([joining, later.joining]);
  assert.equal(told.times, 1);
});

test('at once, where it has been played before', async () => {
  const engine = new FakeEngine('one');
  const rig = houseWith({ idleTimeoutMs: 0 }, engine);
  const first = join(rig);
  await rig.clock.advance(0);
  engine.media[0]?.push(media(0, 3));
  (await first.joining).leave('client_left');
  await rig.clock.advance(1_000);
  assert.deepEqual(rig.directory.list(), []);
  const second = join(rig);
  assert.equal(second.told.times, 1);
  await rig.clock.advance(0);
  engine.media[1]?.push(media(0, 3));
  await second.joining;
  assert.equal(second.told.times, 1);
});

test('once, however many engines are asked', async () => {
  const [one, two] = [new FakeEngine('one'), new FakeEngine('two')];
  const rig = house(one, two);
  const { told, joining } = join(rig);
  await rig.clock.advance(0);
  one.media[0]?.finish();
  await rig.clock.advance(0);
  two.media[0]?.push(media(0, 3));
  await joining;
  assert.equal(told.times, 1);
});

test('never of a recording, and not after the start has failed', async () => {
  const engine = new FakeEngine('one', async () => playback({ isLive: false }));
  const rig = house(engine);
  const { told, joining } = join(rig);
  assert.equal(await refusal(joining), 'vod_not_yet');
  assert.equal(told.times, 0);
});
