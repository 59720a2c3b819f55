import assert from 'node:assert/strict';
import { test } from 'node:test';
import { yesNo } from './yes-no.ts';

test('the words of environments and the values of YAML are understood, and nothing else', () => {
  const read = (raw: unknown): boolean | undefined => {
    const parsed = yesNo().parse(raw);
    return parsed.ok ? parsed.value : undefined;
  };
  for (const yes of [true, 'true', ' TRUE ', 'yes', 'on', '1', 1]) assert.equal(read(yes), true, String(yes));
  for (const no of [false, 'false', 'No', 'off', '0', 0]) assert.equal(read(no), false, String(no));
  for (const neither of ['', 'maybe', 2, null, undefined, [], {}]) assert.equal(read(neither), undefined);
});
