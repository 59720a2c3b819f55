// npm run bench:fanout [-- VIEWERS [SECONDS [MEGABITS]]]
// What sharing one stream among many viewers costs: acemux, a simulated engine and the viewers as processes of their own,
// beside a program that only writes one buffer to as many sockets (the limit), in the same run on the same machine.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const viewers = Number(process.argv[2] ?? 100);
const seconds = Number(process.argv[3] ?? 20);
const megabits = Number(process.argv[4] ?? 8);

const ROOT = path.join(import.meta.dirname, '..');
const ID = '0123456789abcdef0123456789abcdef01234567';
/** Ticks of /proc/PID/stat in a second; so on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Load {
  readonly viewers: number;
  readonly disconnected: number;
  readonly bytes: number;
  readonly gapMsMax: number;
  readonly firstByteMsMedian: number | null;
  readonly firstByteMsP99: number | null;
}

interface Measured extends Load {
  readonly cpuSecondsPerGigabyte: number;
  readonly residentMegabytes: number;
}

const children = new Set<ChildProcess>();

function run(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** The first match of `pattern` in what a process prints. */
async function said(child: ChildProcess, pattern: RegExp): Promise<string> {
  if (!child.stdout) throw new Error('the process has no output');
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const match = pattern.exec(line);
    if (!match) continue;
    child.stdout.resume();
    return match[0];
  }
  throw new Error(`a process ended before it said ${pattern}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function residentMegabytes(pid: number): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+) kB/);
  return Number(line?.[1] ?? 0) / 1024;
}

async function measure(server: ChildProcess, url: string): Promise<Measured> {
  const pid = server.pid ?? 0;
  const before = cpuSeconds(pid);
  const sink = run(['bench/sink.ts', url, String(viewers), String(seconds)]);
  const load: Load = JSON.parse(await said(sink, /^\{.*\}$/));
  const measured = {
    ...load,
    cpuSecondsPerGigabyte: (cpuSeconds(pid) - before) / (load.bytes / 1e9),
    residentMegabytes: residentMegabytes(pid),
  };
  await end(sink);
  return measured;
}

const dataDir = await mkdtemp(path.join(tmpdir(), 'acemux-bench-'));
try {
  const engine = run(['src/main.ts', 'simulate-engine', '--port', '0', '--bitrate', String(megabits)]);
  const engineUrl = new URL(await said(engine, /http:\/\/\S+/));
  const server = run(
    ['src/main.ts', 'serve', '--host', '127.0.0.1', '--port', '0', '--engine', engineUrl.host],
    { DATA_DIR: dataDir, LOG_FORMAT: 'json' },
  );
  const url = await said(server, /http:\/\/127\.0\.0\.1:\d+(?=")/);
  const acemux = await measure(server, `${url}/ace/getstream?id=${ID}`);
  await end(server);
  await end(engine);
  const limitServer = run(['bench/limit-server.ts', String((megabits * 1e6) / 8)]);
  const limit = await measure(limitServer, await said(limitServer, /http:\S+/));
  await end(limitServer);

  const row = (name: string, of: Measured): string =>
    [
      name.padEnd(8),
      of.cpuSecondsPerGigabyte.toFixed(3).padStart(9),
      (of.bytes / 1e9).toFixed(2).padStart(8),
      of.gapMsMax.toFixed(0).padStart(9),
      (of.firstByteMsMedian ?? Number.NaN).toFixed(0).padStart(13),
      (of.firstByteMsP99 ?? Number.NaN).toFixed(0).padStart(10),
      of.disconnected.toString().padStart(13),
      of.residentMegabytes.toFixed(0).padStart(7),
    ].join(' ');
  const ratio = acemux.cpuSecondsPerGigabyte / limit.cpuSecondsPerGigabyte;
  process.stdout.write(
    `${viewers} viewers × ${megabits} Mb/s for ${seconds} s\n\n` +
      '          CPU s/GB       GB  gap ms  1st byte p50 ms    p99 ms  disconnected  RSS MB\n' +
      `${row('acemux', acemux)}\n${row('limit', limit)}\n\n` +
      `CPU per gigabyte: ${ratio.toFixed(2)} × the limit\n`,
  );
} finally {
  for (const child of children) child.kill('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
}
