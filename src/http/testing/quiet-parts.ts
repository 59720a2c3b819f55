/** Parts behind a server that a test does not ask for anything. For tests. */
import { systemClock } from '../../base/clock.ts';
import { defaultConfig } from '../../config/config.ts';
import { MemorySettings } from '../../config/memory-settings.ts';
import { asLoaded, Settings } from '../../config/settings.ts';
import type { HttpDeps } from '../deps.ts';

/** No live stream is there. */
export const NO_STREAMS: HttpDeps['sessionControl'] = {
  detail: () => undefined,
  viewers: () => [],
  kick: () => {},
  move: () => {},
  change: () => ({ bufferMs: 0, bufferBytes: 0, prebufferMs: 0, standby: 'off' }),
};

/** The default configuration, which may be changed. */
export function defaultSettings(): Settings {
  return new Settings({
    loaded: asLoaded(defaultConfig()),
    store: new MemorySettings(),
    clock: systemClock,
    onWarning: () => {},
  });
}
