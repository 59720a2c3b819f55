import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newClientId } from './client-id.ts';

test('no two viewers have one name', () => {
  const names = Array.from({ length: 1_000 }, newClientId);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[0-9a-f]{12}$/);
});
