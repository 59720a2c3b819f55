/** The benchmark of continuity runs, and finds what must be so however fast the machine is. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';

const SCRIPT = path.join(import.meta.dirname, '../../bench/continuity.ts');

async function run(
  t: TestContext,
  ...args: string[]
): Promise<{ code: unknown; output: string; errors: string }> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill(); // With what it has started.
    await exit;
  });
  const [code, output, errors] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return { code, output, errors };
}

test('a viewer whose engine is killed stays, and no picture is lost or comes twice', {
  skip: process.platform === 'linux' ? false : 'it reads /proc',
}, async (t) => {
  const { code, output, errors } = await run(t, '--streams', '2', '--faults', 'kill', '--modes', 'spare');
  assert.equal(code, 0, errors);
  const [, row = ''] = /^kill, spare +(.+)$/m.exec(output) ?? [];
  const [disconnects, , longestGapMs, , , , lost, repeated, breaks] = row.split(/ +/);
  assert.deepEqual({ disconnects, lost, repeated, breaks }, zeros(), output);
  assert.ok(Number(longestGapMs) > 0, output);
});

test('what the benchmark does not know is refused before anything is started', async (t) => {
  const { code, output, errors } = await run(t, '--faults', 'flood');
  assert.equal(code, 2);
  assert.equal(output, '');
  assert.match(errors, /--faults are of cut, kill, .*, not "flood"/);
});

function zeros(): Record<'disconnects' | 'lost' | 'repeated' | 'breaks', string> {
  return { disconnects: '0', lost: '0', repeated: '0', breaks: '0' };
}
