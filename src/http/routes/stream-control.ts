import type { FastifyInstance } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { StreamChanges } from '../../session/session-detail.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { StreamSettingsSchema, streamSettingsWords } from '../session-detail-words.ts';

type StreamControlDeps = Pick<HttpDeps, 'streams' | 'sessionControl' | 'fleetControl'>;

const MIB = 1024 * 1024;
const WEEK_SECONDS = 7 * 24 * 3600;

const Params = Type.Object({
  id: Type.String({ description: 'The stream’s id in /streams, or its content id or infohash.' }),
});

const ChangesSchema = Type.Object(
  {
    buffer_seconds: Type.Optional(
      Type.Number({ minimum: 2, maximum: 600, description: 'STREAM_BUFFER_SECONDS of this stream.' }),
    ),
    buffer_size_bytes: Type.Optional(
      Type.Integer({
        minimum: 2 * MIB,
        maximum: 4096 * MIB,
        description: 'STREAM_BUFFER_SIZE of this stream.',
      }),
    ),
    prebuffer_seconds: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 600,
        description: 'PREBUFFER_SECONDS of this stream, for viewers that come from now on.',
      }),
    ),
    standby: Type.Optional(
      Type.Union([Type.Literal('off'), Type.Literal('warm'), Type.Literal('hot')], {
        description: 'STANDBY of this stream.',
      }),
    ),
    timeshift_seconds: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: WEEK_SECONDS,
        description:
          'TIMESHIFT_SECONDS of this stream; 0: what is on disk of it is removed. Who watches already, and playlists that ' +
          'are listed already, do not get what begins to be kept now.',
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);

/** What an operator may do with one stream while it plays: move it, and change what holds for it. */
export function registerStreamControl(
  scope: FastifyInstance,
  { streams, sessionControl, fleetControl }: StreamControlDeps,
): void {
  const config = { area: 'operate' } as const;

  const sessionOf = (name: string): string => {
    const record = streams.find(/^[0-9a-f]{40}$/i.test(name) ? name.toLowerCase() : name);
    if (!record) throw new AcemuxError('stream_unknown');
    if (!record.session.isActive) throw new AcemuxError('stream_not_active');
    return record.session.sessionId;
  };

  const engineOf = (name: string): string => {
    const engine = fleetControl.engines().find(({ id, container }) => id === name || container?.id === name);
    if (!engine) throw new AcemuxError('engine_unknown');
    return engine.id;
  };

  scope.post<{ Params: { id: string }; Body: { container_id?: string } | null | undefined }>(
    '/streams/:id/move',
    {
      config,
      schema: {
        tags: ['admin'],
        summary: 'Moves a stream to another engine; viewers stay',
        description:
          'The engine in use plays until another one delivers, and is kept where none does. Events tell how it went: ' +
          'stream.spliced, or stream.source_recovered.',
        params: Params,
        body: Type.Union([
          Type.Object(
            {
              container_id: Type.Optional(
                Type.String({ maxLength: 200, description: 'The engine to go to; any if left out.' }),
              ),
            },
            { additionalProperties: false },
          ),
          Type.Null(),
        ]),
        response: {
          200: Type.Object({ message: Type.String(), stream_id: Type.String() }),
          400: ErrorBodySchema,
          404: ErrorBodySchema,
          409: ErrorBodySchema,
        },
      },
    },
    async (request) => {
      const sessionId = sessionOf(request.params.id);
      const engine = request.body?.container_id;
      sessionControl.move(sessionId, engine === undefined ? undefined : engineOf(engine));
      return { message: 'Stream is being moved', stream_id: sessionId };
    },
  );

  scope.patch<{ Params: { id: string }; Body: Static<typeof ChangesSchema> }>(
    '/streams/:id',
    {
      config,
      schema: {
        tags: ['admin'],
        summary: 'Changes what holds for a stream, until its session ends',
        params: Params,
        body: ChangesSchema,
        response: {
          200: Type.Object({ stream_id: Type.String(), settings: StreamSettingsSchema }),
          400: ErrorBodySchema,
          404: ErrorBodySchema,
        },
      },
    },
    async ({ params, body }) => {
      const sessionId = sessionOf(params.id);
      const settings = sessionControl.change(sessionId, changesOf(body));
      return { stream_id: sessionId, settings: streamSettingsWords(settings) };
    },
  );
}

function changesOf(body: Static<typeof ChangesSchema>): StreamChanges {
  const { buffer_seconds, buffer_size_bytes, prebuffer_seconds, standby, timeshift_seconds } = body;
  return {
    ...(buffer_seconds !== undefined && { bufferMs: buffer_seconds * 1000 }),
    ...(buffer_size_bytes !== undefined && { bufferBytes: buffer_size_bytes }),
    ...(prebuffer_seconds !== undefined && { prebufferMs: prebuffer_seconds * 1000 }),
    ...(standby !== undefined && { standby }),
    ...(timeshift_seconds !== undefined && { timeshiftMs: timeshift_seconds * 1000 }),
  };
}
