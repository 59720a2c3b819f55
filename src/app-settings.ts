import type { Clock } from './base/clock.ts';
import { AcemuxError } from './base/reasons.ts';
import type { Config } from './config/config.ts';
import type { LoadedConfig } from './config/load.ts';
import { asLoaded, Settings, type SettingsStore } from './config/settings.ts';
import type { EventSink } from './telemetry/events/event.ts';
import { type Log, setLogLevel } from './telemetry/log.ts';

export interface SettingsParts {
  /** What the configuration was made of; without it nothing in it is locked. */
  readonly loaded?: LoadedConfig | undefined;
  /** Reads it anew; throws config_invalid. */
  readonly reload?: (() => LoadedConfig) | undefined;
}

export interface SettingsSurroundings {
  readonly store: SettingsStore;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
}

/** The configuration while the process runs, and what it does by itself when that changes. */
export interface SettingsHouse {
  readonly settings: Settings;
  /** Reads flags, environment and file anew; what came of it is said in the log. */
  reload(): void;
}

/** The part of the composition root that has to do with settings that change. */
export function buildSettings(
  config: Config,
  { loaded, reload }: SettingsParts,
  { store, events, clock, log }: SettingsSurroundings,
): SettingsHouse {
  const settings = new Settings({
    loaded: loaded ?? asLoaded(config),
    reload,
    store,
    clock,
    onWarning: (text) => log.warn(text),
  });
  settings.onChange((changed) => {
    if (changed.has('log.level')) setLogLevel(log, settings.current.log.level);
    events.emit('system.settings_changed', { settings: [...changed] });
  });
  return {
    settings,
    reload() {
      try {
        const { pending } = settings.reload();
        log.info('the configuration was read again');
        if (pending.length > 0)
          log.warn({ settings: pending }, 'these settings wait for a restart of acemux');
      } catch (error) {
        if (!(error instanceof AcemuxError)) throw error;
        log.error({ reason: error.code }, `The configuration stays as it was. ${error.message}`);
      }
    },
  };
}
