import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Words in an attribute that is read out or shown, or between two tags. */
const WORDS = [
  /\b(?:aria-label|title|placeholder|alt|label)="[A-Za-z]{2}[^"]*"/g,
  /^\s*[A-Z][a-z][A-Za-z ,.]*$/gm,
  />\s*[A-Z][a-z]+[^<>{}]*<\//g,
];

test('what the panel says stands in one place: no page and no part has words of its own', () => {
  const files = globSync('**/*.tsx', { cwd: import.meta.dirname });
  assert.ok(files.length > 20);
  const found = files.flatMap((file) => {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    return WORDS.flatMap((words) => [...text.matchAll(words)].map(([word]) => `${file}: ${word.trim()}`));
  });
  assert.deepEqual(found, [], 'put it into texts.ts');
});
