import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from '../recording/format.ts';
import { resultTable } from './table.ts';

const result: Result = {
  check: 'x',
  title: 'Server header',
  engine: `Bad\u001b[2J engine ${'word '.repeat(20)}${'y'.repeat(100)}`,
  assumed: 'none',
  grade: 'U',
  verdict: 'different',
  seconds: 0,
};

test('a table has a line for each check, goes on in the next where it is long, and obeys no engine', () => {
  const lines = resultTable([result, { ...result, title: 'status', engine: 'dl', verdict: 'same' }]).split(
    '\n',
  );
  assert.ok(
    lines.every((line) => line.length <= 126),
    lines.join('\n'),
  );
  assert.match(lines[2] ?? '', /^Server header +Bad \[2J engine word .* none \[U\] +different$/);
  assert.match(lines.at(-2) ?? '', /^status +dl +none \[U\] +same$/);
  assert.equal(lines.join('').replaceAll(/[^y]/g, '').length, 100);
  assert.doesNotMatch(lines.join(''), /\p{Cc}/u);
});
