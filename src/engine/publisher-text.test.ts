import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textOf } from './publisher-text.ts';

const ROOT = new URL('http://10.0.0.7:6878');

test('a publisher’s text is one short line without addresses', () => {
  assert.equal(textOf('A\r\nB at 10.0.0.7:6878, see http://x.example/y now', ROOT), 'A B at , see  now');
  assert.equal(textOf('x'.repeat(1_000), ROOT).length, 300);
  assert.equal(textOf(undefined, ROOT), '');
});
