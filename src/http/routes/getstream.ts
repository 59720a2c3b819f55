import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AcemuxError, type ReasonCode, reasonOf } from '../../base/reasons.ts';
import { Type } from '../../base/schema.ts';
import { TS_RESPONSE_HEADERS } from '../../output/ts/response-headers.ts';
import { fileHeaders } from '../../output/vod/file-headers.ts';
import type { ViewerInfo } from '../../session/attachment.ts';
import type { AccessControl } from '../access-control.ts';
import type { Connections } from '../connections.ts';
import type { HttpDeps, Leavable } from '../deps.ts';
import { JSON_HEADERS } from '../engine-form.ts';
import { ErrorBodySchema, pathOf, refusalOf, witnessRefusal } from '../errors.ts';
import { asksForJson, EnvelopeSchema, formatOf, type OpenLeaseDeps, openLease } from '../open-lease.ts';
import { type PlayedFile, playFile } from '../play-file.ts';
import { registerPreflight } from '../preflight.ts';
import { allowsEarlyHeaders, PASSED_PARAMETERS, parseStreamRequest, queryOf } from '../stream-request.ts';
import { loggedViewer, viewerInfoOf } from '../viewer-info.ts';
import { parseWish } from '../viewer-wish.ts';

export type PlayDeps<Attached extends Leavable> = Pick<
  HttpDeps<Attached>,
  'tsOutput' | 'lifecycle' | 'metrics' | 'clock' | 'log'
> & {
  readonly connections: Connections;
  readonly access: AccessControl;
};

type GetstreamDeps<Attached extends Leavable> = Pick<HttpDeps<Attached>, 'sessions' | 'files'> &
  PlayDeps<Attached> &
  OpenLeaseDeps<Attached>;

/** Players know both spellings. */
export const GETSTREAM_PATHS = ['/ace/getstream', '/ace/getstream/'] as const;

const QuerySchema = Type.Object({
  id: Type.Optional(Type.String({ description: 'Content id, 40 hex digits; may be an acestream:// link.' })),
  content_id: Type.Optional(Type.String({ description: 'The same as id.' })),
  infohash: Type.Optional(Type.String({ description: 'Infohash, 40 hex digits.' })),
  format: Type.Optional(
    Type.String({
      description:
        'json: answer at once, as an engine does, with addresses for playing, asking (stat) and stopping. Nobody reading ' +
        'the playback URL for 60 seconds ends it.',
    }),
  ),
  start: Type.Optional(
    Type.String({
      description:
        'Where to begin: seconds before live, as -600, or an ISO 8601 time with its zone. What is not kept is clamped; the ' +
        'reply says in X-Acemux-Start where it begins.',
    }),
  ),
  end: Type.Optional(
    Type.String({
      description:
        'With start: where to end, in the same two forms; the reply is then an excerpt of what is kept.',
    }),
  ),
  buffer: Type.Optional(
    Type.String({
      description:
        'How many seconds behind live to begin, instead of PREBUFFER_SECONDS: a weak network wants more.',
    }),
  ),
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

/** `/ace/getstream`: one live stream as MPEG-TS, for as long as the player listens; or a recorded file, which has an end. */
export function registerGetstream<Attached extends Leavable>(
  scope: FastifyInstance,
  deps: GetstreamDeps<Attached>,
): void {
  const schema = {
    tags: ['play'],
    summary: 'Play a live stream as MPEG-TS, or a recorded file',
    description:
      'Exactly one of id, content_id and infohash. 200 only when there is something to play, or when the start of a ' +
      'live stream takes longer than EARLY_HEADERS_AFTER: then null packets come first. Recorded video is the file itself, with ' +
      'its length; Range asks for a part of it. A recording of several files answers with their list (M3U) unless _idx names one.',
    querystring: QuerySchema,
    response: {
      200: {
        description: 'MPEG-TS without an end; or a recorded file, of whichever type, or the list of several',
        headers: {
          'X-Acemux-Start': Type.String({
            description:
              'With start: when that was live where it begins, ISO 8601; with `; clamped` behind it where that is not ' +
              'what was asked for.',
          }),
          'Content-Disposition': Type.String({
            description: 'Of an excerpt, with start and end: a name to save it under.',
          }),
        },
        content: {
          'video/mp2t': { schema: Type.String({ format: 'binary' }) },
          'video/*': { schema: Type.String({ format: 'binary' }) },
          'audio/x-mpegurl': { schema: Type.String() },
          'application/json': { schema: EnvelopeSchema },
        },
      },
      206: {
        description: 'The part of a recorded file that Range asked for',
        content: { 'video/*': { schema: Type.String({ format: 'binary' }) } },
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
        const query = queryOf(request);
        const facts = deps.files.factsOf(parseStreamRequest(query));
        parseWish(query);
        if (asksForJson(query)) return reply.headers(JSON_HEADERS).send();
        return reply.headers(facts ? fileHeaders(facts) : TS_RESPONSE_HEADERS).send();
      },
    });
    scope.route({
      ...route,
      method: 'GET',
      config: { area: 'play', speaksEngine: (request) => formatOf(queryOf(request)).startsWith('json') },
      handler: async (request, reply) => {
        const query = queryOf(request);
        if (asksForJson(query)) return openLease(deps, request, reply, query);
        const selector = parseStreamRequest(query);
        const wish = parseWish(query);
        return play(deps, request, reply, {
          stream: selector.hash,
          join: (viewer, signal, onLive) =>
            deps.sessions.join(selector, { ...viewer, ...(wish && { wish }) }, signal, onLive),
          file: { selector, open: (question, signal) => deps.files.open(question, signal) },
        });
      },
    });
    registerPreflight(scope, url);
  }
}

/** What is played: a name for the log, and how a viewer gets in. */
export interface Played<Attached extends Leavable> {
  readonly stream: string;
  readonly join: (viewer: ViewerInfo, signal: AbortSignal, onLive: () => void) => Promise<Attached>;
  /** What is read if it turns out to be recorded video (`vod_not_yet`). */
  readonly file?: Pick<PlayedFile, 'selector' | 'open'>;
}

/** Lets a viewer in and hands the reply to the output. */
export async function play<Attached extends Leavable>(
  { access, clock, connections, lifecycle, log, metrics, tsOutput }: PlayDeps<Attached>,
  request: FastifyRequest,
  reply: FastifyReply,
  { stream, join, file }: Played<Attached>,
): Promise<void> {
  if (lifecycle.phase !== 'ready') throw new AcemuxError(lifecycle.phase);
  // A request that came in the same packet is parsed in this very turn: only then is it known to be there.
  await Promise.resolve();

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
  const viewer = viewerInfoOf(request, access.callerOf(request));
  const start = tsOutput.awaitStart(reply.raw, allowsEarlyHeaders(queryOf(request)), () => reply.hijack());
  try {
    try {
      attachment = await join(viewer, departure.signal, () => start.streamIsLive());
    } catch (error) {
      const isFile = reasonOf(error) === 'vod_not_yet' && !start.areSent && !departure.signal.aborted;
      if (!file || !isFile) throw error;
      start.stop();
      const passFor = (hash: string): string | undefined => access.passFor(request, hash);
      return await playFile(
        { ...file, passFor, viewer, signal: departure.signal, clock, log },
        request,
        reply,
      );
    }
  } catch (error) {
    if (departure.signal.aborted) {
      // There is nobody left to be answered.
      log.debug({ stream, ...loggedViewer(viewer) }, 'viewer left before the stream had started');
      reply.hijack();
      return;
    }
    if (!start.areSent) throw error;
    const { method, url } = request;
    const refused = { method, path: pathOf(url), address: viewer.address, request: request.id, isPlay: true };
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
    log.error({ stream, request: request.id, err: error }, 'the output could not take the viewer over');
  }
}
