import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { undoAfter } from './support/undo.ts';

/** A run of these files, as of a shell: this one is itself a child of node's test runner, which a runner would take for its own parent. */
function begin(t: Parameters<typeof undoAfter>[0], files: readonly string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const run = spawn(process.execPath, ['scripts/run-tests.ts', 'all', ...files], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  undoAfter(t, async () => void run.kill('SIGKILL'));
  const said: string[] = [];
  run.stdout.setEncoding('utf8').on('data', (text) => said.push(text));
  return { run, exit: once(run, 'close'), said };
}

test('who ends the tests ends them: what would have come next does not begin', async (t) => {
  // Containers come behind streams whose pictures are counted.
  const { run, exit, said } = begin(t, ['test/continuity/random', 'test/docker/bad-input']);
  await once(run.stdout, 'data');
  run.kill('SIGTERM');
  const [code] = await exit;
  assert.equal(code, 1);
  assert.ok(!said.join('').includes('bad-input.test.ts'), 'test/docker/bad-input.test.ts ran');
});

test('what runs side by side is summed up at the end, each part with its counts', async (t) => {
  const { exit, said } = begin(t, ['src/base/abort', 'test/support/hls-checker']);
  const [code] = await exit;
  assert.equal(code, 0);
  const lines = said.join('').split('\n');
  const sums = lines.flatMap((line, index) => (/^ℹ tests \d+$/.test(line) ? [index] : []));
  assert.equal(sums.length, 2);
  const lastTest = lines.findLastIndex((line) => line.startsWith('✔'));
  assert.ok(lastTest < (sums[0] ?? 0), 'a test is told behind a sum');
});
