import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { systemClock } from '../base/clock.ts';
import { defaultConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { defaultBufferMemory, machineMemory } from '../config/machine-memory.ts';
import { Store } from '../store/store.ts';
import { StoredSettings } from '../store/stored-settings.ts';
import { configFlags } from './config-flags.ts';
import { showConfig } from './show-config.ts';

describe('acemux config', () => {
  test('prints every value with its origin', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'acemux.yaml'), 'log:\n  level: debug\n');
    const io = new CommandRecorder({ CLIENT_TIMEOUT: '1m', ENGINEZ: 'x' }, folder);
    assert.equal(await showConfig.run(['--port', '9000', '--engine', 'a:1', '--engine', 'b:2'], io), 0);
    assert.match(io.output, /^ {2}port: 9000 +# flag --port$/m);
    assert.match(io.output, /^ {2}timeout: 60s +# environment CLIENT_TIMEOUT$/m);
    assert.match(io.output, /^ {2}level: debug +# acemux\.yaml line 2$/m);
    assert.match(io.output, /^ {2}static: \[ a:1, b:2 \] +# flag --engine$/m);
    assert.match(io.output, /^ {2}host: 0\.0\.0\.0 +# default$/m);
    assert.match(io.errors, /^warning: environment ENGINEZ is unknown.*\n$/);
  });

  test('prints YAML that loads to the same configuration', async () => {
    const io = new CommandRecorder();
    await showConfig.run([], io);
    const { config } = loadConfig({ file: { name: 'printed', text: io.output } });
    const { bytes: bufferMemoryBytes } = defaultBufferMemory(machineMemory());
    const standard = defaultConfig();
    assert.deepEqual(config, { ...standard, streams: { ...standard.streams, bufferMemoryBytes } });
  });

  test('prints what was changed at run time, while acemux runs and afterwards; flags and environment count more', async (t) => {
    const folder = temporaryFolder(t);
    const store = new Store({
      file: join(folder, 'acemux.db'),
      clock: systemClock,
      witness: { storeChanged: () => {}, storeMistaken: assert.fail },
    });
    await store.start();
    const settings = new StoredSettings(store);
    await settings.load();
    const change = { changedAtMs: 0, changedBy: 'admin' };
    await settings.set({ ...change, path: 'log.level', value: 'debug' });
    await settings.set({ ...change, path: 'clients.timeout', value: '45s' });
    const look = async (environment: Record<string, string> = {}): Promise<CommandRecorder> => {
      const io = new CommandRecorder({ DATA_DIR: folder, ...environment });
      assert.equal(await showConfig.run([], io), 0);
      return io;
    };
    const running = await look({ CLIENT_TIMEOUT: '1m' });
    assert.match(running.output, /^ {2}level: debug +# changed by admin$/m);
    assert.match(running.output, /^ {2}timeout: 60s +# environment CLIENT_TIMEOUT$/m);
    await settings.reset('log.level', 1, 'admin');
    await store.stop();
    const { output, errors } = await look();
    assert.match(output, /^ {2}timeout: 45s +# changed by admin$/m);
    assert.match(output, /^ {2}level: info +# default$/m);
    assert.equal(errors, '');
  });

  test('says that it could not read what was changed at run time, and makes no database', async (t) => {
    const folder = temporaryFolder(t);
    const io = new CommandRecorder({ DATA_DIR: folder });
    assert.equal(await showConfig.run([], io), 0);
    assert.deepEqual([io.errors, readdirSync(folder)], ['', []]);
    writeFileSync(join(folder, 'acemux.db'), 'no database at all'.repeat(100));
    assert.equal(await showConfig.run([], io), 0);
    assert.match(
      io.errors,
      /^warning: What was changed at run time is not shown: .*acemux\.db.*store_corrupt/,
    );
  });

  test('shows how much memory buffers may take, and of what that is a quarter', async () => {
    const io = new CommandRecorder();
    await showConfig.run([], io);
    assert.match(
      io.output,
      /^ {2}buffer_memory_max: \d+MiB +# default: a quarter of the (machine|container)'s \d+MiB$/m,
    );
    const set = new CommandRecorder({ BUFFER_MEMORY_MAX: '300MiB' });
    await showConfig.run([], set);
    assert.match(set.output, /^ {2}buffer_memory_max: 300MiB +# environment BUFFER_MEMORY_MAX$/m);
  });

  test('masks secrets', async () => {
    const io = new CommandRecorder({ API_KEY: 'very-secret' });
    assert.equal(await showConfig.run([], io), 0);
    assert.doesNotMatch(io.output + io.errors, /very-secret/);
    assert.equal(Reflect.get(Object(Reflect.get(Object(parse(io.output)), 'access')), 'api_key'), '********');
  });

  test('refuses a bad configuration with all its errors, and a missing file', async () => {
    const io = new CommandRecorder({ PORT: 'x', LOG_LEVEL: 'y' });
    await assert.rejects(showConfig.run([], io), { code: 'config_invalid', message: /PORT[\s\S]*LOG_LEVEL/ });
    await assert.rejects(showConfig.run(['--config', 'no-such-file.yaml'], io), { code: 'config_invalid' });
  });

  test('refuses unknown flags', async () => {
    const io = new CommandRecorder();
    assert.equal(await showConfig.run(['--prot', '1'], io), 2);
    assert.match(io.errors, /did you mean --port\?/);
  });

  test('explains its flags', async () => {
    const help = await showConfig.help();
    for (const { name } of configFlags()) assert.ok(help.includes(`  ${name} `), name);
  });
});

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-show-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
