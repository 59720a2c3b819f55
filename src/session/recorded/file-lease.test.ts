import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INFOHASH } from '../../../test/support/fake-engines.ts';
import { FILE, FileEngine } from '../../../test/support/fake-files.ts';
import {
  begin,
  flush,
  ID,
  readAll,
  recordingsHouse,
  refusal,
  rest,
} from '../../../test/support/recordings-house.ts';
import { silentLog } from '../../telemetry/log.ts';
import { FileLeaseBook } from './file-lease.ts';

const VIEWER = { address: '127.0.0.1', userAgent: 'test' };
const REQUEST = {
  selector: { kind: 'id', hash: ID, parameters: {} },
  viewer: VIEWER,
  clientSessionId: 7,
} as const;
const { signal } = new AbortController();
const WHOLE = { viewer: VIEWER, span: undefined };

function leases(engine: FileEngine) {
  const house = recordingsHouse(engine);
  const book = new FileLeaseBook({ recordings: house.recordings, clock: house.clock, log: silentLog() });
  return { ...house, book, open: () => book.open(REQUEST, signal) };
}

test('a lease has an engine begin at once, and its readers find it begun', async () => {
  const engine = new FileEngine('one');
  const { book, clock, open } = leases(engine);
  const lease = await open();
  assert.deepEqual([lease.infohash, lease.clientSessionId], [INFOHASH, 7]);
  assert.equal(book.find(lease.token), lease);
  await flush(clock);
  assert.deepEqual([lease.snapshot().state, lease.snapshot().isLive], ['lingering', false]);
  assert.ok((await readAll(await lease.read(WHOLE, signal))).equals(FILE));
  assert.ok((await readAll(await lease.read(WHOLE, signal))).equals(FILE));
  assert.equal(engine.starts.length, 1);
});

test('stopping it ends its readers and its playback', async () => {
  const engine = new FileEngine('one');
  const { book, clock, open } = leases(engine);
  const lease = await open();
  await flush(clock);
  const bytes = await begin(await lease.read(WHOLE, signal));
  lease.end('lease_stopped');
  assert.equal(await refusal(rest(bytes)), 'lease_stopped');
  await flush(clock);
  assert.deepEqual([engine.stops, engine.slotsTaken, clock.pendingTimers], [1, 0, 0]);
  assert.equal(await refusal(lease.read(WHOLE, signal)), 'lease_stopped');
  assert.equal(book.find(lease.token), undefined);
});

test('one that nobody reads for a minute ends; one that is read does not', async () => {
  const engine = new FileEngine('one');
  const { book, clock, open } = leases(engine);
  const lease = await open();
  await clock.advance(59_000);
  const file = await lease.read(WHOLE, signal);
  const bytes = await begin(file);
  await clock.advance(120_000);
  assert.ok(book.find(lease.token));
  assert.equal((await rest(bytes)).length, 900);
  file.reading.close('delivered');
  await clock.advance(59_000);
  assert.ok(book.find(lease.token));
  lease.end('lease_stopped');
  const unread = await open();
  await clock.advance(61_000);
  assert.equal(book.find(unread.token), undefined);
});

test('one whose file no engine plays ends by itself', async () => {
  const engine = new FileEngine('one');
  engine.failsAt = 0;
  const { book, clock, open } = leases(engine);
  const lease = await open();
  await flush(clock);
  assert.equal(book.find(lease.token), undefined);
  assert.equal(clock.pendingTimers, 0);
});

test('while draining none is opened, and those that nobody reads end', async () => {
  const engine = new FileEngine('one');
  const { book, clock, open } = leases(engine);
  const lease = await open();
  await flush(clock);
  book.refuse('draining');
  assert.equal(book.find(lease.token), undefined);
  assert.equal(await refusal(open()), 'draining');
  book.stop('shutdown');
  await flush(clock);
  assert.equal(engine.slotsTaken, 0);
});
