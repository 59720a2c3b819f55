import type { FastifyInstance } from 'fastify';
import type { LoginSessions } from '../../access/login-sessions.ts';
import { presentedBy } from '../../access/presented.ts';
import { type Static, Type } from '../../base/schema.ts';
import { EVENT_TYPES, subjectOf } from '../../telemetry/events/event.ts';
import { matches, SEVERITIES } from '../../telemetry/events/event-filter.ts';
import { EVENT_SUBJECTS } from '../../telemetry/events/event-table.ts';
import type { AccessControl } from '../access-control.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { EventSchema, eventJsonOf } from '../event-json.ts';
import { EVENT_FILTER_PROPERTIES, eventFilterOf, eventIdOf } from '../event-query.ts';
import type { EventStreams } from '../event-streams.ts';

export type EventsDeps = Pick<HttpDeps, 'events' | 'storedEvents' | 'clock'> & {
  readonly eventStreams: EventStreams;
  readonly access: AccessControl;
  readonly logins: Pick<LoginSessions, 'find'>;
  /** How all is now, as JSON on one line. */
  readonly overview: () => string;
};

const DAY_MS = 24 * 3_600_000;
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

const ListQuery = Type.Object({
  ...EVENT_FILTER_PROPERTIES,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT })),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
  before: Type.Optional(Type.String({ description: 'The id of an event: only what came before it.' })),
});

const StreamQuery = Type.Object({
  ...EVENT_FILTER_PROPERTIES,
  last_event_id: Type.Optional(
    Type.String({ description: 'The id of the last event that was seen; for `Last-Event-ID`.' }),
  ),
  overview: Type.Optional(
    Type.Boolean({ description: 'Also what /overview says, every two seconds, as an event `overview`.' }),
  ),
});

const Counts = Type.Object({}, { additionalProperties: Type.Integer() });
const TimeOrNull = Type.OrNull(Type.String({ format: 'date-time' }));

const StatsSchema = Type.Object({
  total: Type.Integer({ description: 'Those that are held now.' }),
  by_type: Counts,
  oldest: TimeOrNull,
  newest: TimeOrNull,
  by_severity: Counts,
});

/** `/events`, `/events/stats` and `/events/stream`: what has happened, and what happens. */
export function registerEvents(
  scope: FastifyInstance,
  { access, clock, events, storedEvents, eventStreams, logins, overview }: EventsDeps,
): void {
  const config = { area: 'view' } as const;
  const tags = ['view'];

  scope.get<{ Querystring: Static<typeof ListQuery> }>(
    '/events',
    {
      config,
      schema: {
        tags,
        summary: 'What has happened, the newest first',
        description:
          'What memory does not hold any more comes from the history, as far as HISTORY_DAYS goes.',
        querystring: ListQuery,
        response: { 200: Type.Array(EventSchema), 400: ErrorBodySchema },
      },
    },
    async ({ query }): Promise<Static<typeof EventSchema>[]> => {
      const filter = eventFilterOf(query);
      const before = query.before === undefined ? undefined : eventIdOf('before', query.before);
      const { limit = LIMIT_DEFAULT, offset = 0 } = query;
      const held = events
        .newestFirst(before)
        .filter((event) => matches(event, filter))
        .toArray();
      const page = held.slice(offset, offset + limit);
      const oldestId = Math.min(before ?? Number.MAX_SAFE_INTEGER, events.oldestId);
      const rest = { skip: Math.max(0, offset - held.length), count: limit - page.length };
      // What is stored may not be there now; what is held is told all the same.
      const older = rest.count > 0 ? await storedEvents.before(oldestId, filter, rest).catch(() => []) : [];
      return [...page, ...older].map(eventJsonOf);
    },
  );

  scope.get(
    '/events/stats',
    { config, schema: { tags, summary: 'How many events are held', response: { 200: StatsSchema } } },
    async (): Promise<Static<typeof StatsSchema>> => {
      const all = events.newestFirst().toArray();
      const timeOf = (event: (typeof all)[number] | undefined): string | null =>
        event ? new Date(event.wallMs).toISOString() : null;
      const subjects = Map.groupBy(all, ({ type }) => subjectOf(type));
      const severities = Map.groupBy(all, ({ type }) => EVENT_TYPES[type].severity);
      const countOf = <Word>(groups: Map<Word, unknown[]>, words: readonly Word[]) =>
        Object.fromEntries(words.map((word) => [word, groups.get(word)?.length ?? 0]));
      return {
        total: all.length,
        by_type: countOf<string>(subjects, Object.keys(EVENT_SUBJECTS)),
        oldest: timeOf(all.at(-1)),
        newest: timeOf(all[0]),
        by_severity: countOf(severities, SEVERITIES),
      };
    },
  );

  scope.post<{ Querystring: { max_age_days?: number } }>(
    '/events/cleanup',
    {
      config: { area: 'operate' },
      schema: {
        tags: ['admin'],
        summary: 'Lets go of old events that are held in memory',
        description: 'What is kept on disk goes by HISTORY_DAYS.',
        querystring: Type.Object({
          max_age_days: Type.Optional(Type.Number({ minimum: 0, maximum: 36_500, default: 30 })),
        }),
        response: {
          200: Type.Object({ deleted: Type.Integer(), message: Type.String() }),
          400: ErrorBodySchema,
        },
      },
    },
    async ({ query: { max_age_days: days = 30 } }) => {
      const deleted = events.dropBefore(clock.wallMs() - days * DAY_MS);
      return { deleted, message: `Deleted ${deleted} events older than ${days} days` };
    },
  );

  scope.get<{ Querystring: Static<typeof StreamQuery>; Headers: { 'last-event-id'?: string } }>(
    '/events/stream',
    {
      config,
      // A HEAD has no end to wait for.
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'What happens, as it happens: server-sent events',
        description: 'Resumes behind the event that `Last-Event-ID` or `last_event_id` names.',
        querystring: StreamQuery,
        response: {
          200: { description: 'Events', content: { 'text/event-stream': { schema: Type.String() } } },
          400: ErrorBodySchema,
          503: ErrorBodySchema,
        },
      },
    },
    (request, reply) => {
      const { query, headers } = request;
      const filter = eventFilterOf(query);
      const last = headers['last-event-id'] ?? query.last_event_id;
      const lastId = last === undefined || last === '' ? undefined : eventIdOf('last_event_id', last);
      eventStreams.checkRoom();
      reply.hijack();
      const keyId = access.callerOf(request).key?.id;
      const presented = presentedBy({ method: request.method, url: request.url, headers });
      const wish = {
        keyId,
        lastId,
        overview: query.overview === true ? overview : undefined,
        // A key that is removed ends what was opened by it at once.
        isStillLetIn: () => presented.kind !== 'session' || logins.find(presented.text) !== undefined,
      };
      eventStreams.open(reply.raw, filter, wish);
    },
  );
}
