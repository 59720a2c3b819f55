import { join } from 'node:path';
import type { Clock } from './base/clock.ts';
import { StartRows } from './store/start-rows.ts';
import { Store, type StoreHealth } from './store/store.ts';
import { StoredKeys } from './store/stored-keys.ts';
import { StoredSettings } from './store/stored-settings.ts';
import type { EventSink } from './telemetry/events/event.ts';
import type { Log } from './telemetry/log.ts';

/** In DATA_DIR; beside it SQLite keeps `-wal` and `-shm`. */
export const DATABASE_FILE = 'acemux.db';

/** What outlives the process, and what reads and writes there. */
export interface StoreHouse {
  readonly store: Store;
  readonly settings: StoredSettings;
  readonly keys: StoredKeys;
  readonly starts: StartRows;
  /** Opens the database and reads what is held in memory. Never rejects: nothing that plays depends on it. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds what `store/` has, and connects its alarms. */
export function buildStore(
  dataDir: string,
  { clock, events, log }: { readonly clock: Clock; readonly events: EventSink; readonly log: Log },
): StoreHouse {
  let problemId: number | undefined;
  const store = new Store({
    file: join(dataDir, DATABASE_FILE),
    clock,
    witness: {
      storeChanged: ({ problem, place, detail }: StoreHealth) => {
        if (problem) {
          problemId = events.emit('system.store_degraded', { reason: problem, place, detail });
        } else {
          events.emit('system.store_recovered', { place }, { causeId: problemId });
          problemId = undefined;
        }
      },
      storeMistaken: (detail) => log.error({ detail }, 'a row could not be stored by a mistake of acemux'),
    },
  });
  const settings = new StoredSettings(store);
  const keys = new StoredKeys(store);
  return {
    store,
    settings,
    keys,
    starts: new StartRows(store),
    async start() {
      await store.start();
      await Promise.all(
        [settings, keys].map((part) =>
          part.load().catch((error: unknown) => {
            log.warn({ err: error }, 'what is stored cannot be read yet');
          }),
        ),
      );
    },
    async stop() {
      settings.stop();
      keys.stop();
      await store.stop();
    },
  };
}
