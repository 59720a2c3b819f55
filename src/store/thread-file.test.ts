import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { threadFile } from './thread-file.ts';

test('the code of a thread stands beside what starts it, in the same form', () => {
  for (const name of ['store-thread', 'settings-file-thread']) {
    const url = threadFile(name);
    assert.ok(url.pathname.endsWith(`/src/store/${name}.ts`), url.href);
    assert.ok(existsSync(url), url.href);
  }
});
