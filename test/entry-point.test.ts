import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BUILT_MARK, entryPoint } from '../bin/entry-point.mjs';
import { undoAfter } from './support/undo.ts';

const ROOT = join(import.meta.dirname, '..');

/** An installation with these files, each last changed at that time, in seconds. */
function installation(t: TestContext, files: Readonly<Record<string, number>>): string {
  const root = mkdtempSync(join(tmpdir(), 'acemux-entry-'));
  undoAfter(t, () => rmSync(root, { recursive: true, force: true }));
  for (const [name, seconds] of Object.entries(files)) {
    const file = join(root, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
    utimesSync(file, seconds, seconds);
  }
  return root;
}

const built = { [`dist/${BUILT_MARK}`]: 200, 'dist/main.js': 201 };

test('what npm ci built of the sources is started', (t) => {
  const root = installation(t, { ...built, 'src/main.ts': 100, 'src/session/ring.ts': 200 });
  assert.deepEqual(entryPoint(root), { file: join(root, 'dist/main.js'), isSource: false });
});

test('the sources are started where one of them was changed since, and where nothing was built', (t) => {
  for (const files of [
    { ...built, 'src/main.ts': 100, 'src/session/ring.ts': 200.5 },
    { 'src/main.ts': 100 },
    // A build that did not come to its end.
    { 'dist/main.js': 201, 'src/main.ts': 100 },
  ]) {
    const root = installation(t, files);
    assert.deepEqual(entryPoint(root), { file: join(root, 'src/main.ts'), isSource: true });
  }
});

test('a test that was changed, or sources that did not come along, leave what was built in use', (t) => {
  for (const files of [
    { ...built, 'src/main.ts': 100, 'src/session/ring.test.ts': 300, 'src/store/old.db': 300 },
    built,
  ]) {
    assert.equal(entryPoint(installation(t, files)).isSource, false);
  }
});

test('npm ci builds what the launcher then starts', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'acemux-built-'));
  undoAfter(t, () => rmSync(root, { recursive: true, force: true }));
  const copied = ['bin', 'scripts', 'src', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
  for (const name of copied) cpSync(join(ROOT, name), join(root, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const { scripts, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.ok(scripts.prepare.includes('node scripts/build-server.mjs'));

  execFileSync(process.execPath, [join(root, 'scripts/build-server.mjs')]);
  assert.deepEqual(entryPoint(root), { file: join(root, 'dist/main.js'), isSource: false });
  // Without the sources: what was built needs none of them.
  rmSync(join(root, 'src'), { recursive: true });
  const output = execFileSync(process.execPath, [join(root, 'bin/acemux.mjs'), '--version'], {
    encoding: 'utf8',
  });
  assert.equal(output.trim(), version);
});
