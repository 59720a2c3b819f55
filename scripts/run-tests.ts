// Runs tests: node scripts/run-tests.ts MODE [PART OF A FILE NAME]…
//   unit   beside the code, and the repository's rules: no tools, no root
//   all    these and the ones that play for real (test/)
//   long   as all, the scenarios at full length
//   tidy   the repository's rules only
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, constants, getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
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
/** Many streams whose pictures are counted, and what measures how soon something comes: where the machine is busy they come first. */
const FIRST = [
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
/**
 * Whose turn it is when there are more to run than cores, as for `nice`: what is counted, what plays, what computes. So the last fills
 * what the others leave of the cores, and none of these is late for it.
 */
const NICENESS = { counted: 0, played: 5, computed: 10 };
const LAST_NICENESS = constants.priority.PRIORITY_LOW;
/** With this line node's reporter begins to sum up: counts, and once more what failed. */
const SUM = /^ℹ tests \d+$/;

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
  const first = files.filter((file) => standsIn(file, FIRST));
  const docker = files.filter((file) => file.startsWith(WITH_DOCKER));
  const playing = files.filter((file) => ![together, first, docker].some((others) => others.includes(file)));
  const ended = new AbortController();
  // Ctrl-C reaches the tests as well, SIGTERM only us: they end, then the daemon does, and nothing more begins.
  process.on('SIGINT', (signal) => ended.abort(signal)).on('SIGTERM', (signal) => ended.abort(signal));
  const sums: string[] = [];
  const isMixed = [playing, [...first, ...docker], together].filter(({ length }) => length > 0).length > 1;
  const run = { root, timeoutMs, environment, sums: isMixed ? sums : undefined, ended: ended.signal };
  const counted = { ...run, niceness: NICENESS.counted, atOnce: FILES_AT_ONCE };
  const played = { ...run, niceness: NICENESS.played, atOnce: WAITING_AT_ONCE };
  const computed = { ...run, niceness: NICENESS.computed, atOnce: FILES_AT_ONCE };
  const lanes = [
    async () => [await runFiles(playing, played)],
    async () => [await runFiles(first, counted), await runWithDocker(docker, played)],
    async () => [await runTogether(together, computed)],
  ];
  // Where one breaks, the others still come to their end: nobody else would end what they have begun.
  const outcomes = await Promise.allSettled(lanes.map((lane) => lane()));
  process.stdout.write(sums.join(''));
  const codes = outcomes.flatMap((outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value;
    process.stderr.write(`${inspect(outcome.reason)}\n`);
    return [1];
  });
  process.exitCode = codes.find((code) => code !== 0) ?? 0;
}

interface Run {
  readonly root: string;
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>> | undefined;
  /** Files at once. */
  readonly atOnce: number;
  /** How far it stands back for what else is running, as for `nice`. */
  readonly niceness: number;
  /** Takes the end of what the tests say, which sums it up; undefined where nothing runs beside them. */
  readonly sums: string[] | undefined;
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
    stdio: ['inherit', run.sums ? 'pipe' : 'inherit', 'inherit'],
    env: {
      ...process.env,
      // Of many processes: what one has compiled, the next ones need not.
      NODE_COMPILE_CACHE: join(run.root, 'node_modules/.cache/acemux-tests'),
      ...run.environment,
    },
  });
  const closed = once(child, 'close');
  if (child.pid !== undefined) setPriority(child.pid, Math.min(LAST_NICENESS, getPriority() + run.niceness));
  const end = (): void => void (run.ended.reason === 'SIGTERM' && child.kill());
  run.ended.addEventListener('abort', end);
  try {
    if (child.stdout && run.sums) run.sums.push(await sayByLines(child.stdout));
    const [code] = await closed;
    return typeof code === 'number' ? code : 1;
  } finally {
    run.ended.removeEventListener('abort', end);
  }
}

/** Says what comes, in whole lines, since others speak meanwhile; from the sum on it is returned. */
async function sayByLines(from: Readable): Promise<string> {
  let sum = '';
  for await (const line of createInterface({ input: from })) {
    if (sum !== '' || SUM.test(line)) sum += `${line}\n`;
    else process.stdout.write(`${line}\n`);
  }
  return sum;
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}
