import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRecord, looseBoolean, looseNumber, looseText, parseJson } from './loose-json.ts';

test('numbers may come as text', () => {
  assert.equal(looseNumber('42'), 42);
  assert.equal(looseNumber(-1), -1);
  for (const none of ['', ' ', 'x', null, undefined, true, Number.NaN, Infinity, {}, []]) {
    assert.equal(looseNumber(none), undefined);
  }
});

test('booleans may come as numbers and as text', () => {
  for (const yes of [true, 1, '1', 'true', 'True']) assert.equal(looseBoolean(yes), true);
  for (const no of [false, 0, '0', 'false', 'False']) assert.equal(looseBoolean(no), false);
  for (const none of [null, undefined, '', 'yes', {}, []]) assert.equal(looseBoolean(none), undefined);
});

test('texts may come as numbers, and an empty one is none', () => {
  assert.equal(looseText('a'), 'a');
  assert.equal(looseText(7), '7');
  for (const none of ['', null, {}, false]) assert.equal(looseText(none), undefined);
});

test('only objects are records', () => {
  assert.deepEqual(asRecord({ a: 1 }), { a: 1 });
  for (const none of [null, [], 'x', 1, undefined]) assert.equal(asRecord(none), undefined);
});

test('what is not JSON is undefined, however deep it is', () => {
  assert.equal(parseJson('<html>'), undefined);
  assert.equal(parseJson('['.repeat(500_000)), undefined);
});
