import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamSelector } from '../../session/types.ts';
import { selectorQuery, ViewerNames } from './viewer-path.ts';

const STREAM: StreamSelector = { kind: 'id', hash: 'a'.repeat(40), parameters: { quality: 'hd', _idx: '1' } };

test('a name is valid for the stream it was made for, also after a restart with the same secret', () => {
  const name = new ViewerNames('secret').create(STREAM);
  assert.match(name, /^[\w-]{16}\.[\w-]{22}$/);
  const names = new ViewerNames('secret');
  assert.equal(names.isValid(name, STREAM), true);
  assert.equal(names.isValid(name, { ...STREAM, parameters: { _idx: '1', quality: 'hd' } }), true);
  assert.notEqual(names.create(STREAM), names.create(STREAM));
});

test('no other name is', () => {
  const names = new ViewerNames('secret');
  const name = names.create(STREAM);
  assert.equal(names.isValid(name, { ...STREAM, kind: 'infohash' }), false);
  assert.equal(names.isValid(name, { ...STREAM, hash: 'b'.repeat(40) }), false);
  assert.equal(names.isValid(name, { ...STREAM, parameters: {} }), false);
  assert.equal(new ViewerNames('other').isValid(name, STREAM), false);
  const [nonce = '', signature = ''] = name.split('.');
  const made = [
    '',
    '.',
    nonce,
    `${nonce}.`,
    `${nonce}.${signature}x`,
    `x${nonce.slice(1)}.${'A'.repeat(22)}`,
    `${name}\n`,
  ];
  for (const each of made) assert.equal(names.isValid(each, STREAM), false, each);
  // The last letter of a signature has bits that mean nothing.
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const valid = [...letters].filter((letter) => names.isValid(name.slice(0, -1) + letter, STREAM));
  assert.equal(valid.length, 1);
});

test('a stream is written as a query in one way', () => {
  assert.equal(selectorQuery(STREAM), `id=${'a'.repeat(40)}&_idx=1&quality=hd`);
});
