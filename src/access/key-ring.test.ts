import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { digestOf } from './digest.ts';
import { ADMIN_KEY_ID, type ConfiguredKey, KEYS_MAX, KeyRing } from './key-ring.ts';
import { type KeyStore, MemoryKeyStore, type StoredKey } from './key-store.ts';

const ADMIN_KEY = 'the-admin-key';
const LIVING_ROOM: ConfiguredKey = {
  name: 'living room',
  role: 'viewer',
  digest: digestOf('key-of-the-living-room').toString('hex'),
  limits: { streamsMax: 2 },
};

function makeRing(store: KeyStore = new MemoryKeyStore(), configured = [LIVING_ROOM]): KeyRing {
  return new KeyRing({ adminKey: ADMIN_KEY, configured, store, clock: new ManualClock() });
}

const refusedAs = (code: string) => (error: unknown) => error instanceof AcemuxError && error.code === code;

test('the admin key and those of the configuration are known, by what they are for', () => {
  const ring = makeRing();
  assert.equal(ring.find(ADMIN_KEY)?.role, 'admin');
  assert.equal(ring.find(ADMIN_KEY)?.id, ADMIN_KEY_ID);
  const known = ring.find('key-of-the-living-room');
  assert.deepEqual(known, {
    id: 'config:living room',
    name: 'living room',
    role: 'viewer',
    limits: { streamsMax: 2 },
    origin: 'configured',
    createdAtMs: undefined,
  });
  assert.equal(ring.byId('config:living room'), known);
});

test('no other text is a key', () => {
  const ring = makeRing();
  fc.assert(fc.property(fc.string(), (text) => ring.find(text) === undefined));
  for (const text of ['', ADMIN_KEY.slice(1), `${ADMIN_KEY} `, LIVING_ROOM.digest, ADMIN_KEY.toUpperCase()]) {
    assert.equal(ring.find(text), undefined, text);
  }
});

test('a key that was made opens at once and after a restart, and only its digest was kept', async () => {
  const store = new MemoryKeyStore();
  const { key, known } = await makeRing(store).create({ name: 'guest', role: 'viewer', limits: undefined });
  assert.match(key, /^amx_[\w-]{43}$/);
  const [stored] = await store.list();
  assert.ok(stored);
  assert.equal(stored.digest, digestOf(key).toString('hex'));
  assert.ok(!JSON.stringify(stored).includes(key));

  const later = makeRing(store);
  assert.equal(later.find(key), undefined, 'the store has not been read');
  await later.start();
  assert.deepEqual(later.find(key), known);
  assert.equal(known.origin, 'made');
});

test('a key that was removed is worth nothing, here and after a restart', async () => {
  const store = new MemoryKeyStore();
  const ring = makeRing(store);
  const { key, known } = await ring.create({ name: 'guest', role: 'viewer', limits: undefined });
  await ring.remove(known.id);
  assert.equal(ring.find(key), undefined);
  assert.equal(ring.byId(known.id), undefined);
  assert.deepEqual(await store.list(), []);
  await assert.rejects(ring.remove(known.id), refusedAs('key_unknown'));
});

test('what the configuration says can be removed there only', async () => {
  await assert.rejects(makeRing().remove(ADMIN_KEY_ID), refusedAs('key_configured'));
  await assert.rejects(makeRing().remove('config:living room'), refusedAs('key_configured'));
});

test('a name is given once, also to requests that race for it', async () => {
  const ring = makeRing();
  const wish = { name: 'guest', role: 'viewer', limits: undefined } as const;
  await assert.rejects(ring.create({ ...wish, name: 'living room' }), refusedAs('key_name_taken'));
  await assert.rejects(ring.create({ ...wish, name: 'admin' }), refusedAs('key_name_taken'));
  const made = await Promise.allSettled([ring.create(wish), ring.create(wish), ring.create(wish)]);
  assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a key of the store whose name the configuration has meanwhile is not accepted', async () => {
  const store = new MemoryKeyStore();
  const { key } = await makeRing(store, []).create({ name: 'living room', role: 'admin', limits: undefined });
  const ring = makeRing(store);
  await ring.start();
  assert.equal(ring.find(key), undefined);
});

test('a store that has others later is read again, until the ring is stopped', async () => {
  const listeners = new Set<() => void>();
  const store = new (class extends MemoryKeyStore {
    isBroken = true;
    override async list(): ReturnType<MemoryKeyStore['list']> {
      if (this.isBroken) throw new Error('no database');
      return super.list();
    }
    onReloaded(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    }
  })();
  const { key, known } = await makeRing(store).create({ name: 'guest', role: 'viewer', limits: undefined });
  const ring = makeRing(store);
  await assert.rejects(ring.start(), /no database/);
  assert.ok(ring.find(ADMIN_KEY), 'what needs no store is accepted');
  assert.equal(ring.find(key), undefined);

  store.isBroken = false;
  for (const tell of listeners) tell();
  await assert.rejects(ring.remove('key_none'), refusedAs('key_unknown')); // Waits for its turn.
  assert.deepEqual(ring.find(key), known);
  await store.remove(known.id);
  for (const tell of listeners) tell();
  await assert.rejects(ring.remove('key_none'), refusedAs('key_unknown'));
  assert.equal(ring.find(key), undefined, 'it is gone there, so it is gone');
  ring.stop();
  assert.equal(listeners.size, 0);
});

test('there are at most so many keys', async () => {
  const configured = Array.from({ length: KEYS_MAX - 1 }, (_, index) => ({
    ...LIVING_ROOM,
    name: `key ${index}`,
    digest: digestOf(String(index)).toString('hex'),
  }));
  const ring = makeRing(new MemoryKeyStore(), configured);
  const wish = { name: 'one more', role: 'viewer', limits: undefined } as const;
  await assert.rejects(ring.create(wish), refusedAs('too_many_keys'));
});

test('what the store does not keep is no key, and what it does not let go stays one', async () => {
  const failing = new (class extends MemoryKeyStore {
    isBroken = true;
    override async add(key: StoredKey): Promise<void> {
      if (this.isBroken) throw new Error('disk full');
      await super.add(key);
    }
    override async remove(id: string): Promise<boolean> {
      if (this.isBroken) throw new Error('disk full');
      return super.remove(id);
    }
  })();
  const ring = makeRing(failing);
  const wish = { name: 'guest', role: 'viewer', limits: undefined } as const;
  await assert.rejects(ring.create(wish), /disk full/);
  assert.ok(!ring.list().some(({ name }) => name === 'guest'));
  failing.isBroken = false;
  const { key, known } = await ring.create(wish);
  failing.isBroken = true;
  await assert.rejects(ring.remove(known.id), /disk full/);
  assert.ok(ring.find(key));
});

test('who wants to know is told of each key that is not accepted any more, and of no other', async () => {
  let reload = (): void => {};
  const kept = new MemoryKeyStore();
  const store: KeyStore = {
    list: () => kept.list(),
    add: (key) => kept.add(key),
    remove: (id) => kept.remove(id),
    onReloaded: (listener) => {
      reload = listener;
      return () => {};
    },
  };
  const ring = makeRing(store);
  await ring.start();
  const make = async (name: string) =>
    (await ring.create({ name, role: 'viewer', limits: undefined })).known.id;
  const ids = [await make('one'), await make('two'), await make('three')] as const;
  const removed: string[] = [];
  const unsubscribe = ring.onRemoved(({ id }) => {
    assert.equal(ring.byId(id), undefined, 'it is not accepted by then');
    removed.push(id);
  });
  await ring.remove(ids[0]);
  assert.deepEqual(removed, [ids[0]]);
  await kept.remove(ids[1]);
  reload();
  await ring.remove(ids[2]);
  assert.deepEqual(removed, [...ids], 'also when the database is another one than before');
  unsubscribe();
});
