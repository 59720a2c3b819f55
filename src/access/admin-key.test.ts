import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { loadOrCreateAdminKey } from './admin-key.ts';

async function makeDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'acemux-key-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const invalid = (pattern: RegExp) => (error: unknown) =>
  error instanceof AcemuxError && error.code === 'config_invalid' && pattern.test(error.message);

test('a configured key is used and no file is written, but DATA_DIR is made', async (t) => {
  const dataDir = path.join(await makeDir(t), 'deep', 'data');
  const key = await loadOrCreateAdminKey({ configured: 'my-key', dataDir });
  assert.deepEqual(key, { key: 'my-key', file: undefined, isNew: false });
  assert.deepEqual(await readdir(dataDir), []);
});

test('without one a key is generated, kept from others, and used again at the next start', async (t) => {
  const dataDir = await makeDir(t);
  const first = await loadOrCreateAdminKey({ configured: undefined, dataDir });
  assert.match(first.key, /^[\w-]{43}$/);
  assert.equal(first.isNew, true);
  assert.equal(first.file, path.join(dataDir, 'admin.key'));
  if (process.platform !== 'win32') assert.equal((await stat(first.file)).mode & 0o777, 0o600);
  assert.equal((await readFile(first.file, 'utf8')).trim(), first.key);
  assert.deepEqual(await readdir(dataDir), ['admin.key'], 'no draft stays behind');

  const second = await loadOrCreateAdminKey({ configured: undefined, dataDir });
  assert.deepEqual(second, { ...first, isNew: false });
});

test('two houses have two keys', async (t) => {
  const one = await loadOrCreateAdminKey({ configured: undefined, dataDir: await makeDir(t) });
  const two = await loadOrCreateAdminKey({ configured: undefined, dataDir: await makeDir(t) });
  assert.notEqual(one.key, two.key);
});

test('starts that race for one DATA_DIR agree on one key', async (t) => {
  const dataDir = await makeDir(t);
  const keys = await Promise.all(
    Array.from({ length: 8 }, () => loadOrCreateAdminKey({ configured: undefined, dataDir })),
  );
  assert.equal(new Set(keys.map(({ key }) => key)).size, 1);
  assert.equal(keys.filter(({ isNew }) => isNew).length, 1);
  assert.deepEqual(await readdir(dataDir), ['admin.key']);
});

test('a key that others can read is refused, with the command that mends it', {
  skip: process.platform === 'win32',
}, async (t) => {
  const dataDir = await makeDir(t);
  const { file } = await loadOrCreateAdminKey({ configured: undefined, dataDir });
  assert.ok(file);
  await chmod(file, 0o640);
  await assert.rejects(
    loadOrCreateAdminKey({ configured: undefined, dataDir }),
    invalid(/mode 0640.*chmod 600/),
  );
});

test('a file that holds no key is refused instead of being used or replaced', async (t) => {
  for (const content of ['', 'short\n', 'two words that are long enough\n', 'x'.repeat(5000)]) {
    const dataDir = await makeDir(t);
    const file = path.join(dataDir, 'admin.key');
    await writeFile(file, content, { mode: 0o600 });
    await assert.rejects(
      loadOrCreateAdminKey({ configured: undefined, dataDir }),
      invalid(/does not hold a key/),
    );
    assert.equal(await readFile(file, 'utf8'), content);
  }
});

test('a folder in the place of the key is refused', async (t) => {
  const dataDir = await makeDir(t);
  await mkdir(path.join(dataDir, 'admin.key'));
  await assert.rejects(loadOrCreateAdminKey({ configured: undefined, dataDir }), invalid(/admin\.key/));
});

test('a DATA_DIR that cannot be made is an error that names it', async (t) => {
  const dir = await makeDir(t);
  await writeFile(path.join(dir, 'file'), '');
  await assert.rejects(
    loadOrCreateAdminKey({ configured: 'my-key', dataDir: path.join(dir, 'file', 'data') }),
    invalid(/DATA_DIR/),
  );
});
