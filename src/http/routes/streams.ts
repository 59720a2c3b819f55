import type { FastifyInstance } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { StreamRecord } from '../../session/stream-book.ts';
import type { Consultations } from '../consultations.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { publicUrlOf } from '../public-url.ts';
import {
  LivePosReplySchema,
  livePosReply,
  StatSnapshotSchema,
  StreamStateSchema,
  sampleWords,
  streamWords,
} from '../stream-words.ts';

type StreamsDeps = Pick<HttpDeps, 'streams'> & { readonly consultations: Consultations };

/** So many streams are ended by one request. */
const BATCH_MAX = 1_000;
/** Longer names are no names of streams. */
const NAME_LENGTH_MAX = 2_000;

const StreamParams = Type.Object({
  id: Type.String({ description: 'The stream’s id in /streams, or its content id or infohash.' }),
});
const UNKNOWN = { 404: ErrorBodySchema };

const MetadataSchema = Type.Object({
  content_type: Type.String({
    description: 'The kind of transport file; empty if the engine does not tell.',
  }),
  title: Type.String(),
  is_live: Type.Boolean(),
  mime: Type.String(),
  categories: Type.Array(Type.String()),
  infohash: Type.String(),
  files: Type.Array(Type.Object({ index: Type.Integer(), name: Type.String() })),
});

const StopResultSchema = Type.Object({
  command_url: Type.String(),
  success: Type.Boolean(),
  message: Type.String(),
  stream_id: Type.OrNull(Type.String()),
});

/** `/streams`: what plays and what has ended lately, in the words of acestream-orchestrator; and ending it. */
export function registerStreams(scope: FastifyInstance, { streams, consultations }: StreamsDeps): void {
  const view = { area: 'view' } as const;
  const operate = { area: 'operate' } as const;

  const found = (name: string): StreamRecord => {
    const record = streams.find(isHash(name) ? name.toLowerCase() : name);
    if (!record) throw new AcemuxError('stream_unknown');
    return record;
  };

  const stop = (record: StreamRecord): void => {
    const { isActive, sessionId } = record.session;
    if (!isActive || !streams.end(sessionId)) throw new AcemuxError('stream_not_active');
  };

  scope.get<{ Querystring: { status?: string; container_id?: string } }>(
    '/streams',
    {
      config: view,
      schema: {
        tags: ['view'],
        summary: 'Streams that play, and those that have ended within the last ten minutes',
        querystring: Type.Object({
          status: Type.Optional(
            Type.Union([Type.Literal('started'), Type.Literal('ended')], { description: 'Only these.' }),
          ),
          container_id: Type.Optional(Type.String({ description: 'Only those of this engine.' })),
        }),
        response: { 200: Type.Array(StreamStateSchema) },
      },
    },
    async (request): Promise<Static<typeof StreamStateSchema>[]> => {
      const { status, container_id: engineId } = request.query;
      const base = publicUrlOf(request);
      return streams
        .list()
        .map((record) => streamWords(record, base))
        .filter((stream) => status === undefined || stream.status === status)
        .filter((stream) => engineId === undefined || stream.container_id === engineId);
    },
  );

  scope.get<{ Params: { id: string }; Querystring: { since?: string } }>(
    '/streams/:id/stats',
    {
      config: view,
      schema: {
        tags: ['view'],
        summary: 'What the engine said of a stream, every two seconds, oldest first',
        params: StreamParams,
        querystring: Type.Object({
          since: Type.Optional(
            Type.String({ description: 'ISO 8601, with its zone: only what is younger.' }),
          ),
        }),
        response: { 200: Type.Array(StatSnapshotSchema), ...UNKNOWN },
      },
    },
    async ({ params, query }): Promise<Static<typeof StatSnapshotSchema>[]> => {
      const sinceMs = query.since === undefined ? Number.NEGATIVE_INFINITY : timeIn(query.since);
      return found(params.id)
        .samples.filter(({ atMs }) => atMs > sinceMs)
        .map(sampleWords);
    },
  );

  scope.get<{ Params: { id: string } }>(
    '/streams/:id/livepos',
    {
      config: view,
      schema: {
        tags: ['view'],
        summary: 'Where a live stream is, as its engine says',
        params: StreamParams,
        response: { 200: LivePosReplySchema, ...UNKNOWN },
      },
    },
    async ({ params: { id } }) => livePosReply(found(id).session),
  );

  scope.get<{ Params: { id: string } }>(
    '/streams/:id/extended-stats',
    {
      config: view,
      schema: {
        tags: ['view'],
        summary: 'What an engine knows of a stream’s content',
        params: StreamParams,
        response: { 200: MetadataSchema, ...UNKNOWN, '5xx': ErrorBodySchema },
      },
    },
    async (request): Promise<Static<typeof MetadataSchema>> => {
      const { infohash, isLive, keyType, streamId } = found(request.params.id).session;
      const name =
        infohash === undefined
          ? { kind: keyType === 'infohash' ? ('infohash' as const) : ('id' as const), hash: streamId }
          : { kind: 'infohash' as const, hash: infohash };
      const content = await consultations.ask(request, (engine, signal) => engine.mediaFiles(name, signal));
      return {
        content_type: content.transportType ?? '',
        title: content.name ?? content.files[0]?.name ?? '',
        is_live: content.isLive ?? isLive,
        mime: content.files[0]?.mime ?? '',
        categories: [],
        infohash: content.infohash,
        files: content.files.map(({ index, name: fileName }) => ({ index, name: fileName })),
      };
    },
  );

  scope.delete<{ Params: { id: string } }>(
    '/streams/:id',
    {
      config: operate,
      schema: {
        tags: ['admin'],
        summary: 'Ends a stream: its viewers are disconnected, its engine is free',
        params: StreamParams,
        response: {
          200: Type.Object({ message: Type.String(), stream_id: Type.String() }),
          400: ErrorBodySchema,
          ...UNKNOWN,
        },
      },
    },
    async ({ params: { id } }) => {
      const record = found(id);
      stop(record);
      return { message: 'Stream stopped successfully', stream_id: record.session.sessionId };
    },
  );

  scope.post<{ Body: string[] }>(
    '/streams/batch-stop',
    {
      config: operate,
      schema: {
        tags: ['admin'],
        summary: 'Ends several streams',
        body: Type.Array(Type.String({ maxLength: NAME_LENGTH_MAX }), {
          maxItems: BATCH_MAX,
          description: 'Command URLs of /streams, or ids.',
        }),
        response: {
          200: Type.Object({
            total: Type.Integer(),
            success_count: Type.Integer(),
            failure_count: Type.Integer(),
            results: Type.Array(StopResultSchema),
          }),
          400: ErrorBodySchema,
        },
      },
    },
    async ({ body }) => {
      const results = body.map((name): Static<typeof StopResultSchema> => {
        try {
          const record = found(nameIn(name));
          stop(record);
          const stream = record.session.sessionId;
          return { command_url: name, success: true, message: 'Stream stopped', stream_id: stream };
        } catch (error) {
          if (!(error instanceof AcemuxError)) throw error;
          return { command_url: name, success: false, message: error.message, stream_id: null };
        }
      });
      const successes = results.filter(({ success }) => success).length;
      return {
        total: results.length,
        success_count: successes,
        failure_count: results.length - successes,
        results,
      };
    },
  );
}

function isHash(name: string): boolean {
  return /^[0-9a-f]{40}$/i.test(name);
}

/** The stream that a command URL names, whatever host and path it came by; or the id itself. */
function nameIn(given: string): string {
  const last = given.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function timeIn(text: string): number {
  // Without its zone, a time means another one wherever it is read.
  const ms = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new AcemuxError('bad_request', 'since is a time with its zone: 2026-01-31T20:15:00Z.');
  return ms;
}
