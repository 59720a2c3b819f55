import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REASONS, type ReasonCode } from '../base/reasons.ts';
import { refusalInEngineForm } from './engine-form.ts';
import { pythonJson } from './python-json.ts';

test('JSON has the spaces that programs search for', () => {
  const reply = { response: { is_live: 1, empty: {}, list: [1, 'a'], none: [] }, error: null };
  assert.equal(
    pythonJson(reply),
    '{"response": {"is_live": 1, "empty": {}, "list": [1, "a"], "none": []}, "error": null}',
  );
});

test('JSON says the same as without the spaces, whatever it holds', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(JSON.parse(pythonJson(value)), JSON.parse(JSON.stringify(value)));
      assert.doesNotMatch(pythonJson(value), /\n/);
    }),
  );
});

test('a refusal is read by programs of engines and by those of acemux', () => {
  for (const code of Object.keys(REASONS) as ReasonCode[]) {
    const body = { detail: 'what happened', code, retry_after_seconds: 5 };
    const { response, error, ...rest } = refusalInEngineForm(body);
    assert.equal(response, null);
    assert.ok(error);
    assert.deepEqual(rest, body);
  }
});

test('what engines have words for is said in theirs', () => {
  const errorOf = (code: ReasonCode): unknown => refusalInEngineForm({ code, detail: 'x' }).error;
  assert.equal(errorOf('content_unknown'), 'failed to load content');
  assert.equal(errorOf('lease_unknown'), 'unknown playback session id');
  assert.equal(errorOf('zero_peers'), 'x');
});
