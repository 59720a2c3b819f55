import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Facts, RECORDING_FORMAT, RECORDING_VERSION } from '../recording/format.ts';
import { writeRecording } from '../recording/recording-file.ts';
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

test('it can be told to listen only some time after its start, and to end before', async () => {
  const stop = new AbortController();
  const stdout = output();
  const argv = ['--port', '0', '--ready-after'];
  const late = runSimulateEngine([...argv, '3600'], { stdout, stderr: output() }, stop.signal);
  const soon = output();
  const early = runSimulateEngine([...argv, '0.01'], { stdout: soon, stderr: output() }, stop.signal);
  assert.match(await soon.line, /^simulated engine on/);
  stop.abort();
  assert.deepEqual(await Promise.all([late, early]), [0, 0]);
  assert.equal(stdout.text, '');
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

test('--recording behaves as the engine that was recorded, and says what it cannot do so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-simulate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'engine.json');
  const version = { code: 3029900, platform: 'linux', version: '3.2.99', hasWebsocketPort: false };
  const facts: Facts = { version, secondReader: 'both-read', jsonSpacing: 'compact' };
  const about = { acemux: '0.1.0', day: '2026-01-31', seconds: 1, results: [], exchanges: [] };
  writeRecording(file, { format: RECORDING_FORMAT, version: RECORDING_VERSION, facts, ...about }, undefined);

  const [stdout, stderr, stop] = [output(), output(), new AbortController()];
  const running = runSimulateEngine(['--port', '0', '--recording', file], { stdout, stderr }, stop.signal);
  const url = /(http:\/\/\S+)/.exec(await stdout.line)?.[1];
  const reply = await fetch(`${url}/webui/api/service?method=get_version`, {
    headers: { Connection: 'close' },
  });
  assert.match(await reply.text(), /"version":"3.2.99"},"error":null/);
  stop.abort();
  assert.equal(await running, 0);
  assert.match(stderr.text, /not as recorded: second reader: both-read\n/);
});

test('--recording refuses a file that is none', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-simulate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'x.json'), '{}');
  for (const name of ['x.json', 'none.json']) {
    const stderr = output();
    const argv = ['--port', '0', '--recording', join(folder, name)];
    assert.equal(
      await runSimulateEngine(argv, { stdout: output(), stderr }, new AbortController().signal),
      1,
    );
    assert.match(stderr.text, /json: it (is not a recording of acemux doctor|cannot be read)/);
  }
});
