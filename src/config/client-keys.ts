import { type Headers, headerList, TO_CLIENTS } from './header-list.ts';
import { key } from './key.ts';
import { duration, size } from './quantities.ts';
import { streamSeconds } from './stream-seconds.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const KIB = 1024;
const MIB = 1024 * KIB;

/** What viewers are given, and how long they are waited for: the section `clients`. */
export const CLIENT_KEYS = {
  timeoutMs: key({
    yaml: 'timeout',
    environment: 'CLIENT_TIMEOUT',
    type: duration({ min: SECOND, max: HOUR }),
    default: 30 * SECOND,
    applies: 'next',
    doc: 'A viewer that accepts no byte for this long is disconnected. Higher forgives paused players; lower frees dead connections sooner.',
  }),
  earlyHeadersAfterMs: key({
    yaml: 'early_headers_after',
    environment: 'EARLY_HEADERS_AFTER',
    type: duration({ min: 0, max: HOUR }),
    default: 7 * SECOND,
    applies: 'next',
    doc: 'A start of a live stream that takes longer than this sends its 200 and null packets, because players give up at 8 s; 0: never. Lower is kinder to hasty players; with 0 every failure keeps its status.',
  }),
  prebufferMs: key({
    yaml: 'prebuffer_seconds',
    environment: 'PREBUFFER_SECONDS',
    type: duration({ min: 0, max: 600 * SECOND }),
    default: 4 * SECOND,
    applies: 'next',
    doc: 'How far behind the live edge a joining viewer starts; this stretch comes at line speed. Higher is a bigger reserve against stutter; lower is closer to live.',
  }),
  prebufferStreams: key({
    yaml: 'prebuffer_streams',
    environment: 'PREBUFFER_STREAMS',
    type: streamSeconds({ min: 0, max: 600 * SECOND }),
    default: new Map<string, number>(),
    applies: 'next',
    doc: 'Streams whose viewers start further behind the live edge, or nearer to it, than PREBUFFER_SECONDS says, by id or infohash. `buffer=SECONDS` in a request comes first; both are bounded by three quarters of STREAM_BUFFER_SECONDS.',
  }),
  headers: key<Headers>({
    yaml: 'headers',
    environment: 'CLIENT_HEADERS',
    type: headerList(TO_CLIENTS),
    default: {},
    whenUnset: 'none',
    applies: 'restart',
    doc: 'Headers that replies to players have (streams, playlists, segments, files) beside those of acemux. For single streams, see STREAM_OVERRIDES.',
  }),
  batchSizeBytes: key({
    yaml: 'copy_chunk_size',
    environment: 'COPY_CHUNK_SIZE',
    type: size({ min: 4 * KIB, max: MIB }),
    default: 64 * KIB,
    applies: 'next',
    doc: 'Bytes are sent in batches of this size, or every 40 ms; from 100 viewers of acemux on of 128 KiB, if that is more, or every 150 ms, and from 300 on of 256 KiB or every 300 ms. Higher costs less CPU for many viewers; lower is smoother for each.',
  }),
} as const;
