import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { EVENT_TYPES, subjectOf } from '../../telemetry/events/event.ts';
import { matches, SEVERITIES } from '../../telemetry/events/event-filter.ts';
import { EVENT_SUBJECTS } from '../../telemetry/events/event-table.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { EventSchema, eventJsonOf } from '../event-json.ts';
import { EVENT_FILTER_PROPERTIES, eventFilterOf, eventIdOf } from '../event-query.ts';
import type { EventStreams } from '../event-streams.ts';

export type EventsDeps = Pick<HttpDeps, 'events'> & {
  readonly eventStreams: EventStreams;
  /** How all is now, as JSON on one line. */
  readonly overview: () => string;
};

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
const TimeOrNull = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);

const StatsSchema = Type.Object({
  total: Type.Integer({ description: 'Those that are held now.' }),
  by_type: Counts,
  oldest: TimeOrNull,
  newest: TimeOrNull,
  by_severity: Counts,
});

/** `/events`, `/events/stats` and `/events/stream`: what has happened, and what happens. */
export function registerEvents(scope: FastifyInstance, { events, eventStreams, overview }: EventsDeps): void {
  const config = { area: 'view' } as const;
  const tags = ['view'];

  scope.get<{ Querystring: Static<typeof ListQuery> }>(
    '/events',
    {
      config,
      schema: {
        tags,
        summary: 'What has happened, the newest first',
        querystring: ListQuery,
        response: { 200: Type.Array(EventSchema), 400: ErrorBodySchema },
      },
    },
    async ({ query }): Promise<Static<typeof EventSchema>[]> => {
      const filter = eventFilterOf(query);
      const before = query.before === undefined ? undefined : eventIdOf('before', query.before);
      const { limit = LIMIT_DEFAULT, offset = 0 } = query;
      return events
        .newestFirst(before)
        .filter((event) => matches(event, filter))
        .drop(offset)
        .take(limit)
        .map(eventJsonOf)
        .toArray();
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
      eventStreams.open(reply.raw, filter, lastId, query.overview === true ? overview : undefined);
    },
  );
}
