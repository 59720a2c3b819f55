import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ClientAddress } from './client-address.ts';
import { type AccessMode, type AccessPolicy, type Area, decideAccess, presentedKeyOf } from './guard.ts';

const HOUSE: ClientAddress = { address: '192.168.1.5', isPrivate: true, isBehindUnknownProxy: false };
const STRANGER: ClientAddress = { address: '203.0.113.9', isPrivate: false, isBehindUnknownProxy: false };

function decide(area: Area, mode: AccessMode, client: ClientAddress, presentedKey?: string) {
  const policy: AccessPolicy = { play: mode, view: mode, key: 'right-key' };
  return decideAccess({ area, client, presentedKey, policy });
}

test('private: the house needs no key, strangers do', () => {
  for (const area of ['play', 'view'] as const) {
    assert.equal(decide(area, 'private', HOUSE), 'allow');
    assert.equal(decide(area, 'private', STRANGER), 'key_required');
    assert.equal(decide(area, 'private', STRANGER, 'wrong'), 'key_wrong');
    assert.equal(decide(area, 'private', STRANGER, 'right-key'), 'allow');
  }
});

test('key: everybody needs it', () => {
  for (const area of ['play', 'view'] as const) {
    assert.equal(decide(area, 'key', HOUSE), 'key_required');
    assert.equal(decide(area, 'key', HOUSE, 'wrong'), 'key_wrong');
    assert.equal(decide(area, 'key', HOUSE, 'right-key'), 'allow');
  }
});

test('open: nobody needs it', () => {
  assert.equal(decide('play', 'open', STRANGER), 'allow');
  assert.equal(decide('view', 'open', STRANGER), 'allow');
});

test('play and view have policies of their own', () => {
  const policy: AccessPolicy = { play: 'open', view: 'key', key: 'right-key' };
  assert.equal(decideAccess({ area: 'play', client: STRANGER, presentedKey: undefined, policy }), 'allow');
  assert.equal(
    decideAccess({ area: 'view', client: STRANGER, presentedKey: undefined, policy }),
    'key_required',
  );
});

test('admin always needs the key: no address and no mode stands in for it', () => {
  for (const mode of ['private', 'key', 'open'] as const) {
    assert.equal(decide('admin', mode, HOUSE), 'key_required');
    assert.equal(decide('admin', mode, HOUSE, 'wrong'), 'key_wrong');
    assert.equal(decide('admin', mode, STRANGER, 'right-key'), 'allow');
  }
});

test('open areas are open to all', () => {
  assert.equal(decide('open', 'key', STRANGER), 'allow');
});

test('no other key than the right one opens', () => {
  fc.assert(
    fc.property(
      fc.string(),
      (key) => key === 'right-key' || decide('admin', 'open', HOUSE, key) === 'key_wrong',
    ),
  );
});

test('the key comes as a bearer token or as X-API-Key', () => {
  assert.equal(presentedKeyOf({ authorization: 'Bearer abc' }), 'abc');
  assert.equal(presentedKeyOf({ authorization: 'bearer  abc ' }), 'abc');
  assert.equal(presentedKeyOf({ 'x-api-key': 'abc' }), 'abc');
  assert.equal(presentedKeyOf({ authorization: 'Basic Zm9v', 'x-api-key': 'abc' }), 'abc');
});

test('another scheme, an empty key and no header are no key', () => {
  assert.equal(presentedKeyOf({}), undefined);
  assert.equal(presentedKeyOf({ authorization: 'Basic Zm9v' }), undefined);
  assert.equal(presentedKeyOf({ authorization: 'Bearer ' }), undefined);
  assert.equal(presentedKeyOf({ 'x-api-key': '' }), undefined);
});
