import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { availableMemory } from './host-memory.ts';

test('what the kernel says is available is told in bytes; where it says nothing, nothing is known', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-memory-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'meminfo');
  writeFileSync(file, 'MemTotal:  8000 kB\nMemFree:  1000 kB\nMemAvailable:   5000 kB\n');
  assert.equal(availableMemory(file), 5000 * 1024);
  writeFileSync(file, 'MemTotal:  8000 kB\n');
  assert.equal(availableMemory(file), undefined);
  assert.equal(availableMemory(join(folder, 'none')), undefined);
});
