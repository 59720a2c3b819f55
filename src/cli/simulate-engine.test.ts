import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { simulateEngine } from './simulate-engine.ts';

describe('acemux simulate-engine', () => {
  test('runs until a signal, then ends with 0', async () => {
    const io = new CommandRecorder();
    const running = Promise.withResolvers<string>();
    io.onWrite = running.resolve;
    const exit = simulateEngine.run(['--port', '0'], io);
    assert.match(await running.promise, /http:\/\/127\.0\.0\.1:\d+/);
    io.send('SIGTERM');
    assert.equal(await exit, 0);
    assert.equal(io.signalHandlers, 0);
  });

  test('hands its arguments over: a wrong one is a usage error', async () => {
    const io = new CommandRecorder();
    assert.equal(await simulateEngine.run(['--prot', '0'], io), 2);
    assert.match(io.errors, /--prot/);
  });

  test('has the help of the simulator', async () => {
    assert.match(await simulateEngine.help(), /--bitrate/);
  });
});
