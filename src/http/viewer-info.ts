import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import type { ViewerInfo } from '../session/attachment.ts';
import { queryOf } from './stream-request.ts';

const NAME_LENGTH_MAX = 64;

/** Who a request for playing comes from, as sessions, logs and the history know it: by what it calls itself, or its key. */
export function viewerInfoOf(
  request: FastifyRequest,
  { address, key }: Pick<Caller, 'address' | 'key'>,
): ViewerInfo {
  const name = viewerNameOf(queryOf(request)) ?? key?.name;
  return { address, userAgent: request.headers['user-agent'], ...(name !== undefined && { name }) };
}

/**
 * What a viewer calls itself (`?client=living-room`), as far as that may stand in a log: letters, digits and
 * punctuation of any language, 64 characters. Undefined: nothing.
 */
export function viewerNameOf(query: string): string | undefined {
  const given = new URLSearchParams(query).get('client') ?? '';
  const name = given
    .slice(0, 4 * NAME_LENGTH_MAX)
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '')
    .trim()
    .slice(0, NAME_LENGTH_MAX);
  return name === '' ? undefined : name;
}
