/** What is wrong with a request, or with who sends it. Rows of the table of reasons. */
export const REQUEST_REASONS = {
  bad_request: {
    status: 400,
    what: 'The request is malformed.',
    todo: 'Compare it with /docs.',
  },
  id_missing: {
    status: 400,
    what: 'The request names no stream.',
    todo: 'Give exactly one of `id`, `content_id` or `infohash`.',
  },
  id_ambiguous: {
    status: 400,
    what: 'The request names more than one stream, or one twice.',
    todo: 'Give exactly one of `id`, `content_id` or `infohash`, once.',
  },
  id_malformed: {
    status: 400,
    what: 'The id is not 40 hexadecimal digits.',
    todo: 'Copy the 40 digits of the acestream:// link.',
  },
  method_unknown: {
    status: 400,
    what: 'acemux does not answer this method of the engine’s API.',
    todo: 'See /docs for those that it answers.',
  },
  host_not_allowed: {
    status: 403,
    what: 'The request was sent to a name that acemux does not know as its own.',
    todo: 'Use the address, or set PUBLIC_URL to the URL with that name; a reverse proxy is to pass `Host` on.',
  },
  cross_site: {
    status: 403,
    what: 'A web page of another host may play, and may do nothing else here.',
    todo: 'Open acemux itself in the browser; behind a reverse proxy, set PUBLIC_URL to the address that people use.',
  },
  not_found: {
    status: 404,
    what: 'There is nothing at this path.',
    todo: 'See /docs for all paths.',
  },
  session_unknown: {
    status: 404,
    what: 'No session has this id now.',
    todo: 'See /proxy/sessions for those that exist.',
  },
  image_not_allowed: {
    status: 400,
    what: 'Engines are made of the configured kind only: no other image, environment, mount or port.',
    todo: 'Leave these out of the request, or change the configuration.',
  },
  engine_stats_unknown: {
    status: 404,
    what: 'Nobody can tell what this engine takes: acemux did not make its container, or it has just gone.',
    todo: 'Ask the machine that it runs on.',
  },
  stream_unknown: {
    status: 404,
    what: 'No stream has this id, nor had one within the last ten minutes.',
    todo: 'See /streams for those that exist.',
  },
  setting_unknown: {
    status: 404,
    what: 'There is no setting of this name.',
    todo: 'See /settings for all of them.',
  },
  set_by_environment: {
    status: 409,
    what: 'A flag or the environment sets this, which counts more than what is changed by API.',
    todo: 'Change it there, or take it out there to change it here.',
  },
  setting_fixed: {
    status: 409,
    what: 'This setting can’t be changed by API.',
    todo: 'Change it in the file or the environment; /settings tells whether that needs a restart.',
  },
  setting_invalid: {
    status: 400,
    what: 'The setting can’t have this value.',
    todo: 'See docs/configuration.md for what it may be.',
  },
  client_unknown: {
    status: 404,
    what: 'No viewer has this id now.',
    todo: 'See /clients for those that watch.',
  },
  move_impossible: {
    status: 409,
    what: 'The stream can’t be moved now: it has no engine yet, or another one is looked for already.',
    todo: 'Look at /proxy/sessions/{id}, and try again when it plays.',
  },
  kicked_by_operator: {
    status: 403,
    what: 'Somebody with the admin key disconnected this viewer.',
    todo: 'Open the stream anew if that is wanted after all.',
  },
  stream_not_active: {
    status: 400,
    what: 'The stream has ended already.',
    todo: 'Nothing is left to be done.',
  },
  method_not_allowed: {
    status: 405,
    what: 'The path exists, but not for this method.',
    todo: 'See /docs for the methods of each path.',
  },
  request_timeout: {
    status: 408,
    what: 'The request did not arrive in time.',
    todo: 'Send the whole request within 10 seconds of connecting.',
  },
  lease_unknown: {
    status: 404,
    what: 'There is no such playback now: it was stopped, nobody read it for 60 seconds, or its stream has ended.',
    todo: 'Ask `/ace/getstream?…&format=json` for a new one.',
  },
  playlist_unknown: {
    status: 404,
    what: 'acemux has not given out this address of an HLS playlist.',
    todo: 'Ask `/ace/manifest.m3u8?id=…` for one.',
  },
  past_unknown: {
    status: 404,
    what: 'Nothing of the time that the excerpt was asked for is kept as HLS.',
    todo: 'Ask for a later one. What is played is kept with TIMESHIFT_SECONDS, for so long.',
  },
  segment_unknown: {
    status: 404,
    what: 'This HLS segment does not exist, or no longer: a live stream keeps its last minute, or TIMESHIFT_SECONDS.',
    todo: 'Read the playlist again; it lists those that there are.',
  },
  command_unsupported: {
    status: 400,
    what: 'A stream that others may be watching takes no other command than `stop`.',
    todo: 'Use `method=stop`; leave pausing and seeking to the player.',
  },
  body_too_large: {
    status: 413,
    what: 'The body of the request is larger than 64 KiB.',
    todo: 'Send less.',
  },
  headers_too_large: {
    status: 431,
    what: 'The headers of the request are larger than 16 KiB.',
    todo: 'Send fewer or shorter headers.',
  },
} as const;
