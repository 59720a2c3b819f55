import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const ALL_OF_ACEMUX = join(import.meta.dirname, '../app.ts');
const TELL_WHAT_WAS_LOADED =
  'await import(process.argv[1]); process.stdout.write(process.moduleLoadList.join())';

test('all of acemux is loaded without the HTTP client that Node brings and nobody here uses', async () => {
  const args = ['--input-type=module', '-e', TELL_WHAT_WAS_LOADED, ALL_OF_ACEMUX];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const loaded = stdout.split(',');
  assert.ok(loaded.includes('NativeModule http'), 'it was loaded');
  assert.deepEqual(
    loaded.filter((name) => name.includes('undici')),
    [],
  );
});
