import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './migrations.ts';
import { type Row, type Statement, StoreFailure, type StoreProblem } from './statement.ts';

/** A lock held elsewhere is waited for this long; who holds it longer is tried again later. */
const LOCK_WAIT_MS = 50;
/** Who looks once, from a command, can wait longer. */
const READER_WAIT_MS = 2_000;
const PAGE_BYTES = 4096;
/** Pages that are given back to the file system in one go. */
const VACUUM_PAGES = 256;

/** What SQLite says (its primary result code) that is the database's fault or the system's, not the statement's. */
const PROBLEMS: ReadonlyMap<number, StoreProblem> = new Map([
  [5, 'store_locked'],
  [6, 'store_locked'],
  [8, 'store_failed'],
  [10, 'store_failed'],
  [11, 'store_corrupt'],
  [13, 'store_full'],
  [14, 'store_failed'],
  [15, 'store_locked'],
  [23, 'store_failed'],
  [26, 'store_corrupt'],
]);
/** SQLITE_IOERR_SHMSIZE: no room for the index of the write-ahead log. */
const NO_ROOM_FOR_INDEX = 4874;

/**
 * One SQLite database with acemux's schema. It blocks its thread: only store-thread.ts and settings-file-thread.ts may have one.
 * Every method throws StoreFailure where the database or the system is to blame, and any other error for a statement
 * that is a mistake of acemux's own.
 */
export class Database {
  readonly #sqlite: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  private constructor(sqlite: DatabaseSync) {
    this.#sqlite = sqlite;
  }

  /** Opens the file, or makes it, and brings it to the newest schema. What was written by a newer acemux is not touched. */
  static open(file: string): Database {
    return guarded(() => {
      const sqlite = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
      try {
        check(sqlite);
        // To be set before the first table is made; in a file that has some it changes nothing.
        sqlite.exec('PRAGMA auto_vacuum = INCREMENTAL');
        if (pragma(sqlite, 'journal_mode') !== 'wal') sqlite.exec('PRAGMA journal_mode = WAL');
        // Safe against the end of the process. A machine that loses power may lose the last rows, never the file.
        sqlite.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304');
        migrate(sqlite);
        return new Database(sqlite);
      } catch (error) {
        sqlite.close();
        throw error;
      }
    });
  }

  /**
   * Opens the file, which another process may have open as well, to look into it. It makes and changes none, whatever schema
   * it has.
   */
  static openToRead(file: string): Database {
    return guarded(() => {
      const sqlite = new DatabaseSync(file, { timeout: READER_WAIT_MS, readOnly: true });
      try {
        check(sqlite);
        return new Database(sqlite);
      } catch (error) {
        sqlite.close();
        throw error;
      }
    });
  }

  /** A database that lives as long as this process, and takes so much memory at most. */
  static inMemory(bytesMax: number): Database {
    const sqlite = new DatabaseSync(':memory:');
    sqlite.exec(`PRAGMA max_page_count = ${Math.ceil(bytesMax / PAGE_BYTES)}`);
    migrate(sqlite);
    return new Database(sqlite);
  }

  /** Without what is free in it for new rows. */
  get usedBytes(): number {
    return guarded(() => {
      const read = (name: string): number => Number(pragma(this.#sqlite, name));
      return (read('page_count') - read('freelist_count')) * read('page_size');
    });
  }

  /**
   * Writes all groups in one transaction: all of them, or, when it throws, none. A group with a statement that is a
   * mistake is left out whole.
   * @returns the mistakes by the group's index
   */
  write(groups: readonly (readonly Statement[])[]): ReadonlyMap<number, Error> {
    return guarded(() => {
      const mistakes = new Map<number, Error>();
      this.#sqlite.exec('BEGIN IMMEDIATE');
      try {
        for (const [index, group] of groups.entries()) {
          const mistake = this.#writeGroup(group);
          if (mistake) mistakes.set(index, mistake);
        }
        this.#sqlite.exec('COMMIT');
      } catch (error) {
        // Some failures have ended the transaction already.
        if (this.#sqlite.isTransaction) this.#sqlite.exec('ROLLBACK');
        throw error;
      }
      return mistakes;
    });
  }

  read({ sql, values = [] }: Statement): Row[] {
    return guarded(() =>
      this.#prepare(sql)
        .all(...values)
        .map((row) => {
          // Only numbers and texts are ever stored.
          return { ...row } as Row;
        }),
    );
  }

  /** Gives some of what is free back to the file system. */
  shrink(): void {
    guarded(() => this.#sqlite.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`));
  }

  close(): void {
    this.#prepared.clear();
    this.#sqlite.close();
  }

  #writeGroup(group: readonly Statement[]): Error | undefined {
    this.#sqlite.exec('SAVEPOINT one_group');
    try {
      for (const { sql, values = [] } of group) this.#prepare(sql).run(...values);
      this.#sqlite.exec('RELEASE one_group');
      return undefined;
    } catch (error) {
      if (problemOf(error) !== undefined || !(error instanceof Error)) throw error;
      this.#sqlite.exec('ROLLBACK TO one_group; RELEASE one_group');
      return error;
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const prepared = this.#sqlite.prepare(sql);
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

function check(sqlite: DatabaseSync): void {
  const application = pragma(sqlite, 'application_id');
  const tables = sqlite.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count'];
  if (application !== APPLICATION_ID && tables !== 0) {
    throw new StoreFailure('store_corrupt', 'The file is a database of another program.');
  }
  const version = Number(pragma(sqlite, 'user_version'));
  if (version > SCHEMA_VERSION) {
    const detail = `The file has schema ${version}; this acemux knows ${SCHEMA_VERSION} and older ones.`;
    throw new StoreFailure('store_newer', detail);
  }
}

function migrate(sqlite: DatabaseSync): void {
  if (Number(pragma(sqlite, 'user_version')) === SCHEMA_VERSION) return;
  sqlite.exec('BEGIN IMMEDIATE');
  try {
    // Again, now that nobody else can write.
    const version = Number(pragma(sqlite, 'user_version'));
    for (const step of MIGRATIONS.slice(version)) sqlite.exec(step);
    sqlite.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  } catch (error) {
    if (sqlite.isTransaction) sqlite.exec('ROLLBACK');
    throw error;
  }
}

function pragma(sqlite: DatabaseSync, name: string): unknown {
  return Object.values(sqlite.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function guarded<Result>(act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (error instanceof StoreFailure) throw error;
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    throw new StoreFailure(problem, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function problemOf(error: unknown): StoreProblem | undefined {
  if (error instanceof StoreFailure) return error.problem;
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  if (error.errcode === NO_ROOM_FOR_INDEX) return 'store_full';
  return PROBLEMS.get(error.errcode & 0xff);
}
