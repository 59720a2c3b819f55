import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pythonJson } from './json.ts';

test('item 7: spaces after colons and commas, ASCII only, undefined left out', () => {
  assert.equal(
    pythonJson({ a: [1, 'é', null], b: undefined, c: {} }),
    '{"a": [1, "\\u00e9", null], "c": {}}',
  );
});

test('any text survives the round trip', () => {
  const text = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
  fc.assert(fc.property(text, (value) => assert.equal(JSON.parse(pythonJson(value)), value)));
});
