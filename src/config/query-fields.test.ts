import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queryFields } from './query-fields.ts';

test('a text has its first field before the question mark, and the others as an address has them', () => {
  assert.deepEqual(
    queryFields(' gluetun-no?ports=1-2&api_key=a%26b?c ', 'name'),
    new Map([
      ['name', 'gluetun-no'],
      ['ports', '1-2'],
      ['api_key', 'a&b?c'],
    ]),
  );
  assert.deepEqual(queryFields('alone', 'name'), new Map([['name', 'alone']]));
});

test('an object has its own fields, of any type', () => {
  assert.deepEqual(
    queryFields({ name: 'one', min: 2 }, 'name'),
    new Map<string, unknown>([
      ['name', 'one'],
      ['min', 2],
    ]),
  );
});

test('a field that is given twice is told, the first one too', () => {
  assert.deepEqual(queryFields('one?min=1&min=2', 'name'), { repeated: 'min' });
  assert.deepEqual(queryFields('one?name=two', 'name'), { repeated: 'name' });
});
