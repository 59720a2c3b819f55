/** Who takes as much as he may. Rows of the table of reasons; docs/limits.md is about all of them. */
export const LIMIT_REASONS = {
  too_many_sessions: {
    status: 429,
    retryAfterSeconds: 30,
    what: 'acemux plays as many streams as it may, and all of them are watched (MAX_SESSIONS).',
    todo: 'Watch one that plays, or wait until one has ended; the operator may raise MAX_SESSIONS.',
  },
  too_many_streams: {
    status: 429,
    retryAfterSeconds: 30,
    what: 'As many different streams are watched as may be at once (MAX_STREAMS).',
    todo: 'Watch one that plays, or wait until one has ended; the operator may raise MAX_STREAMS.',
  },
  too_many_viewers: {
    status: 429,
    retryAfterSeconds: 30,
    what: 'There are as many viewers as there may be at once (MAX_VIEWERS).',
    todo: 'Wait until somebody has left; the operator may raise MAX_VIEWERS.',
  },
  too_many_starts: {
    status: 429,
    retryAfterSeconds: 10,
    what: 'As many streams were started within the last minute as may be (STARTS_PER_MINUTE).',
    todo: 'Wait as long as the reply says; the operator may raise STARTS_PER_MINUTE.',
  },
  too_many_streams_of_address: {
    status: 429,
    retryAfterSeconds: 5,
    what: 'As many different streams are watched from this address as may be at once (MAX_STREAMS_PER_ADDRESS).',
    todo: 'Stop one. A house, or a reverse proxy that is not in TRUSTED_PROXIES, is one address for all in it.',
  },
  too_many_viewers_of_address: {
    status: 429,
    retryAfterSeconds: 5,
    what: 'There are as many viewers at this address as there may be at once (MAX_VIEWERS_PER_ADDRESS).',
    todo: 'Stop one. A house, or a reverse proxy that is not in TRUSTED_PROXIES, is one address for all in it.',
  },
  too_many_starts_of_address: {
    status: 429,
    retryAfterSeconds: 10,
    what: 'This address has started as many streams within the last minute as it may (STARTS_PER_MINUTE_PER_ADDRESS).',
    todo: 'Wait as long as the reply says.',
  },
  too_many_streams_of_key: {
    status: 429,
    retryAfterSeconds: 5,
    what: 'As many different streams are watched with this key, or this signed URL, as may be at once.',
    todo: 'Stop one; or have the key’s on_limit be replace_oldest, so that a new stream ends the oldest.',
  },
  too_many_viewers_of_key: {
    status: 429,
    retryAfterSeconds: 5,
    what: 'There are as many viewers with this key, or this signed URL, as there may be at once.',
    todo: 'Stop one, or use a key of your own.',
  },
  too_many_starts_of_key: {
    status: 429,
    retryAfterSeconds: 10,
    what: 'With this key, or this signed URL, as many streams were started within the last minute as may be.',
    todo: 'Wait as long as the reply says.',
  },
  stream_replaced: {
    status: 429,
    what: 'The same key began another stream, and its limit leaves no room for both: the older one has ended.',
    todo: 'Nothing, if that was you. Else somebody else uses the key: ask for one of your own.',
  },
  bandwidth_below_stream: {
    status: 429,
    what: 'The stream needs more bytes a second than this viewer, address or key may take: it would stutter all the time.',
    todo: 'Choose a smaller stream, stop another one, or ask the operator to raise the limit (docs/limits.md).',
  },
} as const;
