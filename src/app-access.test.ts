import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ListedPart } from './access/address-lists.ts';
import { digestOf } from './access/digest.ts';
import { MemoryKeyStore } from './access/key-store.ts';
import { TokenSigner } from './access/signed-token.ts';
import { FOLLOW_INTERVAL_MS, rotateSigningSecrets } from './access/signing-secrets.ts';
import { buildAccess } from './app-access.ts';
import { ManualClock } from './base/manual-clock.ts';
import { type Config, defaultConfig } from './config/config.ts';
import { silentLog } from './telemetry/log.ts';

const PARTS: readonly ListedPart[] = ['play', 'view', 'admin'];
const guest = (address: string) => ({ address, isPrivate: true, isBehindUnknownProxy: false });

test('URLs are signed, and accepted, by what becomes of the file of secrets while acemux runs', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'acemux-access-'));
  t.after(() => rm(dataDir, { recursive: true }));
  const base = defaultConfig();
  const clock = new ManualClock();
  const config: Config = { ...base, storage: { ...base.storage, dataDir } };
  const house = await buildAccess(config, { keyStore: new MemoryKeyStore(), clock, log: silentLog() });
  t.after(() => house.stop());
  house.start();
  const secrets = await rotateSigningSecrets(dataDir);
  const byNewest = new TokenSigner(secrets.slice(0, 1));
  const grant = {
    stream: 'a'.repeat(40),
    expiresAtMs: 1_000_000,
    address: undefined,
    keyId: undefined,
    limits: undefined,
  };
  const { signer } = house.parts;
  assert.ok(!signer.read(byNewest.sign(grant)).ok);
  await clock.advance(FOLLOW_INTERVAL_MS);
  // The next look is planned when this one is over.
  while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(signer.read(byNewest.sign(grant)).ok);
  assert.ok(byNewest.read(signer.sign(grant)).ok);
});

test('where the keys that were made by API can’t be read, the admin key and those of the configuration open all the same', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'acemux-access-'));
  t.after(() => rm(dataDir, { recursive: true }));
  const base = defaultConfig();
  const digest = digestOf('a-long-random-text').toString('hex');
  const key = { name: 'tv', role: 'viewer', digest, limits: {} } as const;
  const keyStore = new MemoryKeyStore();
  keyStore.list = () => Promise.reject(new Error('the disk is ill'));
  const config: Config = {
    ...base,
    storage: { ...base.storage, dataDir },
    access: { ...base.access, apiKey: 'the-admin-key-of-this-test', keys: [key] },
  };
  const house = await buildAccess(config, { keyStore, clock: new ManualClock(), log: silentLog() });
  t.after(() => house.stop());
  assert.equal(house.parts.keys.find('the-admin-key-of-this-test')?.role, 'admin');
  assert.equal(house.parts.keys.find('a-long-random-text')?.name, 'tv');
});

test('each list of addresses that can be set keeps out of its own part, and of no other', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'acemux-access-'));
  t.after(() => rm(dataDir, { recursive: true }));
  for (const part of PARTS) {
    for (const kind of ['Allow', 'Deny'] as const) {
      const base = defaultConfig();
      const config: Config = {
        ...base,
        storage: { ...base.storage, dataDir },
        access: { ...base.access, [`${part}${kind}`]: ['192.168.7.0/24', 'fd00::/8'] },
      };
      const house = await buildAccess(config, {
        keyStore: new MemoryKeyStore(),
        clock: new ManualClock(),
        log: silentLog(),
      });
      const isLetIn = (address: string): readonly ListedPart[] =>
        PARTS.filter((each) => house.parts.lists.judge(each, guest(address)) === 'allow');
      const others = PARTS.filter((each) => each !== part);
      for (const listed of ['192.168.7.9', 'fd12::1']) {
        assert.deepEqual(isLetIn(listed), kind === 'Allow' ? PARTS : others, `${part}${kind} ${listed}`);
      }
      assert.deepEqual(isLetIn('10.0.0.1'), kind === 'Allow' ? others : PARTS, `${part}${kind}`);
      await house.stop();
    }
  }
});
