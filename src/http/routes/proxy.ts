import type { FastifyInstance } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { SessionSnapshot } from '../../session/types.ts';
import { subjectOf } from '../../telemetry/events/event.ts';
import type { AccessControl } from '../access-control.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { EventSchema, eventJsonOf } from '../event-json.ts';
import { SESSION_DETAIL_PROPERTIES, sessionDetailWords } from '../session-detail-words.ts';
import { timeOf } from '../times.ts';

type ProxyDeps = Pick<HttpDeps, 'sessions' | 'lifecycle' | 'sessionControl' | 'events'> & {
  readonly access: AccessControl;
};

/** So many of the newest events of a stream are its timeline. */
const TIMELINE_MAX = 100;
const TIMELINE_SUBJECTS: ReadonlySet<string> = new Set(['stream', 'timeshift']);

const Time = Type.String({ format: 'date-time', description: 'ISO 8601, UTC' });

/**
 * The keys and their order down to `idle_seconds` are those of acestream-orchestrator, whose users' programs read them;
 * what acemux adds comes after.
 */
const SessionSchema = Type.Object({
  stream_id: Type.String({ description: 'The 40 digits that the session was first asked for.' }),
  ace_id: Type.String({ description: 'The same as stream_id.' }),
  engine_host: Type.OrNull(Type.String({ description: 'Null while no engine has been chosen.' })),
  engine_port: Type.OrNull(Type.Integer()),
  container_id: Type.OrNull(Type.String({ description: 'The engine: opaque.' })),
  playback_session_id: Type.OrNull(Type.String()),
  is_live: Type.Boolean(),
  is_active: Type.Boolean({ description: 'Whether it can be joined.' }),
  client_count: Type.Integer(),
  created_at: Time,
  started_at: Type.OrNull(Time),
  ended_at: Type.OrNull(Time),
  error: Type.OrNull(Type.String({ description: 'A reason code of docs/reasons.md.' })),
  idle_seconds: Type.Number({ description: 'Since a client was last added or last given bytes.' }),
  key_type: Type.String({ description: 'What stream_id is: content_id or infohash.' }),
  infohash: Type.OrNull(Type.String({ description: 'What the engine calls the broadcast.' })),
  state: Type.String({ description: 'starting, playing, lingering or ended.' }),
  bytes_in: Type.Integer({ description: 'Received from engines.' }),
  bytes_out: Type.Integer({ description: 'Handed to viewers.' }),
  warnings: Type.Array(Type.String()),
  paused_count: Type.Integer({ description: 'Viewers beside client_count that have paused (time-shift).' }),
});

const DetailedSessionSchema = Type.Object({
  ...SessionSchema.properties,
  timeline: Type.Array(EventSchema, {
    description: 'What has happened to the stream, oldest first: the newest 100 of its events.',
  }),
  ...SESSION_DETAIL_PROPERTIES,
});

const SessionsSchema = Type.Object({ sessions: Type.Array(SessionSchema) });

const StatusSchema = Type.Object({
  running: Type.Boolean(),
  total_sessions: Type.Integer(),
  active_sessions: Type.Integer(),
  total_clients: Type.Integer(),
  sessions: Type.Array(SessionSchema),
});

/** `/proxy/status`, `/proxy/sessions` and `/proxy/sessions/{id}`: who is watching what. */
export function registerProxy(
  scope: FastifyInstance,
  { access, sessions, lifecycle, sessionControl, events }: ProxyDeps,
): void {
  const config = { area: 'view' } as const;
  const timelineOf = ({ streamId, createdAtMs }: SessionSnapshot): Static<typeof EventSchema>[] =>
    events
      .newestFirst()
      .filter((event) => event.session === streamId && event.wallMs >= createdAtMs)
      .filter(({ type }) => TIMELINE_SUBJECTS.has(subjectOf(type)))
      .take(TIMELINE_MAX)
      .map(eventJsonOf)
      .toArray()
      .toReversed();

  scope.get(
    '/proxy/status',
    {
      config: { area: 'overview' },
      schema: {
        tags: ['view'],
        summary: 'Sessions and their number',
        description: 'To the key of a viewer the numbers only: `sessions` is empty.',
        response: { 200: StatusSchema },
      },
    },
    async (request): Promise<Static<typeof StatusSchema>> => {
      const all = sessions.list();
      return {
        running: lifecycle.phase !== 'starting',
        total_sessions: all.length,
        active_sessions: all.filter(({ isActive }) => isActive).length,
        total_clients: all.reduce((sum, { clientCount }) => sum + clientCount, 0),
        sessions: access.may(request, 'view') ? all.map(sessionInfoOf) : [],
      };
    },
  );

  scope.get(
    '/proxy/sessions',
    {
      config,
      schema: { tags: ['view'], summary: 'All sessions', response: { 200: SessionsSchema } },
    },
    async (): Promise<Static<typeof SessionsSchema>> => ({ sessions: sessions.list().map(sessionInfoOf) }),
  );

  scope.get<{ Params: { id: string } }>(
    '/proxy/sessions/:id',
    {
      config,
      schema: {
        tags: ['view'],
        summary: 'One session, by any of its ids: everything that is known of it',
        description: 'From `session_id` on for live streams only.',
        params: Type.Object({
          id: Type.String({ description: 'The content id or the infohash, 40 hex digits.' }),
        }),
        response: { 200: DetailedSessionSchema, 404: ErrorBodySchema },
      },
    },
    async ({ params: { id } }): Promise<Static<typeof DetailedSessionSchema>> => {
      const session = sessions.find(id.toLowerCase());
      if (!session) throw new AcemuxError('session_unknown', `Session ${id} not found`);
      const detail = sessionControl.detail(session.sessionId);
      return {
        ...sessionInfoOf(session),
        timeline: timelineOf(session),
        ...(detail && sessionDetailWords(detail)),
      };
    },
  );
}

/** A session as programs read it. */
export function sessionInfoOf(session: SessionSnapshot): Static<typeof SessionSchema> {
  return {
    stream_id: session.streamId,
    ace_id: session.streamId,
    engine_host: session.engine?.host ?? null,
    engine_port: session.engine?.port ?? null,
    container_id: session.engine?.id ?? null,
    playback_session_id: session.playbackSessionId ?? null,
    is_live: session.isLive,
    is_active: session.isActive,
    client_count: session.clientCount,
    created_at: timeOf(session.createdAtMs),
    started_at: session.startedAtMs === undefined ? null : timeOf(session.startedAtMs),
    ended_at: session.endedAtMs === undefined ? null : timeOf(session.endedAtMs),
    error: session.error ?? null,
    idle_seconds: Math.round(session.idleSeconds * 1000) / 1000,
    key_type: session.keyType,
    infohash: session.infohash ?? null,
    state: session.state,
    bytes_in: session.bytesIn,
    bytes_out: session.bytesOut,
    warnings: [...session.warnings],
    paused_count: session.pausedCount,
  };
}
