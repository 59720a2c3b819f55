import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientAddressOf } from './client-address.ts';
import { parseAddressSet } from './ip-address.ts';

const PROXIES = parseAddressSet(['172.18.0.2', '10.9.0.0/16']);

const from = (peer: string, headers: Record<string, string> = {}) => clientAddressOf(peer, headers, PROXIES);

test('without forwarding headers the peer is the client', () => {
  assert.deepEqual(from('::ffff:192.168.1.5'), {
    address: '192.168.1.5',
    isPrivate: true,
    isBehindUnknownProxy: false,
  });
  assert.equal(from('203.0.113.9').isPrivate, false);
});

test('a trusted proxy tells who the client is', () => {
  const public_ = from('172.18.0.2', { 'x-forwarded-for': '203.0.113.9' });
  assert.deepEqual(public_, { address: '203.0.113.9', isPrivate: false, isBehindUnknownProxy: false });
  const house = from('172.18.0.2', { 'x-forwarded-for': '192.168.1.5', 'x-forwarded-proto': 'https' });
  assert.deepEqual(house, { address: '192.168.1.5', isPrivate: true, isBehindUnknownProxy: false });
});

test('of several hops the rightmost that is not a trusted proxy is the client: the rest may be invented', () => {
  assert.equal(from('172.18.0.2', { 'x-forwarded-for': '127.0.0.1, 203.0.113.9' }).address, '203.0.113.9');
  assert.equal(
    from('172.18.0.2', { 'x-forwarded-for': '127.0.0.1, 203.0.113.9, 10.9.1.1' }).address,
    '203.0.113.9',
  );
});

test('when all hops are trusted proxies, the first of them asked', () => {
  assert.equal(from('172.18.0.2', { 'x-forwarded-for': '10.9.0.1, 10.9.0.2' }).address, '10.9.0.1');
});

test('ports behind addresses are taken off', () => {
  assert.equal(from('172.18.0.2', { 'x-forwarded-for': '203.0.113.9:4711' }).address, '203.0.113.9');
  assert.equal(from('172.18.0.2', { 'x-forwarded-for': '[2001:db8::1]:4711' }).address, '2001:db8::1');
});

test('a hop that cannot be read makes the request public', () => {
  for (const value of ['unknown', '192.168.1.5, garbage', '']) {
    assert.equal(from('172.18.0.2', { 'x-forwarded-for': value }).isPrivate, false, value);
  }
});

test('a trusted proxy that forwards without saying for whom makes the request public', () => {
  assert.equal(from('172.18.0.2', { forwarded: 'for=192.168.1.5' }).isPrivate, false);
});

test('forwarding headers from a peer that is no trusted proxy make the request public', () => {
  for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-forwarded-host', 'cf-connecting-ip']) {
    const client = from('192.168.1.1', { [name]: '127.0.0.1' });
    assert.deepEqual(client, { address: '192.168.1.1', isPrivate: false, isBehindUnknownProxy: true }, name);
  }
});

test('no header that a stranger invents makes a public peer private', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom('x-forwarded-for', 'forwarded', 'x-real-ip'),
        fc.oneof(fc.string(), fc.ipV4()),
      ),
      (headers) => from('203.0.113.9', headers).isPrivate === false,
    ),
  );
});
