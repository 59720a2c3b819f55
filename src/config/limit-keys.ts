import { key } from './key.ts';
import { byteRate, duration, integer } from './quantities.ts';
import { choice } from './texts.ts';

const COUNT = { min: 1, max: 1_000_000 };
const RATE = { min: 10_000, max: 100_000_000_000 };

/** A limit that is off unless it is set. */
function optionalLimit(yaml: string, environment: string, doc: string) {
  return key<number | undefined>({
    yaml,
    environment,
    type: integer(COUNT),
    default: undefined,
    whenUnset: 'no limit',
    applies: 'next',
    doc,
  });
}

function optionalRate(
  yaml: string,
  environment: string,
  { applies = 'next', doc }: { readonly applies?: 'now' | 'next'; readonly doc: string },
) {
  return key<number | undefined>({
    yaml,
    environment,
    type: byteRate(RATE),
    default: undefined,
    whenUnset: 'no limit',
    applies,
    doc,
  });
}

/**
 * Who may take how much: the section `limits`. docs/limits.md is about all of them. They are judged when somebody comes in, so
 * that a change sends nobody away.
 */
export const LIMIT_KEYS = {
  sessionsMax: key({
    yaml: 'max_sessions',
    environment: 'MAX_SESSIONS',
    type: integer(COUNT),
    default: 2000,
    applies: 'next',
    doc: 'So many streams at once at most, those included that nobody watches any more: these end for a new one. Higher takes memory for each.',
  }),
  streamsMax: optionalLimit(
    'max_streams',
    'MAX_STREAMS',
    'So many different streams may be watched at once, by all viewers together.',
  ),
  viewersMax: optionalLimit(
    'max_viewers',
    'MAX_VIEWERS',
    'So many viewers at once. Who has paused (time-shift) does not count.',
  ),
  startsPerMinute: optionalLimit(
    'starts_per_minute',
    'STARTS_PER_MINUTE',
    'So many streams may be started within a minute, by all viewers together. Asking for the same one again within 10 s is no other start.',
  ),
  addressStreamsMax: optionalLimit(
    'max_streams_per_address',
    'MAX_STREAMS_PER_ADDRESS',
    'So many different streams may be watched at once from one address. A whole house is often one address, and everybody behind a reverse proxy that is not in TRUSTED_PROXIES; of IPv6, a network of 64 bits counts as one.',
  ),
  addressViewersMax: optionalLimit(
    'max_viewers_per_address',
    'MAX_VIEWERS_PER_ADDRESS',
    'So many viewers at once from one address; see MAX_STREAMS_PER_ADDRESS.',
  ),
  addressStartsPerMinute: optionalLimit(
    'starts_per_minute_per_address',
    'STARTS_PER_MINUTE_PER_ADDRESS',
    'So many streams may be started from one address within a minute; see STARTS_PER_MINUTE. Somebody who zaps starts one every few seconds.',
  ),
  addressBytesPerSecond: optionalRate('bytes_per_second_per_address', 'BYTES_PER_SECOND_PER_ADDRESS', {
    doc: 'So many bytes a second are sent to one address, to all its viewers together. A live stream that does not fit any more is refused before it begins.',
  }),
  keyStreamsMax: optionalLimit(
    'max_streams_per_key',
    'MAX_STREAMS_PER_KEY',
    'So many different streams may be watched at once with one key that has no limit of its own; admin keys have none.',
  ),
  keyViewersMax: optionalLimit(
    'max_viewers_per_key',
    'MAX_VIEWERS_PER_KEY',
    'So many viewers at once with one key that has no limit of its own; admin keys have none.',
  ),
  keyStartsPerMinute: optionalLimit(
    'starts_per_minute_per_key',
    'STARTS_PER_MINUTE_PER_KEY',
    'So many streams may be started within a minute with one key that has no limit of its own; admin keys have none.',
  ),
  keyBytesPerSecond: optionalRate('bytes_per_second_per_key', 'BYTES_PER_SECOND_PER_KEY', {
    doc: 'So many bytes a second are sent to all viewers of one key that has no limit of its own; admin keys have none.',
  }),
  keyOnLimit: key<'replace_oldest' | 'refuse'>({
    yaml: 'on_key_limit',
    environment: 'ON_KEY_LIMIT',
    type: choice(['replace_oldest', 'refuse']),
    default: 'replace_oldest',
    applies: 'next',
    doc: 'What happens when a key is used for one stream more than it may have: `replace_oldest` ends the oldest of them, which is kind to zapping; `refuse` refuses the new one.',
  }),
  viewerBytesPerSecond: optionalRate('bytes_per_second_per_viewer', 'BYTES_PER_SECOND_PER_VIEWER', {
    doc: 'So many bytes a second are sent to one viewer, behind the PREBUFFER_SECONDS that it begins with. A live stream with more than that is refused before it begins; HLS segments come later instead.',
  }),
  egressBytesPerSecond: optionalRate('egress_max', 'EGRESS_MAX', {
    applies: 'now',
    doc: 'So many bytes a second may leave, to all viewers together: what the line carries. Nobody new is let in for whom that is not enough; those who watch are not slowed down.',
  }),
  loopDelayMs: key({
    yaml: 'overload_loop_delay',
    environment: 'OVERLOAD_LOOP_DELAY',
    type: duration({ min: 0, max: 10_000 }),
    default: 50,
    applies: 'now',
    doc: 'When acemux is so late with its work (p99, three seconds in a row), nobody new is let in until it is only half as late; 0 = let in always. Lower protects those who watch sooner; higher lets more in on a busy machine.',
  }),
} as const;
