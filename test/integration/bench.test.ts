/** The benchmark itself, as small as it gets, so that it still runs when somebody wants to know. Its speeds are not looked at. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';

const SCRIPT = path.join(import.meta.dirname, '../../bench/fanout.ts');
const run = promisify(execFile);

/** Ten viewers at 2 Mb/s for 1 s. */
async function bench(signal: AbortSignal, environment: Record<string, string> = {}): Promise<string> {
  const env = { ...process.env, ...environment };
  const { stdout } = await run(process.execPath, [SCRIPT, '10', '1', '2', '1'], { env, signal });
  return stdout;
}

/** The cells of the row that begins so. */
function cells(printed: string, name: string): string[] {
  const line = printed.split('\n').find((each) => each.startsWith(name));
  assert.ok(line, `no row "${name}" in\n${printed}`);
  return line
    .slice(name.length)
    .trim()
    .split(/\s{2,}/);
}

function assertWhole(printed: string): void {
  assert.doesNotMatch(printed, /undefined/, printed);
  // Within a second a program may take less than one tick of the kernel's clock: a ratio to it is infinite, and none where both did.
  const isOfCpu = /^(CPU per gigabyte|… × one that writes|\d+ )/;
  const others = printed.split('\n').filter((line) => !isOfCpu.test(line));
  assert.doesNotMatch(others.join('\n'), /NaN/, printed);
  for (const name of [
    'CPU per gigabyte, × the limit in Node',
    'loop delay p99',
    'later viewers, first byte p50',
    'later viewers, first byte p99',
    'longest gap',
    'one in ten stalled: RSS without the ring',
    '… longest gap of the 9 good ones',
    'first viewer: added to the engine’s own time',
  ]) {
    assert.match(cells(printed, name).at(-1) ?? '', /^(pass|FAIL)$/, name);
  }
  for (const name of ['… that do not begin PAT, PMT, access point', '… without a first byte']) {
    assert.deepEqual(cells(printed, name), ['≤ 0', '0', 'pass'], name);
  }
  assert.match(printed, /^10 viewers: .*\.$/m);
}

describe('the benchmark prints its whole table, and all its viewers begin right,', {
  concurrency: true,
}, () => {
  const skip = process.platform !== 'linux' && 'it reads /proc';

  test('with the programs that it makes where there is a C compiler', { skip }, async (t) => {
    assertWhole(await bench(t.signal));
  });

  test('with Node alone where there is none', { skip }, async (t) => {
    const printed = await bench(t.signal, { PATH: '' });
    assert.match(printed, /load in Node$/m);
    assertWhole(printed);
  });
});
