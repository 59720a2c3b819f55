/** Why a stream is not kept on disk, or not all of it, and how an excerpt ends. Rows of the table of reasons. */
export const TIMESHIFT_REASONS = {
  excerpt_over: {
    what: 'The viewer asked for an excerpt (`end`) and has it all.',
    todo: 'Nothing: this is how it should end.',
  },
  timeshift_disk_full: {
    what: 'The disk under DATA_DIR is full: time-shift is off for this stream until it is begun anew.',
    todo: 'Make room, or lower TIMESHIFT_MAX_BYTES or TIMESHIFT_SECONDS. What was kept can still be rewound to.',
  },
  timeshift_failed: {
    what: 'The files under DATA_DIR/timeshift could not be used: time-shift is off for this stream.',
    todo: 'The log says what the system said: often the folder may not be written, or the disk is broken.',
  },
  timeshift_newer: {
    what: 'The stream’s files under DATA_DIR/timeshift were written by a newer acemux: they are left alone.',
    todo: 'Use the newer acemux, or remove the folder that the log names.',
  },
  timeshift_behind: {
    what: 'The disk under DATA_DIR could not follow the stream, or TIMESHIFT_MAX_BYTES has no room: a part is not kept.',
    todo: 'Use a faster disk, or time-shift fewer streams, or raise TIMESHIFT_MAX_BYTES.',
  },
};
