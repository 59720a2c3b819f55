import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portRange, readPortRange } from './port-range.ts';

test('a range of ports is read from its first and its last', () => {
  assert.deepEqual(readPortRange(' 19000 - 19499 '), { first: 19_000, last: 19_499 });
  for (const raw of ['0-5', '5-4', '1-65536', '7', '-', 'a-b', '', 7, undefined, {}]) {
    assert.equal(readPortRange(raw), undefined, String(raw));
  }
  const type = portRange();
  assert.equal(type.print({ first: 1, last: 2 }), '1-2');
  assert.match(String(type.parse('x').ok), /false/);
});
