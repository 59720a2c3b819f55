import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standbyList } from './standby-list.ts';

const ONE = 'a'.repeat(40);
const TWO = '0123456789'.repeat(4);
const type = standbyList();

test('streams and how they are insured, as text or as a list, in any case', () => {
  const expected = new Map([
    [ONE, 'hot'],
    [TWO, 'off'],
  ]);
  for (const raw of [`${ONE}=hot, ${TWO}=off`, [`${ONE.toUpperCase()}=HOT`, `${TWO}=off`]]) {
    const read = type.parse(raw);
    assert.ok(read.ok);
    assert.deepEqual(read.value, expected);
    assert.deepEqual(type.parse(type.print(read.value)), read, 'what is printed can be read');
  }
});

test('what is no hash, or no mode, is refused with what is meant', () => {
  for (const raw of [`${ONE}`, `${ONE}=lukewarm`, 'abc=hot', { [ONE]: 'hot' }]) {
    const read = type.parse(raw);
    assert.ok(!read.ok, JSON.stringify(raw));
    assert.match(read.problem, /HASH=MODE/);
  }
});
