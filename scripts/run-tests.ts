// Runs tests: node scripts/run-tests.ts MODE [PART OF A FILE NAME]…
//   unit   beside the code, and the repository's rules: no tools, no root
//   all    these and the ones that play for real (test/)
//   long   as all, the scenarios at full length
//   tidy   the repository's rules only
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { SHARED_DOCKER, startMachineWithImage } from '../test/support/docker/docker-house.ts';
import { whyNoDocker } from '../test/support/docker/docker-machine.ts';

interface Mode {
  readonly patterns: readonly string[];
  /** A single test, and so a file, may take this long; what hangs is ended and reported. */
  readonly timeoutMs: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const TIDY = 'test/tidy.test.ts';
const UNIT = ['src/**/*.test.ts', 'panel/src/**/*.test.ts', TIDY];
const ALL = ['src/**/*.test.ts', 'panel/src/**/*.test.ts', 'test/**/*.test.ts'];
const MODES: Readonly<Record<string, Mode>> = {
  unit: { patterns: UNIT, timeoutMs: 60_000 },
  all: { patterns: ALL, timeoutMs: 300_000 },
  long: { patterns: ALL, timeoutMs: 3_600_000, environment: { LONG_TESTS: '1' } },
  tidy: { patterns: [TIDY], timeoutMs: 60_000 },
};
/** What stands here shares one Docker daemon, started before the first of them and ended after the last. */
const WITH_DOCKER = 'test/docker/';
const FILES_AT_ONCE = Math.min(4, availableParallelism());

const [modeName = '', ...filters] = process.argv.slice(2);
const mode = MODES[modeName];
if (mode) await runTests(mode, filters);
else fail(`The first argument is one of ${Object.keys(MODES).join(', ')}.`);

async function runTests(
  { patterns, timeoutMs, environment }: Mode,
  wanted: readonly string[],
): Promise<void> {
  const root = join(import.meta.dirname, '..');
  const all = [...new Set(globSync(patterns, { cwd: root }))].sort();
  const files = wanted.length === 0 ? all : all.filter((file) => wanted.some((part) => file.includes(part)));
  const unmatched = wanted.find((part) => !all.some((file) => file.includes(part)));
  if (unmatched !== undefined || files.length === 0) {
    fail(`No test file of "${modeName}" has "${unmatched ?? ''}" in its path.`);
    return;
  }
  const flags = [
    `--test-timeout=${timeoutMs}`,
    `--test-concurrency=${FILES_AT_ONCE}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./test/support/slowest-files.ts',
    '--test-reporter-destination=stdout',
    '--import=./test/support/spoil-slabs.ts',
  ];
  const needsDocker = files.some((file) => file.startsWith(WITH_DOCKER)) && whyNoDocker() === undefined;
  const docker = needsDocker ? await startMachineWithImage() : undefined;
  const child = spawn(process.execPath, ['--test', ...flags, ...files], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      // Each file is a process of its own: what one has compiled, the next ones need not.
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/acemux-tests'),
      ...environment,
      ...(docker && { [SHARED_DOCKER]: `${docker.socket} ${docker.address}` }),
    },
  });
  // Ctrl-C reaches the tests as well, SIGTERM only us: they end, and then the daemon does.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill());
  try {
    const [code] = await once(child, 'exit');
    process.exitCode = typeof code === 'number' ? code : 1;
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  } finally {
    await docker?.stop();
  }
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}
