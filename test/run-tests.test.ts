import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { undoAfter } from './support/undo.ts';

test('who ends the tests ends them: what would have come next does not begin', async (t) => {
  // As of a shell: this one is itself a child of node's test runner, which a runner would take for its own parent.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  // The second of these takes seconds after the first has been reported.
  const script = [
    'scripts/run-tests.ts',
    'all',
    'src/base/abort',
    'src/cli/doctor.test',
    'test/continuity/patience',
  ];
  const run = spawn(process.execPath, script, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const exit = once(run, 'exit');
  undoAfter(t, async () => void run.kill('SIGKILL'));
  let said = '';
  run.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await once(run.stdout, 'data');
  run.kill('SIGTERM');
  const [code] = await exit;
  assert.equal(code, 1);
  assert.ok(!said.includes('with one engine, gaps of'), 'a test of test/continuity/patience.test.ts ran');
});
