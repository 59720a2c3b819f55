import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AcemuxError } from '../base/reasons.ts';
import { isPrivateAddress, networkOf, normalizeAddress, parseAddressSet } from './ip-address.ts';

test('loopback, RFC 1918, link-local and unique local addresses are private', () => {
  for (const address of [
    '127.0.0.1',
    '127.8.9.1',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.20',
    '169.254.7.7',
    '100.64.0.1',
    '100.127.255.255',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12:3456::1',
    '::ffff:192.168.1.20',
    '::ffff:7f00:1',
  ]) {
    assert.equal(isPrivateAddress(address), true, address);
  }
});

test('everything else is public, what is no address included', () => {
  for (const address of [
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '0.0.0.0',
    '::',
    '2001:db8::1',
    '2a00::1',
    '::ffff:8.8.8.8',
    '64:ff9b::a00:1',
    '10.1',
    '0x7f.1',
    '127.0.0.1:80',
    'localhost',
    '',
  ]) {
    assert.equal(isPrivateAddress(address), false, address);
  }
});

test('one address has one spelling', () => {
  assert.equal(normalizeAddress('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(normalizeAddress('2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
  assert.equal(normalizeAddress('unknown'), undefined);
});

test('a set contains its addresses and networks, of each family, and nothing else', () => {
  const set = parseAddressSet(['192.0.2.7', '10.1.0.0/16', '2001:db8::/32']);
  assert.equal(set.size, 3);
  for (const inside of ['192.0.2.7', '::ffff:192.0.2.7', '10.1.255.1', '2001:db8:1::1']) {
    assert.equal(set.contains(inside), true, inside);
  }
  for (const outside of ['192.0.2.8', '10.2.0.1', '2001:db9::1', 'nonsense', '']) {
    assert.equal(set.contains(outside), false, outside);
  }
});

test('an entry that is neither address nor network is named', () => {
  assert.throws(
    () => parseAddressSet(['10.0.0.0/8', 'traefik']),
    (error) =>
      error instanceof AcemuxError && error.code === 'config_invalid' && /"traefik"/.test(error.message),
  );
  assert.throws(() => parseAddressSet(['10.0.0.0/33']), AcemuxError);
});

test('no text whatever makes the questions throw', () => {
  const set = parseAddressSet(['10.0.0.0/8', 'fc00::/7']);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
      normalizeAddress(text);
      isPrivateAddress(text);
      set.contains(text);
    }),
  );
});

test('one customer has one address of IPv4, and a /64 of IPv6', () => {
  assert.equal(networkOf('::ffff:203.0.113.9'), '203.0.113.9');
  assert.equal(networkOf('2001:db8:1:2:aaaa::1'), networkOf('2001:db8:1:2:bbbb::2'));
  assert.equal(networkOf('2001:db8:1:2::1'), '2001:db8:1:2::');
  assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'));
  assert.equal(networkOf('no address'), 'no address');
});
