import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cookieOf, presentedBy, SESSION_COOKIE } from './presented.ts';

const by = (headers: Record<string, string | undefined>, url = '/', method = 'GET') =>
  presentedBy({ method, url, headers });
const token = (text: string) => ({ kind: 'token', text });
const NOTHING = { kind: 'nothing' };

test('the key comes as a bearer token or as X-API-Key', () => {
  assert.deepEqual(by({ authorization: 'Bearer abc' }), token('abc'));
  assert.deepEqual(by({ authorization: 'bearer  abc ' }), token('abc'));
  assert.deepEqual(by({ 'x-api-key': 'abc' }), token('abc'));
  assert.deepEqual(by({ authorization: 'Basic Zm9v', 'x-api-key': 'abc' }), token('abc'));
});

test('another scheme, an empty key and no header are no key', () => {
  assert.deepEqual(by({}), NOTHING);
  assert.deepEqual(by({ authorization: 'Basic Zm9v' }), NOTHING);
  assert.deepEqual(by({ authorization: 'Bearer ' }), NOTHING);
  assert.deepEqual(by({ 'x-api-key': '' }, '/?token='), NOTHING);
});

test('a player that knows only URLs has it in the query, where nothing is changed', () => {
  for (const method of ['GET', 'HEAD']) {
    assert.deepEqual(by({}, '/ace/getstream?id=1&token=a%2Bb', method), token('a+b'));
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    assert.deepEqual(by({}, '/keys?token=abc', method), NOTHING, method);
  }
  assert.deepEqual(by({}, '/ace/getstream?mytoken=abc'), NOTHING);
  assert.deepEqual(by({}, '/token=abc'), NOTHING);
});

test('two different tokens in one URL are no key that there is', () => {
  assert.deepEqual(by({}, '/?token=one&token=two'), token('one two'));
});

test('a header wins over the query, and both over the cookie of a login', () => {
  const cookie = `${SESSION_COOKIE}=of-a-login`;
  assert.deepEqual(by({ 'x-api-key': 'header', cookie }, '/?token=query'), token('header'));
  assert.deepEqual(by({ cookie }, '/?token=query'), token('query'));
  assert.deepEqual(by({ cookie }), { kind: 'session', text: 'of-a-login' });
});

test('a cookie is found among others, and only whole', () => {
  assert.equal(cookieOf(`a=1; ${SESSION_COOKIE}=x; b=2`, SESSION_COOKIE), 'x');
  assert.equal(cookieOf(`${SESSION_COOKIE}=first; ${SESSION_COOKIE}=second`, SESSION_COOKIE), 'first');
  assert.equal(cookieOf(`x${SESSION_COOKIE}=x`, SESSION_COOKIE), undefined);
  assert.equal(cookieOf(`${SESSION_COOKIE}=`, SESSION_COOKIE), undefined);
  assert.equal(cookieOf(';;=;;', SESSION_COOKIE), undefined);
});

test('whatever stands in headers and URLs is read without an error', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string({ unit: 'binary' }), (authorization, cookie, query) => {
      const read = by({ authorization, cookie, 'x-api-key': cookie }, `/?token=${query}`);
      return ['token', 'session', 'nothing'].includes(read.kind);
    }),
  );
});

test('a bomb of cookies is read in no time that grows with more than its length', () => {
  const bomb = 'a=b;'.repeat(500_000);
  assert.equal(cookieOf(`${bomb}${SESSION_COOKIE}=x`, SESSION_COOKIE), 'x');
});
