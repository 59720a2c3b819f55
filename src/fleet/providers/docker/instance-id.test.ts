import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadOrCreateInstanceId } from './instance-id.ts';

test('fault 19: each acemux has a number of its own, and keeps it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'acemux-instance-'));
  t.after(() => rm(folder, { recursive: true }));
  const [one, again] = await Promise.all([1, 2].map(() => loadOrCreateInstanceId(join(folder, 'a'))));
  assert.match(one ?? '', /^[0-9a-f]{16}$/);
  assert.equal(again, one);
  assert.equal(await loadOrCreateInstanceId(join(folder, 'a')), one);
  assert.notEqual(await loadOrCreateInstanceId(join(folder, 'b')), one);
});

test('a file that holds something else is not overwritten', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'acemux-instance-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'instance.id'), 'mine');
  await assert.rejects(loadOrCreateInstanceId(folder), { code: 'config_invalid', message: /16 hexadecimal/ });
});
