import type { Row } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import { type AcemuxEvent, type DetailValue, isEventType } from '../telemetry/events/event.ts';
import { type EventFilter, matches } from '../telemetry/events/event-filter.ts';
import { number, text } from './past.ts';

/** Rows that are looked through in one go, and how often for one question. */
const ROWS_AT_ONCE = 1_000;
const READS_MAX = 50;

/** Events that are not in memory any more, or are of an earlier life. */
export class StoredEvents {
  readonly #store: Pick<Store, 'read'>;

  constructor(store: Pick<Store, 'read'>) {
    this.#store = store;
  }

  /**
   * The newest with ids below `beforeId` that the filter wants, the newest first, less the first `skip` of them.
   * @throws AcemuxError store_unavailable
   */
  async before(
    beforeId: number,
    filter: EventFilter,
    { skip, count }: { readonly skip: number; readonly count: number },
  ): Promise<readonly AcemuxEvent[]> {
    const found: AcemuxEvent[] = [];
    let nextId = beforeId;
    for (let read = 0; read < READS_MAX && found.length < skip + count; read++) {
      const rows = await this.#store.read({
        sql: 'SELECT * FROM events WHERE id < ? AND at >= ? ORDER BY id DESC LIMIT ?',
        values: [nextId, Math.floor(filter.sinceMs ?? 0), ROWS_AT_ONCE],
      });
      found.push(...rows.flatMap(eventIn).filter((event) => matches(event, filter)));
      if (rows.length < ROWS_AT_ONCE) break;
      nextId = number(rows.at(-1)?.['id']);
    }
    return found.slice(skip, skip + count);
  }

  /**
   * Those that come first behind `afterId`, and before `beforeId`, the oldest first; out of so many rows at most. Undefined: what came
   * behind it may be gone, as nothing so old is stored. `throughId`: all up to this one are among them.
   * @throws AcemuxError store_unavailable
   */
  async after(
    afterId: number,
    beforeId: number,
    countMax: number,
  ): Promise<{ readonly events: readonly AcemuxEvent[]; readonly throughId: number } | undefined> {
    const [oldest] = await this.#store.read({ sql: 'SELECT min(id) AS id FROM events' });
    if (oldest?.['id'] === null || number(oldest?.['id']) > afterId) return undefined;
    const rows = await this.#store.read({
      sql: 'SELECT * FROM events WHERE id > ? AND id < ? ORDER BY id LIMIT ?',
      values: [afterId, beforeId, countMax],
    });
    const throughId = rows.length < countMax ? beforeId - 1 : number(rows.at(-1)?.['id']);
    return { events: rows.flatMap(eventIn), throughId };
  }

  /**
   * The greatest id that was ever stored, as far as it is known; 0: there is none.
   * @throws AcemuxError store_unavailable
   */
  async lastId(): Promise<number> {
    const [row] = await this.#store.read({ sql: 'SELECT max(id) AS id FROM events' });
    return number(row?.['id']);
  }
}

/** One of a type that this acemux does not know is left out. */
function eventIn(row: Row): AcemuxEvent[] {
  const type = String(row['type']);
  if (!isEventType(type)) return [];
  const context = {
    session: text(row['session']),
    engine: text(row['engine']),
    client: text(row['client']),
    request: text(row['request']),
    causeId: row['cause_id'] === null ? undefined : number(row['cause_id']),
  };
  const known = Object.entries(context).filter(([, value]) => value !== undefined);
  const details = detailsIn(row['details']);
  return [{ id: number(row['id']), type, wallMs: number(row['at']), ...Object.fromEntries(known), details }];
}

function detailsIn(value: unknown): Record<string, DetailValue> {
  try {
    const parsed: unknown = JSON.parse(String(value));
    const entries = Object.entries(typeof parsed === 'object' && parsed ? parsed : {});
    return Object.fromEntries(entries.filter((entry): entry is [string, DetailValue] => isDetail(entry[1])));
  } catch {
    // Not written by acemux.
    return {};
  }
}

function isDetail(value: unknown): value is DetailValue {
  if (Array.isArray(value)) return value.every((each) => typeof each === 'string');
  return ['string', 'number', 'boolean'].includes(typeof value);
}
