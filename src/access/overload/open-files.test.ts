import assert from 'node:assert/strict';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { countOpenFiles } from './open-files.ts';

test('a file that is opened is one more; where the system does not tell, nothing is told', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'acemux-test-'));
  t.after(() => rm(folder, { recursive: true }));
  assert.equal(await countOpenFiles(join(folder, 'none')), undefined);
  const before = await countOpenFiles();
  if (before === undefined) return;
  const handles = await Promise.all(
    Array.from({ length: 20 }, (_, number) => open(join(folder, `${number}`), 'w')),
  );
  const after = (await countOpenFiles()) ?? 0;
  await Promise.all(handles.map((handle) => handle.close()));
  assert.ok(after >= before + 10, `${before} ${after}`);
});

test('where the folder’s size does not tell, what is in it is counted', async () => {
  const told = await countOpenFiles();
  if (told === undefined) return;
  // As many entries, and never a size.
  const counted = (await countOpenFiles('/proc/self/fdinfo')) ?? 0;
  assert.ok(Math.abs(counted - told) <= 3, `${counted} ${told}`);
});
