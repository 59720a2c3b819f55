import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownNames } from './known-names.ts';

const ID = 'a'.repeat(40);
const INFOHASH = 'c'.repeat(40);

test('a name that was learned is known, and so is the infohash that it means', () => {
  const names = new KnownNames();
  assert.equal(names.get(ID), undefined);
  names.learn(ID, { infohash: INFOHASH, kind: 'id', isLive: true });
  assert.deepEqual(names.get(ID), { infohash: INFOHASH, kind: 'id', isLive: true });
  assert.deepEqual(names.get(INFOHASH), { infohash: INFOHASH, kind: 'infohash', isLive: true });
});

test('what is learned last counts', () => {
  const names = new KnownNames();
  names.learn(ID, { infohash: INFOHASH, kind: 'id', isLive: true });
  names.learn(ID, { infohash: 'd'.repeat(40), kind: 'infohash', isLive: true });
  assert.deepEqual(names.get(ID), { infohash: 'd'.repeat(40), kind: 'infohash', isLive: true });
});

test('the names learned longest ago are forgotten when there are too many', () => {
  const names = new KnownNames();
  for (let number = 0; number < 10_000; number++) {
    names.learn(`${number}`.padStart(40, '0'), { infohash: INFOHASH, kind: 'id', isLive: true });
  }
  assert.equal(names.get('0'.repeat(40)), undefined);
  assert.deepEqual(names.get('9999'.padStart(40, '0'))?.infohash, INFOHASH);
});

test('a name that nobody knows is remembered for 30 seconds', () => {
  const names = new KnownNames();
  assert.equal(names.refusalOf(ID, 0), undefined);
  names.noteEnd(ID, 'content_unknown', 1_000);
  assert.equal(names.refusalOf(ID, 1_000), 'content_unknown');
  assert.equal(names.refusalOf(ID, 30_999), 'content_unknown');
  assert.equal(names.refusalOf(ID, 31_000), undefined);
  names.noteEnd(ID, 'idle', 31_000);
  assert.equal(names.refusalOf(ID, 31_000), undefined, 'other ends mean nothing for the next start');
});
