// Runs tests: node scripts/run-tests.ts MODE [PART OF A FILE NAME]…
//   unit   beside the code, and the repository's rules: no tools, no root
//   all    these and the ones that play for real (test/)
//   long   as all, the scenarios at full length
//   tidy   the repository's rules only
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SHARED_DOCKER, startMachineWithImage } from '../test/support/docker/docker-house.ts';
import { whyNoDocker } from '../test/support/docker/docker-machine.ts';

interface Mode {
  readonly patterns: readonly string[];
  /** A single test, and so the files of a process, may take this long; what hangs is ended and reported. */
  readonly timeoutMs: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const TIDY = 'test/tidy*.test.ts';
const UNIT = ['src/**/*.test.ts', 'panel/src/**/*.test.ts', TIDY];
const ALL = ['src/**/*.test.ts', 'panel/src/**/*.test.ts', 'test/**/*.test.ts'];
const MODES: Readonly<Record<string, Mode>> = {
  unit: { patterns: UNIT, timeoutMs: 300_000 },
  all: { patterns: ALL, timeoutMs: 300_000 },
  long: { patterns: ALL, timeoutMs: 3_600_000, environment: { LONG_TESTS: '1' } },
  tidy: { patterns: [TIDY], timeoutMs: 60_000 },
};
/** What stands here shares one Docker daemon, started before the first of them and ended after the last. */
const WITH_DOCKER = 'test/docker/';
/**
 * Many streams whose pictures are counted, and what measures how soon something comes: no more at once than there are cores. A file of them
 * takes a fifth of a core; on a machine that is busier what fills a gap comes too late.
 */
const ALONE = [
  'test/continuity/',
  'test/integration/dead-channel.test.ts',
  'test/integration/doctor.test.ts',
  'test/integration/hls-ingest.test.ts',
];
/** What stands beside the code shares nothing: such files run many to a process, which loads what they test once. */
const TOGETHER = ['src/', 'panel/src/'];
/** But for those that measure the memory of their process. */
const BY_THEMSELVES = ['src/session/slab.test.ts'];
const FILES_TOGETHER_MAX = 40;
const FILES_AT_ONCE = Math.min(4, availableParallelism());
/** What plays for real waits most of the time, for media that come no faster than they are watched, and for containers: one more at once than there are cores. */
const WAITING_AT_ONCE = FILES_AT_ONCE + 1;

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
  const standsIn = (file: string, folders: readonly string[]): boolean =>
    folders.some((folder) => file.startsWith(folder));
  const together = files.filter((file) => standsIn(file, TOGETHER) && !BY_THEMSELVES.includes(file));
  const alone = files.filter((file) => standsIn(file, ALONE));
  const docker = files.filter((file) => file.startsWith(WITH_DOCKER));
  const beside = files.filter((file) => ![together, alone, docker].some((others) => others.includes(file)));
  const ended = new AbortController();
  // Ctrl-C reaches the tests as well, SIGTERM only us: they end, then the daemon does, and nothing more begins.
  process.on('SIGINT', (signal) => ended.abort(signal)).on('SIGTERM', (signal) => ended.abort(signal));
  const run = { root, timeoutMs, environment, ended: ended.signal };
  const codes = [
    await runTogether(together, { ...run, atOnce: FILES_AT_ONCE }),
    await runFiles(beside, { ...run, atOnce: WAITING_AT_ONCE }),
    await runWithDocker(docker, { ...run, atOnce: WAITING_AT_ONCE }),
    await runFiles(alone, { ...run, atOnce: FILES_AT_ONCE }),
  ];
  process.exitCode = codes.find((code) => code !== 0) ?? 0;
}

interface Run {
  readonly root: string;
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>> | undefined;
  /** Files at once. */
  readonly atOnce: number;
  /** Aborted when somebody ends the run, with the name of the signal. */
  readonly ended: AbortSignal;
}

/** Few processes for many files: each gets the same share of what stands in a folder, since files of one take alike long. */
async function runTogether(files: readonly string[], run: Run): Promise<number> {
  if (files.length === 0) return 0;
  const folder = await mkdtemp(join(tmpdir(), 'acemux-tests-'));
  try {
    const count = Math.ceil(files.length / FILES_TOGETHER_MAX);
    const groups = Array.from({ length: count }, (_, group) => files.filter((_, i) => i % count === group));
    const paths = groups.map((_, group) => join(folder, `group-${group + 1}.test.mjs`));
    for (const [group, path] of paths.entries()) {
      const imports = (groups[group] ?? []).map(
        (file) => `import ${JSON.stringify(join(run.root, file))};\n`,
      );
      await writeFile(path, imports.join(''));
    }
    return await runFiles(paths, run);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What stands in test/docker/ shares one daemon; where there can be none, the tests themselves say why. */
async function runWithDocker(files: readonly string[], run: Run): Promise<number> {
  if (files.length === 0 || run.ended.aborted || whyNoDocker() !== undefined) return runFiles(files, run);
  const docker = await startMachineWithImage();
  try {
    const environment = { ...run.environment, [SHARED_DOCKER]: `${docker.socket} ${docker.address}` };
    return await runFiles(files, { ...run, environment });
  } finally {
    await docker.stop();
  }
}

/** @returns the exit code of node's test runner; 0 where there is nothing to run */
async function runFiles(files: readonly string[], run: Run): Promise<number> {
  if (files.length === 0) return 0;
  if (run.ended.aborted) return 1;
  const flags = [
    `--test-timeout=${run.timeoutMs}`,
    `--test-concurrency=${run.atOnce}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./test/support/run-summary.ts',
    '--test-reporter-destination=stdout',
    '--import=./test/support/spoil-slabs.ts',
  ];
  const child = spawn(process.execPath, ['--test', ...flags, ...files], {
    cwd: run.root,
    stdio: 'inherit',
    env: {
      ...process.env,
      // Of many processes: what one has compiled, the next ones need not.
      NODE_COMPILE_CACHE: join(run.root, 'node_modules/.cache/acemux-tests'),
      ...run.environment,
    },
  });
  const end = (): void => void (run.ended.reason === 'SIGTERM' && child.kill());
  run.ended.addEventListener('abort', end);
  try {
    const [code] = await once(child, 'exit');
    return typeof code === 'number' ? code : 1;
  } finally {
    run.ended.removeEventListener('abort', end);
  }
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}
