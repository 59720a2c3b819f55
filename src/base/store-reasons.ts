/** Why what is stored is kept in memory only, or not at all. Rows of the table of reasons. */
export const STORE_REASONS = {
  store_locked: {
    what: 'Another process holds the database under DATA_DIR: what is to be stored waits in memory.',
    todo: 'Nothing if it passes. Else find who has the file open (a second acemux, a backup, a shell), and end that.',
  },
  store_full: {
    what: 'The disk under DATA_DIR is full: what is to be stored waits in memory.',
    todo: 'Make room, or lower HISTORY_MAX_BYTES or TIMESHIFT_MAX_BYTES. It goes on by itself.',
  },
  store_corrupt: {
    what: 'The database under DATA_DIR is damaged, or no database of acemux: this run is kept in memory only.',
    todo: 'Put a backup in its place, or move the file away: acemux makes a new one at its next start.',
  },
  store_newer: {
    what: 'The database under DATA_DIR was written by a newer acemux: it is left alone, and this run is kept in memory only.',
    todo: 'Use the newer acemux, or put back the backup from before it.',
  },
  store_failed: {
    what: 'The database under DATA_DIR cannot be used: what is to be stored stays in memory.',
    todo: 'The detail says what the system said: often the folder may not be written, or the disk is broken.',
  },
  store_slow: {
    what: 'The disk under DATA_DIR does not answer: what is to be stored waits in memory.',
    todo: 'Look at the disk, or at the network if it is reached by one. Playing does not depend on it.',
  },
  store_unavailable: {
    status: 503,
    retryAfterSeconds: 10,
    what: 'What is stored cannot be read now.',
    todo: '`/health/status` says why. Playing does not depend on it.',
  },
  acemux_unreachable: {
    what: 'A command of acemux could not ask the acemux that should run.',
    todo: 'Give the command the configuration of that acemux: the same flags, environment and file, on the same machine.',
  },
};
