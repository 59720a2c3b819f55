import { AcemuxError } from '../base/reasons.ts';
import type { SelectorKind, StreamSelector } from '../engine/types.ts';

/** The query parameters that name a stream. */
const NAMING: ReadonlyMap<string, SelectorKind> = new Map([
  ['id', 'id'],
  ['content_id', 'id'],
  ['infohash', 'infohash'],
]);

/** The parameters that reach the engine and belong to the stream's identity; all others are dropped (DESIGN 2.2). */
export const PASSED_PARAMETERS = [
  '_idx',
  'stream_id',
  'quality',
  'preferred_audio_language',
  'transcode_audio',
  'transcode_mp3',
  'transcode_ac3',
  'manifest_p2p_wait_timeout',
] as const;

/** No value of these is long; it is part of names and logs. */
const PARAMETER_LENGTH_MAX = 64;
const PRINTABLE = /^[\x20-\x7e]*$/;
const HASH = /^[0-9a-f]{40}$/;
const LINK_SCHEME = /^acestream:\/\//i;

/**
 * Reads which stream a request for playing means.
 * @param query the part of the URL behind the question mark
 * @throws AcemuxError id_missing, id_ambiguous, id_malformed, bad_request
 */
export function parseStreamRequest(query: string): StreamSelector {
  return { ...parseName(query), parameters: parsePassedParameters(new URLSearchParams(query)) };
}

/**
 * The one name of a stream that a query gives.
 * @throws AcemuxError id_missing, id_ambiguous, id_malformed
 */
export function parseName(query: string): Pick<StreamSelector, 'kind' | 'hash'> {
  const [first, second] = parseNames(query);
  if (!first) throw new AcemuxError('id_missing');
  if (second) throw new AcemuxError('id_ambiguous');
  return { kind: first.kind, hash: first.hash() };
}

/** A name of a stream as it was given. */
export interface GivenName {
  readonly kind: SelectorKind;
  readonly value: string;
  /** @throws AcemuxError id_malformed */
  hash(): string;
}

/** Every name of a stream that a query gives, in its order. */
export function parseNames(query: string): GivenName[] {
  return [...new URLSearchParams(query)].flatMap(([key, value]) => {
    const kind = NAMING.get(key);
    return kind === undefined ? [] : [{ kind, value, hash: () => parseHash(kind, value) }];
  });
}

/** The part of a request's URL behind the question mark, as it was sent. */
export function queryOf({ url }: { readonly url: string }): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start + 1);
}

/** Whether a request lets its reply begin before there is media (EARLY_HEADERS_AFTER); players need not say so. */
export function allowsEarlyHeaders(query: string): boolean {
  return new URLSearchParams(query).get('early_headers') !== '0';
}

function parseHash(kind: SelectorKind, value: string): string {
  const text = value.trim();
  const hash = (kind === 'id' ? text.replace(LINK_SCHEME, '') : text).toLowerCase();
  if (!HASH.test(hash)) throw new AcemuxError('id_malformed');
  return hash;
}

/** In the order of the table, so that one stream always has one name. An empty value is no value. */
function parsePassedParameters(given: URLSearchParams): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const name of PASSED_PARAMETERS) {
    const values = given.getAll(name).filter((value) => value !== '');
    const [value, another] = values;
    if (value === undefined) continue;
    if (another !== undefined) throw new AcemuxError('bad_request', `The parameter ${name} is given twice.`);
    if (value.length > PARAMETER_LENGTH_MAX || !PRINTABLE.test(value)) {
      throw new AcemuxError(
        'bad_request',
        `The parameter ${name} must be at most ${PARAMETER_LENGTH_MAX} printable ASCII characters.`,
      );
    }
    parameters[name] = value;
  }
  return parameters;
}
