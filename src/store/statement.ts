/** What SQLite stores; times are wall-clock milliseconds since the Unix epoch. */
export type SqlValue = null | number | string;

/** One line of SQL and what stands for its question marks. */
export interface Statement {
  readonly sql: string;
  readonly values?: readonly SqlValue[];
}

export type Row = Readonly<Record<string, SqlValue>>;

/** Where something was written: `file` outlives this process, `memory` does not, `lost` is nowhere. */
export type WrittenTo = 'file' | 'memory' | 'lost';

/** The same, and `waiting`: the file can't be written now, and it will be as soon as it can. */
export type SavedTo = WrittenTo | 'waiting';

/** Why the database is not what it should be: words of the reason table. */
export type StoreProblem =
  | 'store_locked'
  | 'store_full'
  | 'store_corrupt'
  | 'store_newer'
  | 'store_failed'
  | 'store_slow';

/** A database that can't be used as it should. */
export class StoreFailure extends Error {
  readonly problem: StoreProblem;

  constructor(problem: StoreProblem, detail: string, options?: { readonly cause?: unknown }) {
    super(detail, options);
    this.name = 'StoreFailure';
    this.problem = problem;
  }
}
