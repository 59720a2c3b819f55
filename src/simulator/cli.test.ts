import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSimulateEngine } from './cli.ts';
import { startRig } from './testing/rig.ts';

function output(): { text: string; write: (text: string) => void; line: Promise<string> } {
  const { promise: line, resolve } = Promise.withResolvers<string>();
  return {
    text: '',
    line,
    write(text) {
      this.text += text;
      if (text.endsWith('\n')) resolve(text);
    },
  };
}

test('it says in one line where it listens, serves, and ends with 0 when told to', async () => {
  const stdout = output();
  const stop = new AbortController();
  const running = runSimulateEngine(
    ['--port', '0', '--bitrate', '2', '--profile', 'v3.1.74'],
    { stdout, stderr: output() },
    stop.signal,
  );
  const url = /^simulated engine on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(await stdout.line)?.[1];
  const reply = await fetch(`${url}/webui/api/service?method=get_version`, {
    headers: { Connection: 'close' },
  });
  assert.match(await reply.text(), /"version": "3.1.74"}, "error": null/);
  stop.abort();
  assert.equal(await running, 0);
  assert.equal(stdout.text.split('\n').length, 2);
});

test('--help explains and ends', async () => {
  const stdout = output();
  assert.equal(
    await runSimulateEngine(['--help'], { stdout, stderr: output() }, new AbortController().signal),
    0,
  );
  assert.match(stdout.text, /--control-port N/);
});

test('a wrong option is a usage error, a taken port an error', async (t) => {
  const { signal } = new AbortController();
  for (const argv of [
    ['--nonsense'],
    ['--profile', 'v9'],
    ['--media', 'vhs'],
    ['--port', 'x'],
    ['--bitrate', '0.1'],
    ['extra'],
    ['--lag=-1'],
  ]) {
    const stderr = output();
    assert.equal(await runSimulateEngine(argv, { stdout: output(), stderr }, signal), 2, argv.join(' '));
    assert.match(stderr.text, /^acemux simulate-engine: .+\nSee /);
  }
  const rig = await startRig(t);
  const stderr = output();
  const argv = ['--port', String(rig.address.port)];
  assert.equal(await runSimulateEngine(argv, { stdout: output(), stderr }, signal), 1);
  assert.match(stderr.text, /EADDRINUSE/);
});
