import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pythonJson } from './python-json.ts';

test('separators are those of Python', () => {
  assert.equal(
    pythonJson({ result: { a: [1, 2], b: {} }, error: null }),
    '{"result": {"a": [1, 2], "b": {}}, "error": null}',
  );
});

test('what is read back is what was written, whatever it holds', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      assert.deepEqual(JSON.parse(pythonJson(value)), JSON.parse(JSON.stringify(value))),
    ),
  );
});
