import type { Row, SavedTo, Statement } from './statement.ts';
import type { Store } from './store.ts';

/** Whoever changes a setting waits so long for the file; what takes longer is written later. */
const SAVE_WAIT_MS = 3_000;
/** Changes that are remembered. */
const CHANGES_KEPT = 1_000;

/** A setting that was changed at run time. */
export interface StoredSetting {
  /** The key's YAML path: `streams.retry_budget`. */
  readonly path: string;
  /** What JSON can say; whether it fits the key is its reader's business. */
  readonly value: unknown;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly changedAtMs: number;
  /** Who did it: the name of a key. */
  readonly changedBy: string;
}

/** One change, as the audit shows it; undefined: not set. */
export interface SettingChange extends StoredSetting {
  readonly previous: unknown;
}

export type SettingsStore = Pick<Store, 'read' | 'writeWithin' | 'onReloaded'>;

/**
 * Settings that were changed at run time. They are held in memory from `load` on, and each change is written behind; so
 * they can be read and changed whatever the database does.
 */
export class StoredSettings {
  readonly #store: SettingsStore;
  readonly #settings = new Map<string, StoredSetting>();
  readonly #listeners = new Set<() => void>();
  #unsubscribe: (() => void) | undefined;

  constructor(store: SettingsStore) {
    this.#store = store;
  }

  /**
   * Reads them, and again whenever the database has become another one.
   * @throws AcemuxError store_unavailable; they are read later then, and listeners are called
   */
  async load(): Promise<void> {
    this.#unsubscribe ??= this.#store.onReloaded(() => {
      // Who can't read now is called again when the database has changed.
      this.#readAndTell().catch(() => undefined);
    });
    await this.#readAndTell();
  }

  stop(): void {
    this.#unsubscribe?.();
  }

  /** Calls back when settings are others without having been changed here: the database was read. */
  onReloaded(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get(path: string): StoredSetting | undefined {
    return this.#settings.get(path);
  }

  list(): readonly StoredSetting[] {
    return [...this.#settings.values()];
  }

  /** Holds from now on; resolves when it is written, or when that takes long. Never rejects. */
  set(setting: StoredSetting): Promise<SavedTo> {
    const { path, value, changedAtMs, changedBy } = setting;
    const previous = this.#settings.get(path);
    this.#settings.set(path, setting);
    const text = JSON.stringify(value);
    return this.#store.writeWithin(SAVE_WAIT_MS, [
      {
        sql: 'INSERT OR REPLACE INTO settings (path, value, changed_at, changed_by) VALUES (?, ?, ?, ?)',
        values: [path, text, changedAtMs, changedBy],
      },
      ...auditOf({ path, value: text, previous, changedAtMs, changedBy }),
    ]);
  }

  /** Back to what holds without it. Never rejects. */
  reset(path: string, changedAtMs: number, changedBy: string): Promise<SavedTo> {
    const previous = this.#settings.get(path);
    this.#settings.delete(path);
    return this.#store.writeWithin(SAVE_WAIT_MS, [
      { sql: 'DELETE FROM settings WHERE path = ?', values: [path] },
      ...auditOf({ path, value: null, previous, changedAtMs, changedBy }),
    ]);
  }

  /**
   * What was changed when and by whom, the newest first.
   * @throws AcemuxError store_unavailable
   */
  async changes(countMax: number): Promise<readonly SettingChange[]> {
    const rows = await this.#store.read({
      sql: 'SELECT * FROM setting_changes ORDER BY id DESC LIMIT ?',
      values: [countMax],
    });
    return rows.map((row) => ({
      path: String(row['path']),
      value: parsed(row['value']),
      previous: parsed(row['previous']),
      changedAtMs: Number(row['changed_at']),
      changedBy: String(row['changed_by']),
    }));
  }

  async #readAndTell(): Promise<void> {
    await this.#read();
    for (const listener of this.#listeners) listener();
  }

  async #read(): Promise<void> {
    const rows = await this.#store.read(ALL_SETTINGS);
    this.#settings.clear();
    for (const setting of rows.map(settingOf)) this.#settings.set(setting.path, setting);
  }
}

export const ALL_SETTINGS: Statement = { sql: 'SELECT * FROM settings ORDER BY path' };

export function settingOf(row: Row): StoredSetting {
  return {
    path: String(row['path']),
    value: parsed(row['value']),
    changedAtMs: Number(row['changed_at']),
    changedBy: String(row['changed_by']),
  };
}

function auditOf(change: {
  readonly path: string;
  readonly value: string | null;
  readonly previous: StoredSetting | undefined;
  readonly changedAtMs: number;
  readonly changedBy: string;
}) {
  const previous = change.previous ? JSON.stringify(change.previous.value) : null;
  return [
    {
      sql: 'INSERT INTO setting_changes (path, previous, value, changed_at, changed_by) VALUES (?, ?, ?, ?, ?)',
      values: [change.path, previous, change.value, change.changedAtMs, change.changedBy],
    },
    {
      sql: 'DELETE FROM setting_changes WHERE id <= (SELECT max(id) FROM setting_changes) - ?',
      values: [CHANGES_KEPT],
    },
  ];
}

/** What is no JSON was not written by acemux: it counts for not set. */
function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
