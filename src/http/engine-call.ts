import { AcemuxError } from '../base/reasons.ts';
import type { SearchRequest, StreamSelector } from '../engine/types.ts';
import { parseName } from './stream-request.ts';

/** The two shapes in which engines answer: `api_version=3`, and everything older (reference 2.8). */
export type EnvelopeForm = 'v3' | 'old';

/** The methods of an engine's API that acemux answers. */
export const SERVICE_METHODS = [
  'get_version',
  'get_status',
  'get_network_connection_status',
  'get_media_files',
] as const;
export type ServiceMethod = (typeof SERVICE_METHODS)[number];

export interface MediaFilesRequest {
  readonly name: Pick<StreamSelector, 'kind' | 'hash'>;
  /** Whether each file is told with its type and size. */
  readonly isFull: boolean;
}

const QUERY_LENGTH_MAX = 200;
const CATEGORY_LENGTH_MAX = 64;
const PAGE_MAX = 10_000;
/** Both are the vendor's (reference 2.9). */
const PAGE_SIZE_MAX = 200;
const PAGE_SIZE_DEFAULT = 10;

/** Which shape a reply to a query is to have. Total: refusals need it, too. */
export function envelopeFormOf(query: string): EnvelopeForm {
  return new URLSearchParams(query).get('api_version') === '3' ? 'v3' : 'old';
}

/** @throws AcemuxError bad_request, method_unknown */
export function parseMethod(query: string): ServiceMethod {
  const given = single(new URLSearchParams(query), 'method');
  const method = SERVICE_METHODS.find((each) => each === given);
  if (method === undefined) throw new AcemuxError('method_unknown');
  return method;
}

/** @throws AcemuxError id_missing, id_ambiguous, id_malformed, bad_request */
export function parseMediaFilesRequest(query: string): MediaFilesRequest {
  const mode = single(new URLSearchParams(query), 'mode') ?? 'brief';
  if (mode !== 'brief' && mode !== 'full') {
    throw new AcemuxError('bad_request', 'The parameter mode is brief or full.');
  }
  return { name: parseName(query), isFull: mode === 'full' };
}

/** @throws AcemuxError bad_request */
export function parseSearchRequest(query: string): SearchRequest {
  const given = new URLSearchParams(query);
  return {
    query: text(given, 'query', QUERY_LENGTH_MAX) ?? '',
    category: text(given, 'category', CATEGORY_LENGTH_MAX),
    page: count(given, 'page', 0, PAGE_MAX) ?? 0,
    pageSize: count(given, 'page_size', 1, PAGE_SIZE_MAX) ?? PAGE_SIZE_DEFAULT,
  };
}

/** A value that is not empty; undefined if it was not given. */
function single(given: URLSearchParams, name: string): string | undefined {
  const [value, another] = given.getAll(name).filter((each) => each !== '');
  if (another !== undefined) throw new AcemuxError('bad_request', `The parameter ${name} is given twice.`);
  return value;
}

function text(given: URLSearchParams, name: string, lengthMax: number): string | undefined {
  const value = single(given, name);
  if (value === undefined) return undefined;
  if (value.length > lengthMax || /\p{Cc}/u.test(value)) {
    throw new AcemuxError(
      'bad_request',
      `The parameter ${name} is at most ${lengthMax} characters, none of them a control character.`,
    );
  }
  return value;
}

function count(given: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const value = single(given, name);
  if (value === undefined) return undefined;
  const number = /^\d{1,6}$/.test(value) ? Number(value) : -1;
  if (number < min || number > max) {
    throw new AcemuxError('bad_request', `The parameter ${name} is a number from ${min} to ${max}.`);
  }
  return number;
}
