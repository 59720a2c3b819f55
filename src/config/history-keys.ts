import { key } from './key.ts';
import { integer, size } from './quantities.ts';
import { yesNo } from './yes-no.ts';

const MIB = 1024 * 1024;

/** What is remembered of what has happened: the section `history`. */
export const HISTORY_KEYS = {
  days: key({
    yaml: 'days',
    environment: 'HISTORY_DAYS',
    type: integer({ min: 0, max: 3650 }),
    default: 7,
    applies: 'restart',
    doc: 'So many days of what has happened to streams and viewers are kept in DATA_DIR, to say afterwards why something froze; 0 = nothing is kept. Higher reaches further back and takes more disk.',
  }),
  maxBytes: key({
    yaml: 'max_bytes',
    environment: 'HISTORY_MAX_BYTES',
    type: size({ min: MIB, max: 1024 * 1024 * MIB }),
    default: 200 * MIB,
    applies: 'restart',
    doc: 'The most that the database under DATA_DIR may take: the oldest history goes first. A viewer takes about 5 KB an hour, a stream about the same.',
  }),
  addresses: key({
    yaml: 'addresses',
    environment: 'HISTORY_ADDRESSES',
    type: yesNo(),
    default: true,
    applies: 'restart',
    doc: 'Whether the addresses of viewers are kept in the history. `false`: viewers are known there by the name that they give themselves (`?client=living-room`) and by an opaque id.',
  }),
};
