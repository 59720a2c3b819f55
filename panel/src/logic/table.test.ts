import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contains, sortedBy } from './table.ts';

test('rows that are equal keep their order, whichever way the table is sorted', () => {
  const rows = [
    { id: 'b', n: 1 },
    { id: 'a', n: 1 },
    { id: 'c', n: 10 },
    { id: 'd', n: 9 },
  ];
  const ids = (isDescending: boolean) =>
    sortedBy(
      rows,
      { column: 'n', isDescending },
      ({ n }) => n,
      ({ id }) => id,
    ).map(({ id }) => id);
  assert.deepEqual(ids(false), ['a', 'b', 'd', 'c']);
  assert.deepEqual(ids(true), ['c', 'd', 'a', 'b']);
});

test('a search finds what has all its words, anywhere', () => {
  assert.equal(contains(['Sport One', 'engine-2', null], 'ENGINE sport'), true);
  assert.equal(contains(['Sport One'], 'sport two'), false);
  assert.equal(contains([], ''), true);
});
