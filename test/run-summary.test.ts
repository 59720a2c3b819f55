import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { undoAfter } from './support/undo.ts';

test('a test that is skipped fails the run where root can install what is missing, as in CI, and only there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-summary-'));
  undoAfter(t, () => rmSync(folder, { recursive: true }));
  const write = (name: string, options: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `import { test } from 'node:test';\ntest('it', { ${options} }, () => {});\n`);
    return file;
  };
  const skips = write('skips.test.mjs', "skip: 'no such tool'");
  const runs = write('runs.test.mjs', '');
  const flags = [
    `--test-reporter=${join(import.meta.dirname, 'support/run-summary.ts')}`,
    '--test-reporter-destination=stdout',
  ];
  const run = (file: string) => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    return spawnSync(process.execPath, ['--test', ...flags, file], { encoding: 'utf8', env });
  };
  const isCi = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).error === undefined;
  const { status, stdout } = run(skips);
  assert.equal(status, isCi ? 1 : 0, stdout);
  if (isCi) assert.match(stdout, /skips\.test\.mjs: it \(no such tool\)/);
  assert.equal(run(runs).status, 0);
});
