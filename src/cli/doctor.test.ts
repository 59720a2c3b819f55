import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { assertAllStopped, CONTENT_ID, QUICK_TIMES, startEngine } from '../../test/support/doctor-rig.ts';
import { loadRecording } from '../recording/recording-file.ts';
import { doctor, runDoctorCommand } from './doctor.ts';

function recorder(t: TestContext): CommandRecorder {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-doctor-cli-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return new CommandRecorder({}, folder);
}

const TELNET = ['--telnet-port', '1'];

describe('acemux doctor', { concurrency: true }, () => {
  test('prints a table, shows its progress beside it, and writes a recording', async (t) => {
    const engine = await startEngine(t);
    const io = recorder(t);
    const argv = [`${engine.host}:${engine.port}`, `acestream://${CONTENT_ID.toUpperCase()}`, ...TELNET];
    assert.equal(await runDoctorCommand(argv, io, QUICK_TIMES), 0, io.errors);
    assert.match(io.output, /^CHECK +THIS ENGINE +ACEMUX ASSUMED\n/);
    assert.match(
      io.output,
      /\nsecond session, other pid +the first has ended[\s\S]*\nIt took \d+(\.\d)? s\.\n$/,
    );
    assert.match(io.errors, /… get_version\n {2}get_version: same/);
    assert.equal(io.signalHandlers, 0);
    const files = readdirSync(io.workingDirectory).toSorted();
    assert.match(files.join(' '), /^(acemux-doctor-[\d-]+)\.json \1\.ts$/);
    const { recording, media } = loadRecording(join(io.workingDirectory, files[0] ?? ''));
    assert.equal(recording.media?.fileBytes, media?.length);
    assert.ok((media?.length ?? 0) > 188 * 1_000);
    await assertAllStopped(engine);
  });

  test('leaves the media out, takes another name, and prints JSON when asked to', async (t) => {
    const engine = await startEngine(t);
    const io = recorder(t);
    const argv = [CONTENT_ID, '--no-media', '--record', 'mine.json', '--json', ...TELNET];
    assert.equal(
      await runDoctorCommand([`${engine.host}:${engine.port}`, ...argv], io, QUICK_TIMES),
      0,
      io.errors,
    );
    const { results }: { results: { check: string }[] } = JSON.parse(io.output);
    assert.ok(results.some(({ check }) => check === 'secondReader'));
    assert.deepEqual(readdirSync(io.workingDirectory), ['mine.json']);
    const { recording, media } = loadRecording(join(io.workingDirectory, 'mine.json'));
    assert.deepEqual([recording.media?.file, media], [null, undefined]);
    assert.ok((recording.media?.chunks.length ?? 0) > 0, 'sizes and times are there all the same');
  });

  test('ends with 1 when the engine does not answer, and tells what it asked all the same', async (t) => {
    const engine = await startEngine(t);
    engine.faults.set({ fault: { kind: 'refuse' } });
    await engine.settled();
    const io = recorder(t);
    assert.equal(await runDoctorCommand([`${engine.host}:${engine.port}`, ...TELNET], io, QUICK_TIMES), 1);
    assert.match(io.output, /get_version +There is no connection to the engine/);
    assert.equal(readdirSync(io.workingDirectory).length, 1);
  });

  test('ends with 1 when the content is not played', async (t) => {
    const engine = await startEngine(t);
    const io = recorder(t);
    const argv = [`${engine.host}:${engine.port}`, 'f'.repeat(40), ...TELNET];
    assert.equal(await runDoctorCommand(argv, io, QUICK_TIMES), 1);
    assert.match(io.output, /start with format=json +The engine did not play it/);
  });

  test('stops what it began at Ctrl-C, and still writes what it has', async (t) => {
    const engine = await startEngine(t);
    const io = recorder(t);
    const running = runDoctorCommand(
      [`${engine.host}:${engine.port}`, CONTENT_ID, ...TELNET],
      io,
      QUICK_TIMES,
    );
    await engine.journal.waitFor(({ route }) => route === 'content');
    io.send('SIGINT');
    assert.equal(await running, 1);
    assert.match(io.output, /interrupted +/);
    assert.equal(io.signalHandlers, 0);
    assert.ok(readdirSync(io.workingDirectory).some((name) => name.endsWith('.json')));
    await assertAllStopped(engine);
  });

  test('does not begin when its recording could not be written', async (t) => {
    const io = recorder(t);
    writeFileSync(join(io.workingDirectory, 'there.json'), '');
    assert.equal(await runDoctorCommand(['127.0.0.1:1', '--record', 'there.json'], io), 1);
    assert.match(io.errors, /there\.json is there already/);
    assert.equal(io.output, '');
    const nowhere = ['127.0.0.1:1', '--record', 'no/such/folder/x.json', ...TELNET];
    assert.equal(await runDoctorCommand(nowhere, io, QUICK_TIMES), 1);
    assert.match(io.errors, /cannot be written/);
    assert.equal(existsSync(join(io.workingDirectory, 'no')), false);
  });

  test('refuses a wrong command line with 2', async (t) => {
    const io = recorder(t);
    const wrong: readonly (readonly [string[], RegExp])[] = [
      [[], /Which engine/],
      [['engine'], /not HOST:PORT/],
      [['a:0'], /not HOST:PORT/],
      [['a:70000'], /not HOST:PORT/],
      [['a:1', 'xyz'], /40 hexadecimal digits/],
      [['a:1', CONTENT_ID, 'more'], /Unknown argument more/],
      [['a:1', '--second', 'b'], /--second needs HOST:PORT/],
      [['a:1', '--second', 'b:2'], /--second needs an ID/],
      [['a:1', '--seconds', '0'], /--seconds is a number from 1 to 60/],
      [['a:1', '--seconds', '61'], /--seconds is a number/],
      [['a:1', '--telnet-port', 'x'], /--telnet-port is a port/],
      [['a:1', '--recrd', 'x'], /did you mean --record/],
      [['a:1', '--record'], /--record needs a value/],
    ];
    for (const [argv, message] of wrong) {
      io.errors = '';
      assert.equal(await doctor.run(argv, io), 2, argv.join(' '));
      assert.match(io.errors, message);
      assert.match(io.errors, /See acemux doctor --help/);
    }
    assert.deepEqual(readdirSync(io.workingDirectory), []);
  });
});
