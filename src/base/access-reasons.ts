/** Why a key, a signed URL, an address or a login does not let pass. Rows of the table of reasons. */
export const ACCESS_REASONS = {
  key_required: {
    status: 401,
    what: 'This address may not do this without the key.',
    todo: 'Send `Authorization: Bearer KEY`; the key is `API_KEY` or the file `admin.key` in `DATA_DIR`, or one of `KEYS`. A player that knows only URLs adds `token=KEY`.',
  },
  key_wrong: {
    status: 403,
    what: 'The key is not the right one.',
    todo: 'Compare it with `API_KEY` or the file `admin.key` in `DATA_DIR`; a named key may have been removed, and a login may be over.',
  },
  key_revoked: {
    status: 403,
    what: 'The key was removed: what was played by it has ended.',
    todo: 'Ask the operator for another key. `GET /events?type=access.key_removed` tells who removed it, and when.',
  },
  too_many_wrong_keys: {
    status: 429,
    retryAfterSeconds: 600,
    what: 'From this address ten different keys came that are not right: a key that was not used from there before is not looked at now.',
    todo: 'Wait as long as Retry-After says. Keys that were right from this address before go on working.',
  },
  role_not_enough: {
    status: 403,
    what: 'The key is right, but what it is for does not include this.',
    todo: 'Use a key of another role: docs/security.md has the table of what each may do.',
  },
  proxy_not_trusted: {
    status: 403,
    what: 'The request came through a proxy that is not in `TRUSTED_PROXIES`, so nobody knows whom it came from.',
    todo: 'If it is your reverse proxy, add its address to `TRUSTED_PROXIES`; the reply names it. Else use a key.',
  },
  address_not_allowed: {
    status: 403,
    what: 'This address is kept out, whatever key it has.',
    todo: 'Look at `PLAY_ALLOW`, `PLAY_DENY`, and the same for `VIEW` and `ADMIN`.',
  },
  signed_url_wrong: {
    status: 403,
    what: 'The signed URL was not signed here: it is cut short or changed, or its secret or its key is no longer accepted.',
    todo: 'Copy the whole URL, or have a new one made: `acemux sign-url`, or `POST /signed-urls`.',
  },
  signed_url_expired: {
    status: 403,
    what: 'The signed URL is over.',
    todo: 'Have a new one made: `acemux sign-url`, or `POST /signed-urls`.',
  },
  signed_url_elsewhere: {
    status: 403,
    what: 'The signed URL is for another stream, or for another address.',
    todo: 'Use it as it was given, or have one made for this stream and this address.',
  },
  login_failed: {
    status: 403,
    what: 'Nobody can log in with this key, or by this link.',
    todo: 'Compare the key. A link opens once, within ten minutes: have a new one made by `acemux login-link`.',
  },
  too_many_logins: {
    status: 429,
    retryAfterSeconds: 600,
    what: 'From this address too many logins have failed.',
    todo: 'Wait as long as Retry-After says. A key that was right from this address before goes on working as a header.',
  },
  key_unknown: {
    status: 404,
    what: 'No key has this id.',
    todo: 'See `GET /keys` for those that there are.',
  },
  key_configured: {
    status: 409,
    what: 'This key comes from the configuration.',
    todo: 'Take it out of `KEYS` (or change `API_KEY`) and start acemux again.',
  },
  key_name_taken: {
    status: 409,
    what: 'There is a key of this name.',
    todo: 'Choose another name, or remove that key first.',
  },
  too_many_keys: {
    status: 409,
    what: 'There are 500 keys.',
    todo: 'Remove those that nobody uses.',
  },
} as const;
