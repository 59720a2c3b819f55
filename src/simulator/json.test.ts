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
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => assert.equal(JSON.parse(pythonJson(text)), text)),
  );
});
