import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { type ListedPart, NO_LISTS, readAddressLists, type WrittenLists } from './address-lists.ts';

const EMPTY: WrittenLists = { allow: [], deny: [] };
const listsWith = (part: ListedPart, lists: Partial<WrittenLists>) =>
  readAddressLists({ play: EMPTY, view: EMPTY, admin: EMPTY, [part]: { ...EMPTY, ...lists } });
const from = (address: string, isBehindUnknownProxy = false) => ({
  address,
  isPrivate: false,
  isBehindUnknownProxy,
});

test('without lists everybody may come near', () => {
  for (const lists of [NO_LISTS, readAddressLists({ play: EMPTY, view: EMPTY, admin: EMPTY })]) {
    assert.equal(lists.judge('play', from('203.0.113.9')), 'allow');
    assert.equal(lists.judge('admin', from('2001:db8::1', true)), 'allow');
  }
});

test('an allow list lets nobody else near, in its part only', () => {
  const lists = listsWith('admin', { allow: ['192.168.1.0/24', '2001:db8:1::/48', '203.0.113.7'] });
  for (const address of ['192.168.1.5', '2001:db8:1::9', '203.0.113.7']) {
    assert.equal(lists.judge('admin', from(address)), 'allow', address);
  }
  for (const address of ['192.168.2.5', '2001:db8:2::9', '203.0.113.8', '::1', 'no address', '']) {
    assert.equal(lists.judge('admin', from(address)), 'address_not_allowed', address);
    assert.equal(lists.judge('view', from(address)), 'allow', address);
  }
});

test('a deny list wins over an allow list', () => {
  const lists = listsWith('play', { allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16', 'fe80::/10'] });
  assert.equal(lists.judge('play', from('10.2.0.1')), 'allow');
  assert.equal(lists.judge('play', from('10.1.0.1')), 'address_not_allowed');
});

test('with a deny list alone, all others may come near', () => {
  const lists = listsWith('view', { deny: ['100.64.0.0/10', '2001:db8::/32'] });
  assert.equal(lists.judge('view', from('100.100.1.1')), 'address_not_allowed');
  assert.equal(lists.judge('view', from('2001:db8::1')), 'address_not_allowed');
  assert.equal(lists.judge('view', from('2001:db9::1')), 'allow');
});

test('IPv4 that was mapped into IPv6 is the same address', () => {
  const lists = listsWith('play', { deny: ['203.0.113.0/24'] });
  assert.equal(lists.judge('play', from('::ffff:203.0.113.9')), 'address_not_allowed');
});

test('behind a proxy that is not trusted nobody is known: a list refuses', () => {
  assert.equal(
    listsWith('play', { deny: ['10.0.0.1'] }).judge('play', from('192.168.1.2', true)),
    'proxy_not_trusted',
  );
  assert.equal(
    listsWith('play', { allow: ['192.168.1.2'] }).judge('play', from('192.168.1.2', true)),
    'proxy_not_trusted',
  );
});

test('what is neither an address nor a network is an error that names it', () => {
  assert.throws(
    () => listsWith('play', { allow: ['my-house'] }),
    (error) =>
      error instanceof AcemuxError && error.code === 'config_invalid' && /my-house/.test(error.message),
  );
});
