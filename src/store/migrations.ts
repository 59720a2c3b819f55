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
    address TEXT NOT NULL,
    asked TEXT NOT NULL,
    command_url TEXT,
    asked_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    session TEXT,
    engine TEXT,
    client TEXT,
    request TEXT,
    cause_id INTEGER,
    details TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_time ON events (at);

  CREATE TABLE streams (
    session_id TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    infohash TEXT,
    key_type TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    reason TEXT,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX streams_by_time ON streams (seen_at);

  CREATE TABLE stream_minutes (
    at INTEGER NOT NULL,
    session_id TEXT NOT NULL,
    engine TEXT,
    clients INTEGER NOT NULL,
    ingest_bytes INTEGER NOT NULL,
    longest_gap_ms INTEGER NOT NULL,
    ring_ms INTEGER,
    peers INTEGER,
    speed_bytes INTEGER,
    PRIMARY KEY (at, session_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE viewers (
    client TEXT PRIMARY KEY,
    session_id TEXT,
    stream TEXT NOT NULL,
    name TEXT,
    address TEXT,
    joined_at INTEGER NOT NULL,
    left_at INTEGER,
    reason TEXT,
    seen_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX viewers_by_time ON viewers (seen_at);

  CREATE TABLE viewer_minutes (
    at INTEGER NOT NULL,
    client TEXT NOT NULL,
    output TEXT NOT NULL,
    bytes INTEGER,
    longest_gap_ms INTEGER,
    lag_ms INTEGER,
    skips INTEGER NOT NULL,
    null_ms INTEGER,
    blocked_ms INTEGER NOT NULL,
    PRIMARY KEY (at, client)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE minutes (
    at INTEGER PRIMARY KEY,
    clients INTEGER NOT NULL,
    streams INTEGER NOT NULL,
    egress_bytes INTEGER NOT NULL,
    engines INTEGER NOT NULL,
    healthy_engines INTEGER NOT NULL,
    loop_delay_ms INTEGER NOT NULL
  ) STRICT;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** In the header of each database of acemux (PRAGMA application_id): "acmx". */
export const APPLICATION_ID = 0x61_63_6d_78;
