import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { type ConfigInput, loadConfig } from './load.ts';
import { MemorySettings } from './memory-settings.ts';
import { Settings } from './settings.ts';

const ME = 'somebody';

function rig(input: ConfigInput = {}, store = new MemorySettings()) {
  const parts = { input };
  const warnings: string[] = [];
  const settings = new Settings({
    loaded: loadConfig(parts.input),
    reload: () => loadConfig(parts.input),
    store,
    clock: new ManualClock(),
    onWarning: (text) => void warnings.push(text),
  });
  const changes: string[][] = [];
  settings.onChange((changed) => void changes.push([...changed]));
  settings.start();
  return { settings, store, parts, changes, warnings };
}

const file = (text: string): ConfigInput => ({ file: { name: 'acemux.yaml', text } });

test('a change is in force at once, tells who made it, and can be taken back', async () => {
  const { settings, changes } = rig(file('streams: { idle_timeout: 60s }'));
  const set = await settings.set('stream_idle_timeout', '2m', ME);
  assert.equal(settings.current.streams.idleTimeoutMs, 120_000);
  assert.deepEqual([set.origin.layer, set.origin.text], ['setting', 'changed by somebody']);
  assert.equal(set.change?.changedBy, ME);
  const reset = await settings.reset('streams.idle_timeout', ME);
  assert.equal(settings.current.streams.idleTimeoutMs, 60_000);
  assert.equal(reset.origin.layer, 'file');
  assert.deepEqual(changes, [['streams.idle_timeout'], ['streams.idle_timeout']]);
});

test('what may be unset is unset by null, whatever the file says, and over a restart', async () => {
  const input = file('limits: { max_viewers: 5 }');
  const { settings, store } = rig(input);
  await settings.set('limits.max_viewers', 7, ME);
  assert.equal(settings.current.limits.viewersMax, 7);
  const unset = await settings.set('limits.max_viewers', null, ME);
  assert.deepEqual([unset.value, unset.origin.layer], [undefined, 'setting']);
  assert.equal(rig(input, store).settings.current.limits.viewersMax, undefined);
  await settings.reset('limits.max_viewers', ME);
  assert.equal(settings.current.limits.viewersMax, 5);
  await assert.rejects(settings.set('limits.max_sessions', null, ME), { code: 'setting_invalid' });
});

test('a change is there after a restart', async () => {
  const { settings, store } = rig();
  await settings.set('log.level', 'debug', ME);
  assert.equal(rig({}, store).settings.current.log.level, 'debug');
});

test('flag and environment count more than a change, which counts more than the file', async () => {
  const store = new MemorySettings();
  await rig({}, store).settings.set('log.level', 'debug', ME);
  assert.equal(rig(file('log: { level: warn }'), store).settings.current.log.level, 'debug');
  const locked = rig({ environment: { LOG_LEVEL: 'error' } }, store).settings;
  assert.equal(locked.current.log.level, 'error');
  assert.equal(locked.get('LOG_LEVEL').isLocked, true);
  await assert.rejects(locked.set('log.level', 'info', ME), { code: 'set_by_environment' });
  await assert.rejects(locked.reset('log.level', ME), { code: 'set_by_environment' });
});

test('what is wrong is refused as at start, alone or together with others, and changes nothing', async () => {
  const { settings, changes, store } = rig();
  await assert.rejects(settings.set('log.level', 'loud', ME), {
    code: 'setting_invalid',
    message: /log\.level cannot be loud; it must be/,
  });
  await assert.rejects(settings.set('min_replicas', 11, ME), {
    code: 'setting_invalid',
    message: /MAX_REPLICAS/,
  });
  await assert.rejects(settings.set('log.levle', 'info', ME), {
    code: 'setting_unknown',
    message: /did you mean log\.level/,
  });
  await assert.rejects(settings.set('port', 1, ME), { code: 'setting_fixed' });
  assert.deepEqual([changes, store.list()], [[], []]);
});

test('taking a change back is refused where the rest needs it', async () => {
  const { settings } = rig();
  await settings.set('max_replicas', 20, ME);
  await settings.set('min_replicas', 15, ME);
  await assert.rejects(settings.reset('max_replicas', ME), { code: 'setting_invalid' });
  assert.equal(settings.current.fleet.max, 20);
});

test('the file is read again: what may change does, and the rest waits for a restart and says so', () => {
  const { settings, parts, changes } = rig(file('log: { level: warn }'));
  parts.input = file('log: { level: error }\nserver: { port: 9000 }');
  assert.deepEqual(settings.reload(), {
    changed: ['server.port', 'log.level'],
    pending: ['server.port'],
  });
  assert.equal(settings.current.log.level, 'error');
  assert.equal(settings.current.server.port, 8000);
  assert.equal(settings.get('server.port').isPending, true);
  assert.deepEqual(changes, [['log.level']]);
});

test('a file with an error changes nothing', () => {
  const { settings, parts } = rig(file('log: { level: warn }'));
  parts.input = file('log: { level: loud }');
  assert.throws(() => settings.reload(), { code: 'config_invalid' });
  assert.equal(settings.current.log.level, 'warn');
});

test('what is stored and does not fit any more is left out, with a word', () => {
  const store = new MemorySettings();
  const stored = { changedAtMs: 0, changedBy: ME };
  store.replace(
    { ...stored, path: 'log.level', value: 'loud' },
    { ...stored, path: 'no.more', value: 1 },
    { ...stored, path: 'server.port', value: 1 },
    { ...stored, path: 'fleet.min_free_replicas', value: 3 },
  );
  const { settings, warnings } = rig({}, store);
  assert.deepEqual([settings.current.log.level, settings.current.server.port], ['info', 8000]);
  assert.equal(settings.current.fleet.minFree, 3);
  assert.match(warnings.join(), /stored log\.level is left out/);
  store.replace({ ...stored, path: 'fleet.min_replicas', value: 50 });
  assert.equal(settings.current.fleet.min, 1);
  assert.match(warnings.at(-1) ?? '', /left out: .*MAX_REPLICAS/s);
});

test('each change is in the audit, with what was there before', async () => {
  const { settings } = rig();
  await settings.set('log.level', 'debug', ME);
  await settings.set('log.level', 'warn', 'another');
  await settings.reset('log.level', ME);
  const changes = await settings.changes(10);
  assert.deepEqual(
    changes.map(({ value, previous, changedBy }) => [value, previous, changedBy]),
    [
      [undefined, 'warn', ME],
      ['warn', 'debug', 'another'],
      ['debug', undefined, ME],
    ],
  );
});
