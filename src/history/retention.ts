import { untilAborted } from '../base/abort.ts';
import { type Clock, sleep } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Store } from '../store/store.ts';
import { HISTORY_TABLES } from './statements.ts';

const DAY_MS = 86_400_000;
/** From one sweep to the next. */
const SWEEP_MS = 10 * 60_000;
/** Rows that are removed in one go: what is to be written meanwhile waits for it. */
const ROWS_AT_ONCE = 2_000;
/** A little less than may be: what comes until the next sweep has room. */
const FILL = 0.95;
/** In memory, where there is no file, there is room for so much. */
const MEMORY_BYTES = 12 * 1024 * 1024;

export interface RetentionDeps {
  readonly store: Pick<Store, 'read' | 'write' | 'usedBytes' | 'shrink' | 'health'>;
  /** HISTORY_DAYS; 0: everything goes. */
  readonly days: number;
  /** HISTORY_MAX_BYTES */
  readonly bytesMax: number;
  readonly clock: Clock;
}

/** Removes history that is too old or too much, a little at a time. */
export class Retention {
  readonly #deps: RetentionDeps;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort(new AcemuxError('shutdown'));
    await this.#running;
  }

  /**
   * Removes what is too old, then, while it is too much, the oldest.
   * @throws AcemuxError store_unavailable
   */
  async sweep(): Promise<void> {
    const { days, bytesMax, clock, store } = this.#deps;
    await this.#removeBefore(clock.wallMs() - days * DAY_MS);
    const limit = FILL * (store.health.place === 'file' ? bytesMax : Math.min(bytesMax, MEMORY_BYTES));
    while ((await store.usedBytes()) > limit) {
      this.#abort.signal.throwIfAborted();
      const [oldest] = await store.read({
        sql: `SELECT min(at) AS at FROM (${HISTORY_TABLES.map(([table, column]) => `SELECT min(${column}) AS at FROM ${table}`).join(' UNION ALL ')})`,
      });
      const at = oldest?.['at'];
      if (typeof at !== 'number') break;
      // An hour at a time, or what there is of one.
      if ((await this.#removeBefore(at + DAY_MS / 24)) === 0) break;
    }
    store.shrink();
  }

  async #run(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      // What could not be removed now is removed by the next sweep; the store says itself that it does not answer.
      await untilAborted(this.sweep(), signal).catch(() => undefined);
      await sleep(clock, SWEEP_MS, signal).catch(() => undefined);
    }
  }

  /** Returns how many rows it has removed. */
  async #removeBefore(beforeMs: number): Promise<number> {
    const { store } = this.#deps;
    let removed = 0;
    for (const [table, column] of HISTORY_TABLES) {
      for (let isMore = true; isMore; ) {
        this.#abort.signal.throwIfAborted();
        const [row] = await store.read({
          sql: `SELECT count(*) AS count FROM (SELECT 1 FROM ${table} WHERE ${column} < ? LIMIT ?)`,
          values: [beforeMs, ROWS_AT_ONCE],
        });
        const count = Number(row?.['count'] ?? 0);
        if (count === 0) break;
        const key = KEYS[table];
        const to = await store.write([
          {
            sql: `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${column} < ? LIMIT ?)`,
            values: [beforeMs, ROWS_AT_ONCE],
          },
        ]);
        if (to === 'lost') return removed;
        removed += count;
        isMore = count === ROWS_AT_ONCE;
      }
    }
    return removed;
  }
}

/** What tells a row of each table from all others. */
const KEYS: Readonly<Record<(typeof HISTORY_TABLES)[number][0], string>> = {
  viewer_minutes: 'at, client',
  events: 'id',
  stream_minutes: 'at, session_id',
  minutes: 'at',
  viewers: 'client',
  streams: 'session_id',
};
