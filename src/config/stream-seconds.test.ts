import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamSeconds } from './stream-seconds.ts';

const ONE = 'a'.repeat(40);
const TWO = '0123456789'.repeat(4);
const type = streamSeconds({ min: 0, max: 7_200_000 });

test('streams and their times, as text or as a list', () => {
  const expected = new Map([
    [ONE, 3_600_000],
    [TWO, 0],
  ]);
  for (const raw of [`${ONE}=3600, ${TWO}=0`, [`${ONE.toUpperCase()}=1h`, `${TWO}=0s`]]) {
    const read = type.parse(raw);
    assert.ok(read.ok);
    assert.deepEqual(read.value, expected);
    assert.deepEqual(type.parse(type.print(read.value)), read, 'what is printed can be read');
  }
});

test('what is no hash, or no time, or too long, is refused with what is meant', () => {
  for (const raw of [ONE, `${ONE}=soon`, `${ONE}=3h`, 'abc=10', { [ONE]: 10 }]) {
    const read = type.parse(raw);
    assert.ok(!read.ok, JSON.stringify(raw));
    assert.match(read.problem, /HASH=SECONDS/);
  }
});
