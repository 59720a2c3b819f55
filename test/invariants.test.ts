/** What must always hold (DESIGN 3) has tests named after it, which fail when it breaks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedTests } from './support/test-titles.ts';

const INVARIANTS = 11;

test('every invariant of the design has a test that is named after it', () => {
  const named = new Set<number>();
  for (const { title } of namedTests()) {
    const numbers = /^invariants? (\d+)(?: and (\d+))?: /.exec(title)?.slice(1) ?? [];
    for (const number of numbers) if (number !== undefined) named.add(Number(number));
  }
  const all = Array.from({ length: INVARIANTS }, (_, index) => index + 1);
  const missing = all.filter((number) => !named.has(number));
  assert.deepEqual(missing, [], 'write a test that fails when it breaks, and name it `invariant N: …`');
  assert.deepEqual(
    [...named].filter((number) => !all.includes(number)),
    [],
  );
});
