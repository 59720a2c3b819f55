import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LimitRules, sharesOf } from './shares.ts';

const RULES: LimitRules = {
  all: { viewersMax: 100 },
  address: { streamsMax: 3 },
  key: { streamsMax: 2, onLimit: 'refuse' },
  viewerBytesPerSecond: undefined,
};
const address = '192.0.2.1';

test('a guest is counted by the address, and with all', () => {
  assert.deepEqual(sharesOf({ address }, RULES), [
    { kind: 'address', name: 'address 192.0.2.1', limits: RULES.address },
    { kind: 'all', name: 'all', limits: RULES.all },
  ]);
});

test('of IPv6 a network of 64 bits is one', () => {
  const names = ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1'].map(
    (each) => sharesOf({ address: each }, RULES)[0]?.name,
  );
  assert.equal(names[0], names[1]);
  assert.notEqual(names[0], names[2]);
});

test('a key has its own limits, and those for keys where it has none; an admin has its own only', () => {
  const key = { id: 'k1', limits: { streamsMax: 5, viewersMax: 7 } };
  const [own] = sharesOf({ address, role: 'viewer', key }, RULES);
  assert.equal(own?.name, 'key k1');
  assert.equal(own?.limits.streamsMax, 5);
  assert.equal(own?.limits.onLimit, 'refuse');
  const [bare] = sharesOf({ address, role: 'viewer', key: { id: 'k2', limits: undefined } }, RULES);
  assert.equal(bare?.limits.streamsMax, 2);
  const [admin] = sharesOf({ address, role: 'admin', key: { id: 'admin', limits: undefined } }, RULES);
  assert.equal(admin?.limits.streamsMax, undefined);
});

test('what a signed URL limits is counted by the URL and not by its key', () => {
  const key = { id: 'k1', limits: { streamsMax: 5, viewersMax: 7 } };
  const [url, ofKey] = sharesOf({ address, key, signed: { id: 'u1', limits: { streamsMax: 1 } } }, RULES);
  assert.deepEqual([url?.name, url?.kind, url?.limits.streamsMax], ['url u1', 'key', 1]);
  assert.deepEqual(
    [ofKey?.name, ofKey?.limits.streamsMax, ofKey?.limits.viewersMax],
    ['key k1', undefined, 7],
  );
});
