// Processes of a benchmark: started, listened to, measured from outside, and ended by their id on every path.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';

const ROOT = path.join(import.meta.dirname, '..');
/** Ticks of /proc/PID/stat in a second; so on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const running = new Set<ChildProcess>();
const folders: string[] = [];

/** A new folder that is gone when this process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'acemux-bench-'));
  folders.push(folder);
  return folder;
}

/** Ends what still runs, and takes away what was made, when this process ends, however that comes about. */
export function leaveNothing(): void {
  process.once('exit', () => {
    for (const child of running) child.kill('SIGKILL');
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}

export class Process {
  /** Resolves when it has ended, by itself or by us. */
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #unread: string[] = [];
  #onLine: (() => void) | undefined;
  #silent = false;

  /** Runs a command in the repository's root; `environment` is added to ours. */
  constructor(command: string, args: readonly string[], environment: Record<string, string> = {}) {
    const env = { ...process.env, ...environment };
    this.#child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const { stdout } = this.#child;
    if (!stdout) throw new Error('the process has no output');
    running.add(this.#child);
    this.ended = once(this.#child, 'exit').finally(() => running.delete(this.#child));
    this.#lines = createInterface({ input: stdout });
    this.#lines.on('line', (line) => {
      this.#unread.push(line);
      this.#onLine?.();
    });
    this.#lines.on('close', () => {
      this.#silent = true;
      this.#onLine?.();
    });
  }

  /** The first match of `pattern` in what the process prints from now on. */
  async said(pattern: RegExp): Promise<string> {
    for (;;) {
      for (let line = this.#unread.shift(); line !== undefined; line = this.#unread.shift()) {
        const match = pattern.exec(line);
        if (match) return match[0];
      }
      if (this.#silent) throw new Error(`a process ended before it said ${pattern}`);
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }

  /** The lines that it has printed and that were not looked at; each is given once. */
  takeUnread(): string[] {
    return this.#unread.splice(0);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.ended;
  }

  /** Takes every core from it, until `thaw`: what it holds stays as it is. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** User and system time of all its threads so far. */
  get cpuSeconds(): number {
    const fields = this.#stat();
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** The system time among it. */
  get kernelSeconds(): number {
    return Number(this.#stat()[12]) / TICKS_PER_SECOND;
  }

  /** How long its main thread was ready to work and had no core, because others had them. */
  get starvedSeconds(): number {
    return Number(this.#proc('schedstat').split(' ')[1]) / 1e9;
  }

  get residentMegabytes(): number {
    return Number(/VmRSS:\s+(\d+) kB/.exec(this.#proc('status'))?.[1] ?? 0) / 1024;
  }

  #stat(): readonly string[] {
    return this.#proc('stat').split(') ')[1]?.split(' ') ?? [];
  }

  #proc(file: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }
}

/** A script of this repository, run by the Node that runs us. */
export function runScript(args: readonly string[], environment: Record<string, string> = {}): Process {
  return new Process(process.execPath, args, environment);
}
