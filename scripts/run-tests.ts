// Runs tests: node scripts/run-tests.ts MODE [PART OF A FILE NAME]…
//   unit   beside the code, and the repository's rules: no tools, no root
//   all    these and the ones that play for real (test/)
//   long   as all, the scenarios at full length
//   tidy   the repository's rules only
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

interface Mode {
  readonly patterns: readonly string[];
  /** A single test, and so a file, may take this long; what hangs is ended and reported. */
  readonly timeoutMs: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const TIDY = 'test/tidy.test.ts';
const UNIT = ['src/**/*.test.ts', TIDY];
const ALL = ['src/**/*.test.ts', 'test/**/*.test.ts'];
const MODES: Readonly<Record<string, Mode>> = {
  unit: { patterns: UNIT, timeoutMs: 60_000 },
  all: { patterns: ALL, timeoutMs: 300_000 },
  long: { patterns: ALL, timeoutMs: 3_600_000, environment: { LONG_TESTS: '1' } },
  tidy: { patterns: [TIDY], timeoutMs: 60_000 },
};
const FILES_AT_ONCE = Math.min(4, availableParallelism());

const [modeName = '', ...filters] = process.argv.slice(2);
const mode = MODES[modeName];
if (mode) runTests(mode, filters);
else fail(`The first argument is one of ${Object.keys(MODES).join(', ')}.`);

function runTests({ patterns, timeoutMs, environment }: Mode, wanted: readonly string[]): void {
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
    '--import=./test/support/spoil-slabs.ts',
  ];
  const child = spawn(process.execPath, ['--test', ...flags, ...files], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}
