import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordEvents } from '../test/support/event-recorder.ts';
import { buildSettings } from './app-settings.ts';
import { ManualClock } from './base/manual-clock.ts';
import { AcemuxError } from './base/reasons.ts';
import { type Config, defaultConfig } from './config/config.ts';
import type { LoadedConfig } from './config/load.ts';
import { asLoaded, type SettingsStore } from './config/settings.ts';
import { createLog } from './telemetry/log.ts';

const EMPTY: SettingsStore = {
  list: () => [],
  set: async () => 'file',
  reset: async () => 'file',
  changes: async () => [],
  onReloaded: () => () => {},
};

/** The settings of a process whose file says now what `reload` makes of it. */
function house(reload: () => LoadedConfig) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog(
    { level: 'info', format: 'json' },
    { write: (line: string) => void lines.push(Object(JSON.parse(line))) },
  );
  const clock = new ManualClock();
  const { bus: events, lines: told } = recordEvents(clock);
  const built = buildSettings(defaultConfig(), { reload }, { store: EMPTY, events, clock, log });
  return { ...built, lines, told };
}

const changed = (change: (config: Config) => Config): LoadedConfig => asLoaded(change(defaultConfig()));

test('a file that is read again: what may change does, and what needs a restart is named', () => {
  const { lines, reload, settings, told } = house(() =>
    changed((config) => ({
      ...config,
      server: { ...config.server, port: 9_000 },
      streams: { ...config.streams, idleTimeoutMs: 7_000 },
    })),
  );
  const { port } = settings.current.server;
  reload();
  assert.equal(settings.current.streams.idleTimeoutMs, 7_000);
  assert.equal(settings.current.server.port, port, 'not before a restart');
  const waits = lines.find(({ msg }) => /wait for a restart/.test(String(msg)));
  assert.deepEqual([waits?.['level'], waits?.['settings']], ['warn', ['server.port']]);
  assert.deepEqual(told(), ['system.settings_changed streams.idle_timeout']);
});

test('one that is wrong is told in the log, and all stays as it was', () => {
  const { lines, reload, settings, told } = house(() => {
    throw new AcemuxError('config_invalid', 'streams.idle_timeout cannot be "soon".');
  });
  reload();
  assert.deepEqual(settings.current, defaultConfig());
  assert.deepEqual(told(), []);
  const [line] = lines;
  assert.deepEqual([line?.['level'], line?.['reason']], ['error', 'config_invalid']);
  assert.match(String(line?.['msg']), /stays as it was.*idle_timeout cannot be "soon"/);
});

test('the level of the log changes with its setting, while it runs', () => {
  const { lines, reload } = house(() =>
    changed((config) => ({ ...config, log: { ...config.log, level: 'error' } })),
  );
  reload();
  assert.ok(!lines.some(({ msg }) => msg === 'the configuration was read again'), 'it is quiet from then on');
});
