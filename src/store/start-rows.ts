import type { SavedTo } from './statement.ts';
import type { Store } from './store.ts';

/** A start that an engine was asked for, and that is not known to be over. What is in `asked` is its reader's business. */
export interface StartRow {
  readonly id: string;
  /** `host:port` of the engine. */
  readonly address: string;
  /** What JSON can say. */
  readonly asked: unknown;
  /** How to stop it, as the engine told; undefined: it has not answered. */
  readonly commandUrl: string | undefined;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly askedAtMs: number;
}

/** The journal of what engines were asked for. */
export class StartRows {
  readonly #store: Pick<Store, 'read' | 'write' | 'writeWithin'>;

  constructor(store: Pick<Store, 'read' | 'write' | 'writeWithin'>) {
    this.#store = store;
  }

  /** Resolves when it is written, or after so long; `waiting` then. Never rejects. */
  add({ id, address, asked, askedAtMs }: StartRow, waitMs: number): Promise<SavedTo> {
    return this.#store.writeWithin(waitMs, [
      {
        sql: 'INSERT OR REPLACE INTO engine_starts (id, address, asked, command_url, asked_at) VALUES (?, ?, ?, NULL, ?)',
        values: [id, address, JSON.stringify(asked), Math.round(askedAtMs)],
      },
    ]);
  }

  /** The engine has told how to stop it, and what it is. */
  noteOpened(id: string, commandUrl: string, asked: unknown): void {
    void this.#store.write([
      {
        sql: 'UPDATE engine_starts SET command_url = ?, asked = ? WHERE id = ?',
        values: [commandUrl, JSON.stringify(asked), id],
      },
    ]);
  }

  remove(id: string): void {
    void this.#store.write([{ sql: 'DELETE FROM engine_starts WHERE id = ?', values: [id] }]);
  }

  /**
   * All of them, the oldest first.
   * @throws AcemuxError store_unavailable
   */
  async list(): Promise<readonly StartRow[]> {
    const rows = await this.#store.read({ sql: 'SELECT * FROM engine_starts ORDER BY asked_at' });
    return rows.map((row) => ({
      id: String(row['id']),
      address: String(row['address']),
      asked: parsed(row['asked']),
      commandUrl: typeof row['command_url'] === 'string' ? row['command_url'] : undefined,
      askedAtMs: Number(row['asked_at']),
    }));
  }
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    // Not written by acemux.
    return undefined;
  }
}
