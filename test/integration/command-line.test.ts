/** The commands as processes, started as users start them. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { undoAfter } from '../support/undo.ts';

const LAUNCHER = join(import.meta.dirname, '../../bin/acemux.mjs');

interface Started {
  readonly child: ChildProcess & {
    readonly stdout: NodeJS.ReadableStream;
    readonly stderr: NodeJS.ReadableStream;
  };
  readonly exit: Promise<unknown>;
}

/** Starts a command in an empty folder; it is killed at the end of the test if it still runs. */
function acemux(t: TestContext, argv: readonly string[], environment: Record<string, string> = {}): Started {
  const folder = temporaryFolder(t);
  const child = spawn(process.execPath, [LAUNCHER, ...argv], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  });
  const exit = once(child, 'exit').then(([code]) => code);
  undoAfter(t, async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, exit };
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-cli-'));
  undoAfter(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function finished({
  child,
  exit,
}: Started): Promise<{ code: unknown; output: string; errors: string }> {
  const [code, output, errors] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return { code, output, errors };
}

/** Waits until `serve` says that it is ready; gives its URL. */
async function readyUrl({ child }: Started): Promise<URL> {
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, url } = JSON.parse(line);
    if (msg !== 'acemux is ready') continue;
    // Leaving the loop stops the reading, and an unread pipe would fill up and hold the server.
    setImmediate(() => child.stdout.resume());
    return new URL(url);
  }
  return assert.fail(`it ended before it was ready: ${await text(child.stderr)}`);
}

const SERVE = { HOST: '127.0.0.1', PORT: '0', LOG_FORMAT: 'json' };

describe('the launcher', () => {
  test('hands arguments, output and exit code through', async (t) => {
    const version = await finished(acemux(t, ['--version']));
    assert.equal(version.code, 0);
    assert.match(version.output, /^\d+\.\d+\.\d+\n$/);
    const unknown = await finished(acemux(t, ['srve']));
    assert.equal(unknown.code, 2);
    assert.match(unknown.errors, /did you mean serve\?/);
  });

  test('shows a bad configuration with all its errors and no stack', async (t) => {
    const { code, errors } = await finished(acemux(t, ['config'], { PORT: 'x', LOG_LEVEL: 'y' }));
    assert.equal(code, 1);
    assert.match(errors, /PORT: server\.port[\s\S]*LOG_LEVEL: log\.level/);
    assert.doesNotMatch(errors, /\.ts:\d/);
  });

  test('does not crash when the reader of its output has left', async (t) => {
    const started = acemux(t, ['serve', '--help']);
    started.child.stdout.pause();
    started.child.stdio[1]?.destroy();
    const [code, errors] = await Promise.all([started.exit, text(started.child.stderr)]);
    assert.equal(code, 0);
    assert.equal(errors, '');
  });
});

describe('acemux serve as a process', () => {
  test('is ready, healthy by its own healthcheck, and ends with 0 on SIGTERM', async (t) => {
    const server = acemux(t, ['serve', '--demo'], SERVE);
    const url = await readyUrl(server);
    const check = await finished(acemux(t, ['healthcheck', '--host', url.hostname, '--port', url.port]));
    assert.deepEqual([check.code, check.errors], [0, '']);
    server.child.kill('SIGTERM');
    assert.equal(await server.exit, 0);
  });

  test('goes on when nobody reads its log any more', async (t) => {
    const server = acemux(t, ['serve', '--demo'], SERVE);
    const url = await readyUrl(server);
    server.child.stdio[1]?.destroy();
    const reply = await fetch(new URL('/health/live', url));
    assert.equal(reply.status, 200);
    server.child.kill('SIGTERM');
    assert.equal(await server.exit, 0);
  });

  test('on a taken port says which setting to change', async (t) => {
    const url = await readyUrl(acemux(t, ['serve', '--demo'], SERVE));
    const second = await finished(acemux(t, ['serve', '--demo'], { ...SERVE, PORT: url.port }));
    assert.equal(second.code, 1);
    assert.match(second.output, /"reason":"port_taken".*PORT/);
  });

  test('in a terminal, SIGHUP has the file read again, with and without one; when the terminal closes, acemux ends', {
    skip: process.platform !== 'linux' && 'script(1) is another one here',
  }, async (t) => {
    const folder = temporaryFolder(t);
    // What `npm start` runs, in a terminal of its own that lives as long as script(1).
    const command = `echo pid $$; exec ${process.execPath} ${LAUNCHER} serve --demo`;
    const terminal = spawn('script', ['--quiet', '--command', command, '/dev/null'], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], SHELL: '/bin/sh', ...SERVE },
    });
    undoAfter(t, () => terminal.kill('SIGKILL'));
    const lines = createInterface({ input: terminal.stdout })[Symbol.asyncIterator]();
    const until = async (wanted: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const { done, value } = await lines.next();
        assert.ok(done !== true, `it ended before ${wanted}`);
        const found = wanted.exec(value);
        if (found) return found;
      }
    };
    const pid = Number((await until(/^pid (\d+)/))[1]);
    undoAfter(t, () => isRunning(pid) && process.kill(pid, 'SIGKILL'));
    await until(/acemux is ready/);
    process.kill(pid, 'SIGHUP');
    await until(/the configuration was read again/);
    await writeFile(join(folder, 'acemux.yaml'), 'clients:\n  prebuffer_seconds: 3\n');
    process.kill(pid, 'SIGHUP');
    await until(/clients\.prebuffer_seconds/);
    terminal.kill('SIGKILL');
    for (const endMs = performance.now() + 20_000; isRunning(pid); ) {
      assert.ok(performance.now() < endMs, 'it still runs');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
