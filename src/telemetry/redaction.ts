const HIDDEN = '[hidden]';

// Each pattern looks at a stretch that ends at a quote or a space: no backtracking over the rest of the line.
const SECRET_NAMES = 'api[-_]?key|x-api-key|key|token|authorization|cookie|set-cookie|password|secret';
const FIELD = new RegExp(
  `("(?:${SECRET_NAMES})"\\s*:\\s*)(?:"(?:[^"\\\\]|\\\\.)*"|\\[[^\\]]*\\]|-?\\d[\\d.eE+-]*)`,
  'gi',
);
const QUERY = new RegExp(`([?&](?:${SECRET_NAMES}|link)=)[^&\\s"'\\\\#<>)]+`, 'gi');
const BEARER = /\b(Bearer\s+)[^\s"'`\\]+/gi;
/** Keys and signed tokens that acemux has made, wherever they stand (`src/access/`). */
const OWN_SECRET = /\bamx_[\w-]{43}|\bs1\.[\w-]{8,}\.[\w-]{20,}/g;
/** The addresses of a playback, ours and an engine's (reference 2.1): whoever knows one may read or stop it. */
const PLAYBACK = /(\/ace\/(?:r|m|stat|cmd|event)\/[^/\s"'\\]*\/)[^/?&#\s"'\\<>)]+/gi;
const USER_OF_URL = /(:\/\/)[^/\s"'@\\]+@/g;

/**
 * A line of the log (JSON or text) without secrets: fields called key, token, authorization and the like,
 * such parameters in the query of a URL, bearer tokens, the tokens of playbacks, keys that acemux
 * has made, and user and password in a URL.
 * It works on the finished line, so that messages, errors and nested fields are covered alike.
 */
export function withoutSecrets(line: string): string {
  return line
    .replace(FIELD, `$1"${HIDDEN}"`)
    .replace(QUERY, `$1${HIDDEN}`)
    .replace(BEARER, `$1${HIDDEN}`)
    .replace(PLAYBACK, `$1${HIDDEN}`)
    .replace(OWN_SECRET, HIDDEN)
    .replace(USER_OF_URL, `$1${HIDDEN}@`);
}
