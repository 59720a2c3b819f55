import { AcemuxError } from '../base/reasons.ts';
import type { Store } from './store.ts';

/** Whoever makes or removes a key waits so long for the file; what takes longer is written later. */
const SAVE_WAIT_MS = 3_000;

/** A key as it is kept: never the key itself. Whether role and limits are such is its reader's business. */
export interface KeyRecord {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** SHA-256 of the key, 64 hex digits in lower case. */
  readonly digest: string;
  /** What JSON can say; undefined: none. */
  readonly limits: unknown;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly createdAtMs: number;
}

export type KeysStore = Pick<Store, 'read' | 'writeWithin' | 'onReloaded'>;

/**
 * The keys that were made by API. Held in memory from `load` on, each change written behind: a key that was made works, and
 * one that was removed does not, whatever the database does.
 */
export class StoredKeys {
  readonly #store: KeysStore;
  #keys = new Map<string, KeyRecord>();
  readonly #listeners = new Set<() => void>();
  #unsubscribe: (() => void) | undefined;

  constructor(store: KeysStore) {
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

  /** Calls back when the keys are others without having been changed here: the database was read. */
  onReloaded(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** All of them, the oldest first. */
  async list(): Promise<readonly KeyRecord[]> {
    return [...this.#keys.values()];
  }

  /**
   * Resolves when it is kept; where the file can't be written now, that is in memory, and in the file later.
   * @throws AcemuxError store_unavailable: nothing has been changed
   */
  async add(key: KeyRecord): Promise<void> {
    const { id, name, role, digest, limits, createdAtMs } = key;
    const to = await this.#store.writeWithin(SAVE_WAIT_MS, [
      {
        sql: 'INSERT OR REPLACE INTO keys (id, name, role, hash, limits, created_at) VALUES (?, ?, ?, ?, ?, ?)',
        values: [id, name, role, digest, JSON.stringify(limits ?? null), createdAtMs],
      },
    ]);
    if (to === 'lost') throw new AcemuxError('store_unavailable');
    this.#keys.set(id, key);
  }

  /**
   * Resolves when it is gone; false: there was none.
   * @throws AcemuxError store_unavailable: nothing has been changed
   */
  async remove(id: string): Promise<boolean> {
    const key = this.#keys.get(id);
    if (!key) return false;
    this.#keys.delete(id);
    const statement = { sql: 'DELETE FROM keys WHERE id = ?', values: [id] };
    const to = await this.#store.writeWithin(SAVE_WAIT_MS, [statement]);
    if (to === 'lost') {
      this.#keys.set(id, key);
      throw new AcemuxError('store_unavailable');
    }
    return true;
  }

  async #readAndTell(): Promise<void> {
    await this.#read();
    for (const listener of this.#listeners) listener();
  }

  async #read(): Promise<void> {
    const rows = await this.#store.read({ sql: 'SELECT * FROM keys ORDER BY created_at, id' });
    this.#keys = new Map(
      rows.map((row) => [
        String(row['id']),
        {
          id: String(row['id']),
          name: String(row['name']),
          role: String(row['role']),
          digest: String(row['hash']),
          limits: limitsOf(row['limits']),
          createdAtMs: Number(row['created_at']),
        },
      ]),
    );
  }
}

function limitsOf(text: unknown): unknown {
  try {
    return JSON.parse(String(text)) ?? undefined;
  } catch {
    // Not written by acemux; a key without limits would be more than was given.
    return { viewersMax: 0 };
  }
}
