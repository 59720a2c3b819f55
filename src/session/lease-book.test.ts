import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeEngine, playback } from '../../test/support/fake-engines.ts';
import { house, ID, media, refusal } from '../../test/support/session-house.ts';
import { AcemuxError } from '../base/reasons.ts';
import { silentLog } from '../telemetry/log.ts';
import { LeaseBook } from './lease-book.ts';

const VIEWER = { address: '10.0.0.1', userAgent: 'program' };
const NOBODY_LEAVES = new AbortController().signal;

/** A book over a stream that plays as soon as it is asked for; nothing of it may be left at the end. */
function bookOf(t: TestContext, leasesMax: number) {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  const book = new LeaseBook({ sessions: rig.directory, leasesMax, clock: rig.clock, log: silentLog() });
  t.after(async () => {
    book.stop('shutdown');
    assert.equal(book.size, 0);
    await rig.clock.advance(0);
    assert.equal(rig.directory.clientCount, 0);
    await rig.directory.stop('shutdown');
    assert.equal(rig.clock.pendingTimers, 0);
  });
  const open = async (signal = NOBODY_LEAVES) => {
    const selector = { kind: 'id', hash: ID, parameters: {} } as const;
    const opening = book.open({ selector, viewer: VIEWER, clientSessionId: -1 }, signal);
    opening.catch(() => {}); // The test hears it.
    await rig.clock.advance(1);
    return await opening;
  };
  return { ...rig, engine, book, open };
}

test('a lease is found by its token until it is over', async (t) => {
  const { book, open } = bookOf(t, 10);
  const lease = await open();
  assert.equal(book.find(lease.token), lease);
  assert.equal(book.find('0'.repeat(32)), undefined);
  lease.end('lease_stopped');
  assert.equal(book.find(lease.token), undefined);
  assert.equal(book.size, 0);
});

test('two leases of one stream are two viewers of one playback', async (t) => {
  const { open, directory, engine } = bookOf(t, 10);
  const leases = [await open(), await open()];
  assert.equal(engine.opened.length, 1);
  assert.equal(directory.clientCount, 2);
  assert.notEqual(leases[0]?.token, leases[1]?.token);
});

test('one that could not be opened is not kept', async (t) => {
  const { book, open, engine } = bookOf(t, 10);
  engine.onStart = async () => {
    throw new AcemuxError('content_unknown');
  };
  assert.equal(await refusal(open()), 'content_unknown');
  assert.equal(book.size, 0);
});

test('when there are as many as may be, the one that has been unread longest gives way', async (t) => {
  const { book, open, engine, clock } = bookOf(t, 3);
  const [first, second, third] = [await open(), await open(), await open()];
  engine.media[0]?.push(media(0, 3));
  await clock.advance(1);
  // The oldest has been read meanwhile: it is unread only since now.
  const reader = await first.read(VIEWER, NOBODY_LEAVES);
  reader.leave('client_left');
  await open();
  assert.equal(book.size, 3);
  assert.equal(book.find(second.token), undefined);
  assert.ok(book.find(first.token));
  assert.ok(book.find(third.token));
});

test('those that are read, or are being opened, do not: then it is the new one that is refused', async (t) => {
  const { book, open, engine, clock } = bookOf(t, 2);
  const [first, second] = [await open(), await open()];
  engine.media[0]?.push(media(0, 3));
  await clock.advance(1);
  await first.read(VIEWER, NOBODY_LEAVES);
  await second.read(VIEWER, NOBODY_LEAVES);
  assert.equal(await refusal(open()), 'too_many_leases');
  assert.equal(book.size, 2);
  book.stop('shutdown');

  const reply = Promise.withResolvers<ReturnType<typeof playback>>();
  const slow = bookOf(t, 1);
  slow.engine.onStart = () => reply.promise;
  const opening = slow.open();
  assert.equal(await refusal(slow.open()), 'too_many_leases');
  reply.resolve(playback());
  await opening;
});

test('a drain ends those that nobody reads, leaves the others, and lets no new one in', async (t) => {
  const { book, open, engine, clock } = bookOf(t, 10);
  const [unread, read] = [await open(), await open()];
  engine.media[0]?.push(media(0, 3));
  await clock.advance(0);
  const reader = await read.read(VIEWER, NOBODY_LEAVES);
  book.refuse('draining');
  assert.equal(book.find(unread.token), undefined);
  assert.equal(reader.expulsion?.aborted, false);
  assert.equal(await refusal(open()), 'draining');
});
