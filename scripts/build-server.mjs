// Builds dist/: the server's sources without types and comments, which take 12 MB less to run than the sources
// (docs/decisions.md, "The process"). `npm ci` does so by `prepare`, and `npm run build:server` by hand.
// Plain JavaScript for the Node that runs npm (20 or newer). Where the compiler is left out (npm ci --omit=dev),
// there is nothing to do: the launcher runs the sources.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILT_MARK } from '../bin/entry-point.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const isPrepare = process.env.npm_lifecycle_event === 'prepare';

function compiler() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  } catch {
    return undefined;
  }
}

function build(tsc) {
  const beganAt = new Date();
  rmSync(dist, { recursive: true, force: true });
  const { error, status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
    stdio: 'inherit',
  });
  if (error || status !== 0) throw error ?? new Error(`tsc ended with ${status}`);
  cpSync(join(root, 'src', 'simulator', 'media'), join(dist, 'simulator', 'media'), { recursive: true });
  // Last, so that what is not whole does not count, and as old as the oldest source that was read.
  writeFileSync(join(dist, BUILT_MARK), '');
  utimesSync(join(dist, BUILT_MARK), beganAt, beganAt);
}

const tsc = compiler();
if (tsc) {
  try {
    build(tsc);
  } catch (error) {
    process.stderr.write(`The server could not be built, its sources run as they are: ${String(error)}\n`);
    if (!isPrepare) process.exitCode = 1;
  }
} else if (!isPrepare) {
  process.stderr.write('typescript is not installed: npm ci, without --omit=dev, installs it.\n');
  process.exitCode = 1;
}
