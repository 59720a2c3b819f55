import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import type { ViewerInfo } from '../session/attachment.ts';
import { queryOf } from './stream-request.ts';

const NAME_LENGTH_MAX = 64;

/** Who a request for playing comes from, as sessions, logs and the history know it: by what it calls itself, or its key. */
export function viewerInfoOf(request: FastifyRequest, caller: Caller): ViewerInfo {
  const name = viewerNameOf(queryOf(request)) ?? caller.key?.name;
  const { address } = caller;
  const userAgent = request.headers['user-agent'];
  return { address, userAgent, request: request.id, ...(name !== undefined && { name }), caller };
}

/** What of it belongs into a line of the log. */
export function loggedViewer({
  address,
  request,
  userAgent,
}: ViewerInfo): Pick<ViewerInfo, 'address' | 'userAgent' | 'request'> {
  return { address, userAgent, request };
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
