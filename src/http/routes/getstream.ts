import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import { TS_RESPONSE_HEADERS } from '../../output/ts/response-headers.ts';
import type { AccessControl } from '../access-control.ts';
import type { Connections } from '../connections.ts';
import type { HttpDeps, Leavable } from '../deps.ts';
import { ErrorBodySchema, pathOf, refusalOf, witnessRefusal } from '../errors.ts';
import { allowsEarlyHeaders, PASSED_PARAMETERS, parseStreamRequest } from '../stream-request.ts';

type GetstreamDeps<Attached extends Leavable> = Pick<
  HttpDeps<Attached>,
  'sessions' | 'tsOutput' | 'lifecycle' | 'metrics' | 'log'
> & { readonly connections: Connections; readonly access: AccessControl };

/** Players know both spellings. */
export const GETSTREAM_PATHS = ['/ace/getstream', '/ace/getstream/'] as const;

const PREFLIGHT_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
  // The star does not cover Authorization (Fetch standard).
  'Access-Control-Allow-Headers': 'Authorization, *',
  'Access-Control-Max-Age': '86400',
} as const;

const QuerySchema = Type.Object({
  id: Type.Optional(Type.String({ description: 'Content id, 40 hex digits; may be an acestream:// link.' })),
  content_id: Type.Optional(Type.String({ description: 'The same as id.' })),
  infohash: Type.Optional(Type.String({ description: 'Infohash, 40 hex digits.' })),
  early_headers: Type.Optional(
    Type.String({ description: '0: no 200 before there is media, so that every failure has its status.' }),
  ),
  ...Object.fromEntries(
    PASSED_PARAMETERS.map((name) => [
      name,
      Type.Optional(Type.String({ maxLength: 64, description: 'Passed on to the engine.' })),
    ]),
  ),
});

/** `/ace/getstream`: one stream as MPEG-TS, for as long as the player listens. */
export function registerGetstream<Attached extends Leavable>(
  scope: FastifyInstance,
  deps: GetstreamDeps<Attached>,
): void {
  const schema = {
    tags: ['play'],
    summary: 'Play a stream as MPEG-TS',
    description:
      'Exactly one of id, content_id and infohash. 200 only when there is something to play, or when the start of a ' +
      'live stream takes longer than EARLY_HEADERS_AFTER: then null packets come first.',
    querystring: QuerySchema,
    response: {
      200: {
        description: 'MPEG-TS without an end',
        content: { 'video/mp2t': { schema: Type.String({ format: 'binary' }) } },
      },
      '4xx': ErrorBodySchema,
      '5xx': ErrorBodySchema,
    },
  };
  for (const url of GETSTREAM_PATHS) {
    const route = {
      url,
      schema: { ...schema, hide: url !== GETSTREAM_PATHS[0] },
      // The query is read by parseStreamRequest, from the URL itself: fastify's would merge and coerce.
      validatorCompiler: () => () => true,
      exposeHeadRoute: false,
    };
    scope.route({
      ...route,
      method: 'HEAD',
      config: { area: 'play' },
      schema: { ...schema, hide: true },
      handler: async (request, reply) => {
        parseStreamRequest(queryOf(request));
        return reply.headers(TS_RESPONSE_HEADERS).send();
      },
    });
    scope.route({
      ...route,
      method: 'GET',
      config: { area: 'play' },
      handler: (request, reply) => play(deps, request, reply),
    });
    scope.route({
      url,
      method: 'OPTIONS',
      // Browsers send no key with it, and it tells nothing.
      config: { area: 'open' },
      schema: { hide: true },
      handler: async (_request, reply) => reply.code(204).headers(PREFLIGHT_HEADERS).send(),
    });
  }
}

async function play<Attached extends Leavable>(
  { access, connections, lifecycle, log, metrics, sessions, tsOutput }: GetstreamDeps<Attached>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const query = queryOf(request);
  const selector = parseStreamRequest(query);
  if (lifecycle.phase !== 'ready') throw new AcemuxError(lifecycle.phase);

  const departure = new AbortController();
  let attachment: Attached | undefined;
  const leave = (reason: ReasonCode): void => {
    departure.abort(new AcemuxError(reason));
    attachment?.leave(reason);
  };
  if (!connections.claimForPlaying(request.raw, leave)) {
    reply.hijack();
    return;
  }
  const onClose = (): void => departure.abort(new AcemuxError('client_left'));
  reply.raw.once('close', onClose);
  const viewer = { address: access.clientOf(request).address, userAgent: request.headers['user-agent'] };
  const start = tsOutput.awaitStart(reply.raw, allowsEarlyHeaders(query), () => reply.hijack());
  try {
    attachment = await sessions.join(selector, viewer, departure.signal, () => start.streamIsLive());
  } catch (error) {
    if (departure.signal.aborted) {
      // There is nobody left to be answered.
      log.debug({ stream: selector.hash, ...viewer }, 'viewer left before the stream had started');
      reply.hijack();
      return;
    }
    if (!start.areSent) throw error;
    const { method, url } = request;
    const refused = { method, path: pathOf(url), address: viewer.address, isPlay: true };
    witnessRefusal({ log, metrics }, error, refusalOf(error), refused);
    start.fail();
    return;
  } finally {
    start.stop();
    reply.raw.off('close', onClose);
  }
  reply.hijack();
  if (departure.signal.aborted) {
    const { reason } = departure.signal;
    attachment.leave(reason instanceof AcemuxError ? reason.code : 'client_left');
    return;
  }
  try {
    tsOutput.play(reply.raw, attachment);
  } catch (error) {
    attachment.leave('internal');
    if (start.areSent) start.fail();
    else reply.raw.destroy();
    log.error({ stream: selector.hash, err: error }, 'the output could not take the viewer over');
  }
}

/** The part of the URL behind the question mark. */
function queryOf({ url }: FastifyRequest): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start + 1);
}
