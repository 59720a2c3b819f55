import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine, INFOHASH, playback } from '../../test/support/fake-engines.ts';
import { house, houseWith, ID, keepPlaying, media, refusal } from '../../test/support/session-house.ts';
import { AcemuxError, type ReasonCode, reasonOf } from '../base/reasons.ts';
import { silentLog } from '../telemetry/log.ts';
import { Lease } from './lease.ts';

const OPENER = { address: '10.0.0.1', userAgent: 'program' };
const PLAYER = { address: '10.0.0.2', userAgent: 'player' };
const NOBODY_LEAVES = new AbortController().signal;

/** A lease that has not been opened, with the house it is of. */
function leaseIn(rig: ReturnType<typeof house>) {
  const ended: Lease[] = [];
  const lease = new Lease({
    request: {
      selector: { kind: 'id', hash: ID, parameters: {} },
      viewer: OPENER,
      clientSessionId: 7,
    },
    sessions: rig.directory,
    owner: { onLeaseEnded: (over) => ended.push(over) },
    clock: rig.clock,
    log: silentLog(),
  });
  return { lease, ended };
}

/** A lease of a stream that plays. */
async function playing(idleTimeoutMs = 300_000) {
  const engine = new FakeEngine('one');
  const rig = houseWith({ idleTimeoutMs }, engine);
  const { lease, ended } = leaseIn(rig);
  const opening = lease.open(NOBODY_LEAVES);
  await rig.clock.advance(0);
  await opening;
  engine.media[0]?.push(media(0, 3));
  keepPlaying(rig, engine, 3);
  await rig.clock.advance(0);
  return { ...rig, engine, lease, ended };
}

test('it is open as soon as the infohash is known, which is before there is media', async () => {
  const reply = Promise.withResolvers<ReturnType<typeof playback>>();
  const engine = new FakeEngine('one', () => reply.promise);
  const rig = house(engine);
  const { lease } = leaseIn(rig);
  let isOpen = false;
  const opening = lease.open(NOBODY_LEAVES).then(() => {
    isOpen = true;
  });
  await rig.clock.advance(0);
  assert.equal(isOpen, false);
  assert.equal(lease.snapshot()?.clientCount, 1, 'whoever waits is a viewer already');
  reply.resolve(playback());
  await opening;
  assert.equal(lease.infohash, INFOHASH);
  assert.equal(lease.clientSessionId, 7);
  assert.equal(lease.snapshot()?.state, 'starting');
  assert.equal(lease.snapshot()?.clientCount, 1);
  lease.end('lease_stopped');
});

test('of a stream that plays it is open at once', async () => {
  const { directory, clock, ...rest } = await playing();
  const second = leaseIn({ directory, clock, ...rest }).lease;
  await second.open(NOBODY_LEAVES);
  assert.equal(second.infohash, INFOHASH);
  await clock.advance(0);
  assert.equal(directory.clientCount, 2);
});

test('tokens are 128 bits and no two are alike', async () => {
  const rig = house(new FakeEngine('one'));
  const tokens = Array.from({ length: 50 }, () => leaseIn(rig).lease.token);
  for (const token of tokens) assert.match(token, /^[0-9a-f]{32}$/);
  assert.equal(new Set(tokens).size, 50);
});

test('a stream that no engine knows is told before there is a lease', async () => {
  const engine = new FakeEngine('one', async () => {
    throw new AcemuxError('content_unknown');
  });
  const { clock, ...rig } = house(engine);
  const { lease, ended } = leaseIn({ clock, ...rig });
  assert.equal(await refusal(lease.open(NOBODY_LEAVES)), 'content_unknown');
  assert.deepEqual(ended, [lease]);
  await clock.advance(0);
  assert.equal(clock.pendingTimers, 0);
});

test('a program that leaves before it is open leaves the start alone', async () => {
  const rig = house(new FakeEngine('one', () => new Promise(() => {})));
  const { lease, ended } = leaseIn(rig);
  const leaving = new AbortController();
  const opening = refusal(lease.open(leaving.signal));
  await rig.clock.advance(0);
  assert.equal(rig.directory.clientCount, 1);
  leaving.abort(new AcemuxError('client_left'));
  assert.equal(await opening, 'client_left');
  await rig.clock.advance(0);
  assert.equal(rig.directory.clientCount, 0);
  assert.deepEqual(ended, [lease]);
});

test('it is one viewer of its session, unread, read, and read twice', async () => {
  const { lease, directory, observer } = await playing();
  const counts = [directory.clientCount];
  const first = await lease.read(PLAYER, NOBODY_LEAVES);
  counts.push(directory.clientCount);
  const second = await lease.read(PLAYER, NOBODY_LEAVES);
  counts.push(directory.clientCount);
  first.leave('client_left');
  second.leave('client_left');
  counts.push(directory.clientCount);
  assert.deepEqual(counts, [1, 1, 1, 1]);
  lease.end('lease_stopped');
  assert.equal(directory.clientCount, 0);
  assert.deepEqual(observer.events, ['session started', 'client joined', 'client left: lease_stopped']);
});

test('a reader is whoever reads, and begins where a viewer who comes now begins', async () => {
  const { lease } = await playing();
  const reader = await lease.read(PLAYER, NOBODY_LEAVES);
  assert.equal(reader.viewer, PLAYER);
  assert.ok(reader.openCursor().take(1_000)?.length);
});

test('after 60 s that nobody reads it ends; the session lingers and its playback is stopped', async () => {
  const { lease, ended, directory, clock, engine } = await playing(10_000);
  await clock.advance(59_999);
  assert.deepEqual(ended, []);
  assert.equal(directory.list()[0]?.state, 'playing');
  await clock.advance(1);
  assert.deepEqual(ended, [lease]);
  assert.equal(directory.list()[0]?.state, 'lingering');
  await clock.advance(10_000);
  assert.deepEqual(directory.list(), []);
  assert.equal(engine.stops, 1);
  assert.equal(clock.pendingTimers, 0);
});

test('while somebody reads it lives; the 60 s begin when the last reader has left', async () => {
  const { lease, ended, clock } = await playing();
  await clock.advance(50_000);
  const first = await lease.read(PLAYER, NOBODY_LEAVES);
  await clock.advance(600_000);
  const second = await lease.read(PLAYER, NOBODY_LEAVES);
  first.leave('client_left');
  await clock.advance(600_000);
  second.leave('client_left');
  second.leave('client_left');
  await clock.advance(59_999);
  assert.deepEqual(ended, []);
  await clock.advance(1);
  assert.deepEqual(ended, [lease]);
});

test('who waits for the first media reads already', async () => {
  const engine = new FakeEngine('one');
  const rig = houseWith({ startTimeoutMs: 200_000, firstByteTimeoutMs: 200_000 }, engine);
  const { lease, ended } = leaseIn(rig);
  const opening = lease.open(NOBODY_LEAVES);
  await rig.clock.advance(0);
  await opening;
  const reading = lease.read(PLAYER, NOBODY_LEAVES);
  await rig.clock.advance(100_000);
  assert.deepEqual(ended, []);
  engine.media[0]?.push(media(0, 3));
  await reading;
});

test('a player that leaves while it waits ends only its waiting', async () => {
  const rig = house(new FakeEngine('one'));
  const { lease, ended } = leaseIn(rig);
  const opening = lease.open(NOBODY_LEAVES);
  await rig.clock.advance(0);
  await opening;
  const leaving = new AbortController();
  const reading = refusal(lease.read(PLAYER, leaving.signal));
  leaving.abort(new AcemuxError('client_left'));
  assert.equal(await reading, 'client_left');
  assert.deepEqual(ended, []);
  assert.notEqual(lease.unreadSinceMs, undefined);
});

test('a third reader replaces the one that came first, and no other', async () => {
  const { lease, ended } = await playing();
  const readers = [];
  for (let count = 0; count < 3; count++) readers.push(await lease.read(PLAYER, NOBODY_LEAVES));
  assert.deepEqual(
    readers.map(({ expulsion }) => expulsion?.aborted && reasonOf(expulsion.reason)),
    ['reader_replaced', false, false],
  );
  // Its connection is gone a moment later: that is no end of the others.
  readers[0]?.leave('reader_replaced');
  assert.equal(lease.unreadSinceMs, undefined);
  assert.deepEqual(ended, []);
});

test('its end is that of its readers, those that wait too', async () => {
  const { lease, ended } = await playing();
  const reader = await lease.read(PLAYER, NOBODY_LEAVES);
  lease.end('lease_stopped');
  lease.end('shutdown');
  assert.equal(reasonOf(reader.expulsion?.reason), 'lease_stopped');
  reader.leave('lease_stopped');
  assert.equal(await refusal(lease.read(PLAYER, NOBODY_LEAVES)), 'lease_stopped');
  assert.deepEqual(ended, [lease]);

  const rig = house(new FakeEngine('one'));
  const waiting = leaseIn(rig).lease;
  const opening = waiting.open(NOBODY_LEAVES);
  await rig.clock.advance(0);
  await opening;
  const reading = refusal(waiting.read(PLAYER, NOBODY_LEAVES));
  waiting.end('lease_stopped');
  assert.equal(await reading, 'lease_stopped');
});

for (const when of ['before there was media', 'while it plays'] as const) {
  test(`when its session ends ${when}, it ends with the same reason, and nothing of it is left`, async () => {
    const engine = new FakeEngine('one');
    const rig = house(engine);
    const { lease, ended } = leaseIn(rig);
    const opening = lease.open(NOBODY_LEAVES);
    await rig.clock.advance(0);
    await opening;
    if (when === 'while it plays') engine.media[0]?.push(media(0, 3));
    await rig.clock.advance(0);
    const reading = lease.read(PLAYER, NOBODY_LEAVES).then(
      ({ expulsion }) => expulsion,
      (error: unknown) => reasonOf(error),
    );
    await rig.clock.advance(0);
    engine.onStart = async () => {
      throw new AcemuxError('engine_broken');
    };
    engine.media[0]?.finish();
    await rig.clock.advance(0);
    if (when === 'while it plays') await rig.clock.advance(121_000);
    const expected: ReasonCode = when === 'while it plays' ? 'retry_budget_spent' : 'engine_closed';
    const heard = await reading;
    assert.equal(heard instanceof AbortSignal ? reasonOf(heard.reason) : heard, expected);
    assert.deepEqual(ended, [lease]);
    assert.equal(rig.directory.clientCount, 0);
    assert.equal(rig.clock.pendingTimers, 0);
  });
}
