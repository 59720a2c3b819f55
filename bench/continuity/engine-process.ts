// One simulated engine as a process that can be killed, restarted and told to do wrong.
import type { Fault, FaultTarget } from '../../src/simulator/fault-kinds.ts';
import type { JournalEntry } from '../../src/simulator/journal.ts';
import { type Process, runScript } from '../processes.ts';

export interface EngineOptions {
  readonly megabits: number;
  readonly prebufferSeconds: number;
  readonly lagSeconds: number;
  readonly remux: boolean;
}

/** A playback, as the engine's control API tells of it. */
export interface PlaybackSnapshot {
  readonly token: string;
  readonly infohash: string;
  readonly readers: number;
}

export class EngineProcess implements AsyncDisposable {
  readonly #options: EngineOptions;
  #process: Process;
  #url = '';
  #controlUrl = '';

  private constructor(options: EngineOptions) {
    this.#options = options;
    this.#process = run(options, '0', '0');
  }

  static async start(options: EngineOptions): Promise<EngineProcess> {
    const engine = new EngineProcess(options);
    await engine.#listens();
    return engine;
  }

  get host(): string {
    return new URL(this.#url).host;
  }

  get url(): string {
    return this.#url;
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#process.end(signal);
  }

  /** Begins anew at the same address after its end; resolves when it listens. */
  async startAgain(): Promise<void> {
    this.#process = run(this.#options, new URL(this.#url).port, new URL(this.#controlUrl).port);
    await this.#listens();
  }

  /** Those that are read. */
  async playbacks(): Promise<readonly PlaybackSnapshot[]> {
    const sessions: readonly PlaybackSnapshot[] = await this.#control('GET', 'sessions');
    return sessions.filter(({ readers }) => readers > 0);
  }

  /** What it was asked since its process began. */
  async journal(): Promise<readonly JournalEntry[]> {
    return await this.#control('GET', 'journal');
  }

  /** Of all its playbacks, or of each of these. */
  async setFault(fault: Fault, tokens?: readonly string[]): Promise<void> {
    const targets: readonly FaultTarget[] = tokens?.map((session) => ({ session })) ?? [{}];
    await Promise.all(targets.map((target) => this.#control('POST', 'faults', { fault, target })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end('SIGKILL');
  }

  async #listens(): Promise<void> {
    this.#url = await this.#process.said(/(?<=simulated engine on )http:\S+/);
    this.#controlUrl = await this.#process.said(/(?<=control API on )http:\S+/);
  }

  async #control<Reply>(method: string, path: string, body?: object): Promise<Reply> {
    const asked = { method, ...(body && { body: JSON.stringify(body) }) };
    const reply = await fetch(`${this.#controlUrl}/${path}`, asked);
    if (!reply.ok) throw new Error(`the engine's control API said ${reply.status}: ${await reply.text()}`);
    return JSON.parse(await reply.text());
  }
}

function run(options: EngineOptions, port: string, controlPort: string): Process {
  const { megabits, prebufferSeconds, lagSeconds, remux } = options;
  const numbers = { bitrate: megabits, prebuffer: prebufferSeconds, lag: lagSeconds };
  const args = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const ports = ['--port', port, '--control-port', controlPort];
  return runScript(['src/main.ts', 'simulate-engine', ...ports, ...args, ...(remux ? ['--remux'] : [])]);
}
