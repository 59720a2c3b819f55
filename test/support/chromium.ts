/** Chromium without a screen, driven over its DevTools protocol: one page, and values out of it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const BINARIES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The name of the browser of this machine; undefined where there is none. */
export function findChromium(): string | undefined {
  return BINARIES.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--mute-audio',
  '--autoplay-policy=no-user-gesture-required',
  '--remote-debugging-port=0',
  // Nothing but the page asks for anything.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-sync',
  '--no-first-run',
  '--no-default-browser-check',
];

export class BrowserPage implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, (reply: unknown) => void>();
  #lastId = 0;

  /** Opens a page. Whoever opens it disposes of it: that ends the browser. */
  static async open(binary: string, url: string): Promise<BrowserPage> {
    const profile = await mkdtemp(path.join(tmpdir(), 'acemux-browser-'));
    const child = spawn(binary, [...FLAGS, `--user-data-dir=${profile}`, url], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const port = await debuggingPort(child);
    const socket = new WebSocket(await pageAddress(port));
    await once(socket, 'open');
    return new BrowserPage(child, profile, socket);
  }

  constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const message = Object(JSON.parse(String(data)));
      this.#pending.get(message.id)?.(message.result);
      this.#pending.delete(message.id);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const over = once(this.#child, 'close');
    this.#socket.close();
    this.#child.kill('SIGKILL');
    await over;
    // What its other processes had begun to write may still come.
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  /** The value of an expression in the page, as JSON has it. */
  async evaluate(expression: string): Promise<unknown> {
    const id = ++this.#lastId;
    const replied = new Promise<unknown>((resolve) => this.#pending.set(id, resolve));
    const params = { expression, returnByValue: true, awaitPromise: true };
    this.#socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params }));
    return Object(await replied).result?.value;
  }
}

/** The port that it says it listens on for this. */
function debuggingPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const port = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(said)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('close', () => reject(new Error(`the browser did not start: ${said}`)));
  });
}

async function pageAddress(port: number): Promise<string> {
  for (;;) {
    const targets: unknown = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
    assert.ok(Array.isArray(targets));
    const page = targets.find((target) => Object(target).type === 'page');
    if (page) return String(Object(page).webSocketDebuggerUrl);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
