import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

/** Why this machine can't have one; undefined where it can. `npm test` brings the tool along where it may. */
export function whyNoFarNetwork(): string | undefined {
  if (process.platform !== 'linux') return 'only Linux has network namespaces';
  if (process.getuid?.() !== 0) return 'only root may make a network namespace: run the tests as root once';
  if (spawnSync('ip', ['-V']).error) return 'ip is missing: apt-get install iproute2';
  const name = `acemux-try-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'network namespaces are forbidden here';
  spawnSync('ip', ['netns', 'del', name]);
  return undefined;
}

/** What one player of the far machine asks for; `readsBytes`: so much it reads, and then nothing more. */
export interface FarPlayer {
  readonly query: string;
  readonly readsBytes?: number;
}

/**
 * Another machine, as far as the kernel is concerned: a network namespace, with a cable to this one, that can vanish:
 * what is sent to it is taken by the cable and never answered.
 */
export class FarNetwork {
  readonly #name: string;
  readonly #near: string;
  readonly #far: string;
  /** This machine's address, as the far one sees it. */
  readonly nearAddress: string;
  readonly #farAddress: string;
  #player: ChildProcess | undefined;

  /** When the test is over, it is gone with all that runs in it. */
  static create(t: TestContext): FarNetwork {
    const network = new FarNetwork();
    t.after(() => network.#destroy());
    network.#build();
    return network;
  }

  private constructor() {
    const number = process.pid % 16_000;
    const subnet = `10.213.${number >> 6}`;
    const base = (number % 64) * 4;
    this.#name = `acemux-${process.pid}`;
    this.#near = `acn${process.pid}`;
    this.#far = `acf${process.pid}`;
    this.nearAddress = `${subnet}.${base + 1}`;
    this.#farAddress = `${subnet}.${base + 2}`;
  }

  /** Opens streams from the far machine; resolves when each player has got its first media. */
  async play(port: number, players: readonly FarPlayer[]): Promise<void> {
    const args = [this.nearAddress, String(port), JSON.stringify(players)];
    const command = ['netns', 'exec', this.#name, process.execPath, '-e', PLAYERS, ...args];
    const child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#player = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('all play\n')) resolve();
      });
      child.once('exit', () => reject(new Error(`the far players are over: ${said}`)));
    });
  }

  /** From now on nothing that is sent there is answered, and nothing comes from there: as if its power had failed. */
  vanish(): void {
    this.#ip('netns', 'exec', this.#name, 'ip', 'addr', 'flush', 'dev', this.#far);
  }

  #build(): void {
    this.#ip('netns', 'add', this.#name);
    this.#ip('link', 'add', this.#near, 'type', 'veth', 'peer', 'name', this.#far, 'netns', this.#name);
    this.#ip('addr', 'add', `${this.nearAddress}/30`, 'dev', this.#near);
    this.#ip('link', 'set', this.#near, 'up');
    const inside = ['netns', 'exec', this.#name, 'ip'];
    this.#ip(...inside, 'addr', 'add', `${this.#farAddress}/30`, 'dev', this.#far);
    this.#ip(...inside, 'link', 'set', this.#far, 'up');
    // Else the kernel would soon find that nobody has the address, and give up for that reason.
    const about = JSON.parse(this.#ip(...inside, '-j', 'link', 'show', 'dev', this.#far));
    const neighbour = ['neigh', 'replace', this.#farAddress, 'lladdr', about[0].address];
    this.#ip(...neighbour, 'dev', this.#near, 'nud', 'permanent');
  }

  async #destroy(): Promise<void> {
    const child = this.#player;
    if (child && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    // The cable goes with the far end.
    spawnSync('ip', ['link', 'del', this.#near]);
    spawnSync('ip', ['netns', 'del', this.#name]);
  }

  #ip(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
    assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}

/** Runs in the far machine, where only Node is. */
const PLAYERS = `
const [address, port, list] = process.argv.slice(1);
let waiting = 0;
for (const { query, readsBytes = Infinity } of JSON.parse(list)) {
  waiting++;
  let bytes = 0;
  const socket = require('node:net').connect(Number(port), address);
  socket.write('GET /ace/getstream?' + query + ' HTTP/1.1\\r\\nHost: far\\r\\n\\r\\n');
  const playing = () => {
    if (--waiting === 0) console.log('all play');
  };
  if (query.includes('silent')) socket.once('connect', playing);
  socket.on('data', (chunk) => {
    if (bytes === 0) playing();
    bytes += chunk.length;
    if (bytes >= readsBytes) socket.pause();
  });
  socket.on('error', () => {});
}
`;
