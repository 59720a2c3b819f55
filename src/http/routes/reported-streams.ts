import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from '../../base/schema.ts';
import type { EngineSnapshot } from '../../fleet/engine-record.ts';
import type { AccessControl } from '../access-control.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { publicUrlOf } from '../public-url.ts';
import { NO_NUMBERS, StreamStateSchema, streamWords } from '../stream-words.ts';
import { timeOf } from '../times.ts';

type StreamState = Static<typeof StreamStateSchema>;

type ReportedStreamsDeps = Pick<HttpDeps, 'clock' | 'events' | 'fleetControl' | 'streams'> & {
  readonly access: AccessControl;
  /** What was told so far, by id, in the order in which it was told. */
  readonly reported: Map<string, StreamState>;
};

/** So many are remembered; the oldest is forgotten first. */
const REPORTED_MAX = 500;
const TEXT_LENGTH_MAX = 2_000;

const Text = () => Type.String({ minLength: 1, maxLength: TEXT_LENGTH_MAX });
const MaybeText = () => Type.Optional(Type.OrNull(Type.String({ maxLength: TEXT_LENGTH_MAX })));

/** What acestream-orchestrator takes; what else a program sends beside it does not matter. */
const StartedSchema = Type.Object({
  container_id: MaybeText(),
  engine: Type.Object({ host: Text(), port: Type.Integer({ minimum: 1, maximum: 65_535 }) }),
  stream: Type.Object({
    key_type: Type.Union(['content_id', 'infohash', 'url', 'magnet'].map((word) => Type.Literal(word))),
    key: Text(),
  }),
  session: Type.Object({
    playback_session_id: Text(),
    stat_url: Type.String({ maxLength: TEXT_LENGTH_MAX, description: 'Not kept, and never asked.' }),
    command_url: Type.String({ maxLength: TEXT_LENGTH_MAX, description: 'Not kept, and never asked.' }),
    is_live: Type.Union([Type.Integer({ minimum: 0, maximum: 1 }), Type.Boolean()]),
  }),
  labels: Type.Optional(Type.OrNull(Type.Object({ stream_id: MaybeText() }))),
});

const EndedSchema = Type.Object({
  container_id: MaybeText(),
  stream_id: MaybeText(),
  reason: MaybeText(),
});

/**
 * `/events/stream_started` and `/events/stream_ended`: programs written for acestream-orchestrator play from engines themselves, and
 * say so. Nothing of acemux's own follows from it: no engine comes to be, no playback ends, and no posted address is ever asked.
 */
export function registerReportedStreams(
  scope: FastifyInstance,
  { access, clock, events, fleetControl, reported, streams }: ReportedStreamsDeps,
): void {
  const config = { area: 'operate' } as const;
  const tags = ['admin'];
  /** By what programs may know it by: acemux's own name for it, or its container's. */
  const engineOf = (name: string): EngineSnapshot | undefined =>
    fleetControl.engines().find(({ container, id }) => id === name || container?.id === name);
  const contextOf = (request: FastifyRequest, engine: string | null) => ({
    by: access.callerOf(request).key?.name,
    context: { request: request.id, engine: engine ?? undefined },
  });

  scope.post<{ Body: Static<typeof StartedSchema> }>(
    '/events/stream_started',
    {
      config,
      schema: {
        tags,
        summary: 'Another program plays a stream from an engine itself',
        description: 'It becomes an event, and nothing else: /streams has what acemux plays.',
        body: StartedSchema,
        response: { 200: StreamStateSchema, 400: ErrorBodySchema },
      },
    },
    async (request): Promise<StreamState> => {
      const { container_id: containerId, engine, labels, session, stream } = request.body;
      const isThere = ({ host, port }: EngineSnapshot): boolean =>
        host === engine.host && port === engine.port;
      const known = engineOf(containerId ?? '') ?? fleetControl.engines().find(isThere);
      const id = labels?.stream_id || `${stream.key}|${session.playback_session_id}`;
      const state = reportedState(
        { id, engineId: known?.id ?? null, stream, session },
        timeOf(clock.wallMs()),
      );
      reported.delete(id);
      reported.set(id, state);
      const [oldest] = reported.keys();
      if (reported.size > REPORTED_MAX && oldest !== undefined) reported.delete(oldest);
      const { by, context } = contextOf(request, state.container_id);
      const address = `${engine.host}:${engine.port}`;
      const details = { id, key_type: stream.key_type, name: stream.key, address, by };
      events.emit('stream.reported_started', { ...details, is_known_engine: known !== undefined }, context);
      return state;
    },
  );

  scope.post<{ Body: Static<typeof EndedSchema> }>(
    '/events/stream_ended',
    {
      config,
      schema: {
        tags,
        summary: 'A stream has ended that another program played itself',
        description:
          'Without `stream_id`: the newest of that `container_id`. What acemux plays goes on: `updated` is false then.',
        body: EndedSchema,
        response: {
          200: Type.Object({ updated: Type.Boolean(), stream: Type.OrNull(StreamStateSchema) }),
          400: ErrorBodySchema,
        },
      },
    },
    async (request) => {
      const { container_id: containerId, reason, stream_id: streamId } = request.body;
      const engineId = engineOf(containerId ?? '')?.id;
      const isMeant = ({ container_id: playedFrom, id }: StreamState): boolean =>
        streamId ? id === streamId : engineId !== undefined && playedFrom === engineId;
      const state = [...reported.values()].findLast((each) => each.status === 'started' && isMeant(each));
      if (!state) {
        const own = streamId ? streams.find(streamId) : undefined;
        const stream = own ? streamWords(own, publicUrlOf(request)) : (reported.get(streamId ?? '') ?? null);
        return { updated: false, stream };
      }
      const ended = { ...state, status: 'ended', state: 'ended', ended_at: timeOf(clock.wallMs()) };
      reported.set(state.id, ended);
      const { by, context } = contextOf(request, state.container_id);
      events.emit('stream.reported_ended', { id: state.id, reason: reason ?? undefined, by }, context);
      return { updated: true, stream: ended };
    },
  );
}

interface Report extends Pick<Static<typeof StartedSchema>, 'stream' | 'session'> {
  readonly id: string;
  /** The engine of acemux's own that it plays from; null: acemux does not know that one. */
  readonly engineId: string | null;
}

function reportedState({ engineId, id, session, stream }: Report, startedAt: string): StreamState {
  return {
    id,
    key_type: stream.key_type,
    key: stream.key,
    container_id: engineId,
    playback_session_id: session.playback_session_id,
    stat_url: '',
    command_url: '',
    is_live: session.is_live === true || session.is_live === 1,
    started_at: startedAt,
    ended_at: null,
    status: 'started',
    ...NO_NUMBERS,
    infohash: stream.key_type === 'infohash' ? stream.key : null,
    state: 'playing',
    client_count: 0,
    reason: null,
    media_bytes_per_second: null,
  };
}
