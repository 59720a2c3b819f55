import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from './schema.ts';
import { schemaCheck } from './schema-check.ts';

const check = schemaCheck(
  Type.Object(
    { list: Type.Array(Type.Object({ port: Type.Integer({ minimum: 1 }) })) },
    { additionalProperties: false },
  ),
);

test('what is as the schema says has no mismatch', () => {
  assert.ok(check.allows({ list: [{ port: 1 }] }));
  assert.equal(check.mismatch({ list: [{ port: 1 }] }), undefined);
});

test('a mismatch says where and what', () => {
  assert.ok(!check.allows({ list: [{ port: 1 }, { port: 0 }] }));
  assert.deepEqual(check.mismatch({ list: [{ port: 1 }, { port: 0 }] }), {
    at: '/list/1/port',
    message: 'must be >= 1',
  });
  assert.deepEqual(check.mismatch({ list: [], more: 1 }), {
    at: '',
    message: 'must NOT have additional properties',
  });
});

test('nothing is taken for what it is not: a number in a string is a string', () => {
  assert.ok(!check.allows({ list: [{ port: '1' }] }));
});

test('tuples are as long as they are said to be', () => {
  const pair = schemaCheck(Type.Tuple([Type.String(), Type.Integer()]));
  assert.ok(pair.allows(['a', 1]));
  for (const wrong of [['a'], ['a', 1, 2], [1, 'a'], 'a'])
    assert.ok(!pair.allows(wrong), JSON.stringify(wrong));
});
