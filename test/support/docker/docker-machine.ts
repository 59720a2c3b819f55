import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why Docker can't be run here; undefined where it can. `npm test` brings it along where it may. */
export function whyNoDocker(): string | undefined {
  if (process.platform !== 'linux') return 'a Docker of the tests’ own needs Linux';
  if (process.getuid?.() !== 0) return 'only root may run a Docker daemon: run the tests as root once';
  for (const [command, flag, debianPackage] of TOOLS) {
    if (spawnSync(command, [flag]).error) return `${command} is missing: apt-get install ${debianPackage}`;
  }
  return undefined;
}

const TOOLS = [
  ['dockerd', '--version', 'docker.io'],
  ['iptables', '--version', 'iptables'],
  ['openssl', 'version', 'openssl'],
  ['ip', '-V', 'iproute2'],
  ['unshare', '--version', 'util-linux'],
  ['nsenter', '--version', 'util-linux'],
] as const;

export interface DockerMachineOptions {
  /** Containers outlive the daemon. */
  readonly liveRestore?: boolean;
  /** More flags of dockerd. */
  readonly flags?: readonly string[];
}

/** How long a daemon may take to answer its first ping. */
const DAEMON_START_MS = 60_000;
const DAEMON_STOP_MS = 60_000;
const NUMBERS = 256;

/**
 * A machine with a Docker daemon of its own, as far as that can be told: network, processes and mounts are in namespaces
 * of their own, with a cable to this machine. When this process ends, however it does, the kernel ends all that ran
 * there: the machine's first process reads a pipe that only we hold, and goes with it.
 */
export class DockerMachine {
  readonly #folder: string;
  readonly #options: DockerMachineOptions;
  readonly #cgroup: string;
  #number = 0;
  #unshare: ChildProcess | undefined;
  #first = 0;
  #daemon: ChildProcess | undefined;
  #daemonPid = 0;

  static async start(options: DockerMachineOptions = {}): Promise<DockerMachine> {
    const folder = await mkdtemp(join(tmpdir(), 'acemux-docker-'));
    const machine = new DockerMachine(folder, options);
    try {
      await machine.#build();
      await machine.startDaemon();
      return machine;
    } catch (error) {
      await machine.stop();
      throw error;
    }
  }

  private constructor(folder: string, options: DockerMachineOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#cgroup = `acemux-test-${folder.slice(-6)}`;
  }

  /** Where the daemon listens. */
  get socket(): string {
    return join(this.#folder, 'docker.sock');
  }

  /** The machine's address: ports that it publishes are reached there. Containers are reached by their own. */
  get address(): string {
    return `10.214.${this.#number}.2`;
  }

  /** The last lines that the daemon logged. */
  get daemonLog(): string {
    return readFileSync(join(this.#folder, 'log'), 'utf8').split('\n').slice(-20).join('\n');
  }

  /** Runs a command on the machine and returns what it printed. */
  run(command: string, ...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync('nsenter', [...this.#into(), command, ...args], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** Begins a command on the machine; whoever asks for it ends it, at the latest `stop` does. */
  spawn(command: string, ...args: readonly string[]): ChildProcess {
    return spawn('nsenter', [...this.#into(), command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** Resolves when the daemon answers. */
  async startDaemon(): Promise<void> {
    const log = openSync(join(this.#folder, 'log'), 'a');
    const number = this.#number;
    this.#daemon = spawn(
      'nsenter',
      [
        ...this.#into(),
        'dockerd',
        ...['--data-root', join(this.#folder, 'data'), '--exec-root', join(this.#folder, 'exec')],
        ...['-H', `unix://${this.socket}`, '--pidfile', join(this.#folder, 'pid')],
        ...['--bip', `10.220.${number}.1/24`],
        ...['--default-address-pool', `base=${this.#pool},size=26`],
        ...['--cgroup-parent', `/${this.#cgroup}`, '--shutdown-timeout', '5'],
        ...(this.#options.liveRestore ? ['--live-restore'] : []),
        ...(this.#options.flags ?? []),
      ],
      { stdio: ['ignore', log, log] },
    );
    const exit = once(this.#daemon, 'exit').then(() => 'ended' as const);
    const outcome = await Promise.race([exit, this.#untilAnswers()]);
    assert.equal(outcome, 'answers', `dockerd ${outcome}; its log ends with:\n${this.daemonLog}`);
    this.#daemonPid = childOf(this.#daemon.pid ?? 0);
  }

  /** Ends the daemon; without live-restore SIGTERM ends its containers first. */
  async stopDaemon(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exited = once(daemon, 'exit', { signal: AbortSignal.timeout(DAEMON_STOP_MS) });
    if (this.#daemonPid > 0) process.kill(this.#daemonPid, signal);
    else daemon.kill(signal);
    await exited;
    // What it started by itself would keep its files open for the next one.
    if (signal === 'SIGKILL') await rm(join(this.#folder, 'pid'), { force: true });
  }

  /** Lets the daemon stand still: its socket takes connections and never answers. */
  pauseDaemon(): void {
    process.kill(this.#daemonPid, 'SIGSTOP');
  }

  resumeDaemon(): void {
    process.kill(this.#daemonPid, 'SIGCONT');
  }

  /** Ends everything that runs on the machine and removes all that there was of it. Safe to call twice. */
  async stop(): Promise<void> {
    const unshare = this.#unshare;
    this.#unshare = undefined;
    // The kernel would take it away some time after the machine has ended, and its routes with it.
    if (unshare) spawnSync('ip', ['link', 'del', `acd${this.#number}`]);
    if (unshare && unshare.exitCode === null) {
      const exited = once(unshare, 'exit');
      unshare.stdin?.end();
      await exited;
    }
    const daemon = this.#daemon;
    if (daemon && daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    for (const hierarchy of ['', ...readdirSync('/sys/fs/cgroup')]) {
      removeCgroup(join('/sys/fs/cgroup', hierarchy, this.#cgroup));
    }
  }

  get #pool(): string {
    const number = this.#number;
    return `10.${216 + (number >> 6)}.${(number % 64) * 4}.0/22`;
  }

  #into(): string[] {
    return ['--target', String(this.#first), '--net', '--mount', '--pid'];
  }

  async #build(): Promise<void> {
    const first = 'ip link set lo up && echo 1 >/proc/sys/net/ipv4/ip_forward && echo ready && exec cat';
    const unshare = spawn(
      'unshare',
      ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', first],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    this.#unshare = unshare;
    const [said] = await Promise.race([once(unshare.stdout, 'data'), once(unshare, 'exit')]);
    assert.equal(String(said), 'ready\n', 'namespaces can’t be made here');
    this.#first = childOf(unshare.pid ?? 0);
    this.#number = this.#layCable();
    const far = `10.214.${this.#number}`;
    this.run('ip', 'addr', 'add', `${far}.2/30`, 'dev', 'cable');
    this.run('ip', 'link', 'set', 'cable', 'up');
    this.run('ip', 'route', 'add', 'default', 'via', `${far}.1`);
    const near = `acd${this.#number}`;
    here('ip', 'addr', 'add', `${far}.1/30`, 'dev', near);
    here('ip', 'link', 'set', near, 'up');
    for (const subnet of [this.#pool, `10.220.${this.#number}.0/24`]) {
      here('ip', 'route', 'add', subnet, 'via', `${far}.2`);
    }
  }

  /** The name of its end here is taken by one machine only: so are the addresses that go with the number. */
  #layCable(): number {
    const begin = Math.floor(Math.random() * NUMBERS);
    for (let i = 0; i < NUMBERS; i++) {
      const number = (begin + i) % NUMBERS;
      const peer = ['type', 'veth', 'peer', 'name', 'cable', 'netns', String(this.#first)];
      if (spawnSync('ip', ['link', 'add', `acd${number}`, ...peer]).status === 0) return number;
    }
    throw new Error('no cable to the machine of Docker can be made');
  }

  async #untilAnswers(): Promise<'answers' | 'does not answer'> {
    const endMs = Date.now() + DAEMON_START_MS;
    while (Date.now() < endMs) {
      if (await pings(this.socket)) return 'answers';
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return 'does not answer';
  }
}

function here(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
}

/** The one process that `unshare` or `nsenter` has forked. */
function childOf(pid: number): number {
  const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  assert.ok(child > 0, `process ${pid} has no child`);
  return child;
}

function pings(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ socketPath, path: '/_ping', timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
    request.on('timeout', () => request.destroy());
  });
}

/** What is left of containers that were killed with the machine: empty folders. */
function removeCgroup(path: string): void {
  let entries: string[];
  try {
    entries = readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return; // There is none in this hierarchy.
  }
  for (const entry of entries) removeCgroup(join(path, entry));
  rmdirSync(path);
}
