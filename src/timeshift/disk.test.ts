import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/support/passing-stream.ts';
import { errorWord, realDisk } from './disk.ts';

test('a file is made new, appended to, and not made twice', async (t) => {
  const path = join(await temporaryFolder(t), 'file');
  const file = await realDisk.create(path);
  await file.append('one ');
  await file.append(Buffer.from('two'));
  await file.close();
  assert.equal(await readFile(path, 'utf8'), 'one two');
  const error: unknown = await realDisk.create(path).catch((reason) => reason);
  assert.equal(errorWord(error), 'EEXIST');
  assert.equal(errorWord(new Error('other')), undefined);
});
