/** The commands as processes, started as users start them. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';

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
  const folder = mkdtempSync(join(tmpdir(), 'acemux-cli-'));
  const child = spawn(process.execPath, [LAUNCHER, ...argv], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  });
  const exit = once(child, 'exit').then(([code]) => code);
  t.after(async () => {
    child.kill('SIGKILL');
    await exit;
    rmSync(folder, { recursive: true, force: true });
  });
  return { child, exit };
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
});
