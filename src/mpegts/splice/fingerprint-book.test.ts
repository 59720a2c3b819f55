import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TIMESTAMP_WRAP } from '../clocks.ts';
import { FingerprintBook } from './fingerprint-book.ts';
import type { Fingerprint } from './fingerprints.ts';

function print(key: number, clock90: number, role = '0:h264:0'): Fingerprint {
  const wrapped = ((clock90 % TIMESTAMP_WRAP) + TIMESTAMP_WRAP) % TIMESTAMP_WRAP;
  return { role, key, pts: wrapped, dts: wrapped, clock90: wrapped, position: 0, randomAccess: false };
}

test('fingerprints are found by role and key, and stand in their order', () => {
  const book = new FingerprintBook(60);
  book.add(print(1, 0));
  book.add(print(2, 3_600));
  book.add(print(1, 7_200));
  book.add(print(1, 0, '0:audio:0'));
  assert.deepEqual(book.find('0:h264:0', 1), [0, 2]);
  assert.deepEqual(book.find('0:audio:0', 1), [0]);
  assert.deepEqual(book.find('0:h264:0', 9), []);
  assert.equal(book.at('0:h264:0', 1)?.key, 2);
  assert.equal(book.lastIndex('0:h264:0'), 2);
  assert.equal(book.lastIndex('none'), -1);
});

test('what is older than the book reaches is forgotten, over the wrap of the clock too', () => {
  for (const start of [0, TIMESTAMP_WRAP - 30 * 90_000]) {
    const book = new FingerprintBook(10);
    for (let index = 0; index < 4_000; index++) book.add(print(index, start + index * 3_600));
    const last = book.lastIndex('0:h264:0');
    assert.equal(last, 3_999, 'indices stay what they are');
    assert.equal(book.at('0:h264:0', last - 250)?.key, last - 250);
    assert.equal(book.at('0:h264:0', last - 251), undefined);
    assert.deepEqual(book.find('0:h264:0', last - 251), []);
    assert.equal(book.oldest('0:h264:0')?.key, last - 250);
  }
});

test('a clock that stands still, one key for ever, or ever new roles do not make it grow without end', () => {
  const book = new FingerprintBook(60);
  for (let index = 0; index < 50_000; index++) book.add(print(7, 0));
  assert.equal(book.find('0:h264:0', 7).length, 32);
  assert.equal(book.at('0:h264:0', 50_000 - 8_193), undefined);
  for (let index = 0; index < 1_000; index++) book.add(print(1, 0, `role ${index}`));
  assert.equal(book.lastIndex('role 999'), -1);
});
