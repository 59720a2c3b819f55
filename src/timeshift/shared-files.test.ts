import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { settled, temporaryFolder } from '../../test/support/passing-stream.ts';
import { SharedFiles } from './shared-files.ts';

/** How often this process has a file open; nobody knows where there is no /proc. */
function opened(path: string): number {
  const descriptors = readdirSync('/proc/self/fd').map((each) => `/proc/self/fd/${each}`);
  return descriptors.filter((each) => {
    try {
      return readlinkSync(each).startsWith(path);
    } catch {
      return false; // That of the folder itself.
    }
  }).length;
}

const skip = process.platform === 'linux' ? false : 'it looks into /proc';

test('a file is open once for all who use it, from the first read to the end of the last of them', {
  skip,
}, async (t) => {
  const path = `${await temporaryFolder(t)}/file`;
  await writeFile(path, 'abcdef');
  const files = new SharedFiles();
  const users = Array.from({ length: 10 }, () => files.use(1, path));
  await writeFile(`${path}2`, 'gh');
  using other = files.use(2, `${path}2`);
  await other.read(Buffer.alloc(1), 0);
  assert.equal(opened(path) - opened(`${path}2`), 0, 'nobody has read');
  const texts = await Promise.all(
    users.map(async (file, index) => {
      const bytes = Buffer.alloc(2);
      const count = await file.read(bytes, index % 5);
      return bytes.subarray(0, count).toString();
    }),
  );
  assert.deepEqual(texts.slice(0, 5), ['ab', 'bc', 'cd', 'de', 'ef']);
  assert.equal(opened(path) - opened(`${path}2`), 1);
  for (const file of users.slice(1)) file[Symbol.dispose]();
  // Whatever that has closed is closed behind some reads.
  for (let at = 0; at < 5; at++) assert.equal(await users[0]!.read(Buffer.alloc(1), at), 1);
  assert.equal(opened(path) - opened(`${path}2`), 1);
  users[0]![Symbol.dispose]();
  await settled(() => opened(path) === opened(`${path}2`));
});

test('of a file that is not there, or ends, there are as many bytes as there are', async (t) => {
  const path = `${await temporaryFolder(t)}/file`;
  const files = new SharedFiles();
  using missing = files.use(1, path);
  assert.equal(await missing.read(Buffer.alloc(4), 0), 0);
  await writeFile(`${path}2`, 'abcdef');
  using file = files.use(2, `${path}2`);
  assert.equal(await file.read(Buffer.alloc(4), 4), 2);
  await rm(`${path}2`);
  assert.equal(await file.read(Buffer.alloc(4), 0), 4, 'who has it open still reads it');
});
