/**
 * How the database came to be what it is: step N makes schema N of schema N - 1. A step that was released is never
 * changed. `fixtures/` has a database of each older schema, and a test brings each of them here.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE settings (
    path TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE setting_changes (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    previous TEXT,
    value TEXT,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL
  ) STRICT;

  CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash TEXT NOT NULL,
    limits TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE engine_starts (
    id TEXT PRIMARY KEY,
    engine TEXT NOT NULL,
    address TEXT NOT NULL,
    asked TEXT NOT NULL,
    command_url TEXT,
    asked_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** In the header of each database of acemux (PRAGMA application_id): "acmx". */
export const APPLICATION_ID = 0x61_63_6d_78;
