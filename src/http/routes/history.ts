import type { FastifyInstance } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { KeptMedia } from '../../history/evidence-ring.ts';
import { momentOf } from '../../history/local-time.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import {
  HistoryEventSchema,
  historyEventJson,
  MomentSchema,
  momentJson,
  PastStreamSchema,
  PastViewerSchema,
  pastStreamJson,
  pastViewerJson,
  StreamMinuteSchema,
  streamMinuteJson,
  ViewerMinuteSchema,
  viewerMinuteJson,
} from '../history-json.ts';
import { timeOf } from '../times.ts';

export type HistoryRouteDeps = Pick<HttpDeps, 'history' | 'evidence' | 'clock'>;

const HOUR_MS = 3_600_000;
const HOURS_MAX = 24 * 31;
const STREAMS_MAX = 1_000;
const NAME = Type.String({
  pattern: '^[0-9a-fA-F]{1,40}$',
  description: '40 hex digits, or the first of them.',
});
const Moment = Type.String({
  maxLength: 64,
  description:
    '`21:04`, the last one that there was, or `2026-01-31 21:04`, in the zone of TZ; or ISO 8601 with a zone.',
});

const Question = Type.Object({
  at: Moment,
  client: Type.Optional(
    Type.String({ maxLength: 200, description: 'A viewer’s name (`?client=`), address or id.' }),
  ),
  stream: Type.Optional(NAME),
});
const Range = Type.Object({
  from: Type.Optional(Moment),
  to: Type.Optional(Moment),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: STREAMS_MAX, default: 100 })),
});
const Hours = Type.Object({
  hours: Type.Optional(Type.Integer({ minimum: 1, maximum: HOURS_MAX, default: 24 })),
});
const StreamParams = Type.Object({ id: Type.String({ pattern: '^[0-9a-fA-F]{16,40}$' }) });

const StreamsSchema = Type.Object({ streams: Type.Array(PastStreamSchema) });
const StreamPageSchema = Type.Object({
  stream: PastStreamSchema,
  minutes: Type.Array(StreamMinuteSchema),
  clients: Type.Array(PastViewerSchema),
  client_minutes: Type.Array(ViewerMinuteSchema),
  events: Type.Array(HistoryEventSchema),
});
const TimelineSchema = Type.Object({
  step_seconds: Type.Integer({ description: 'What one point stands for.' }),
  points: Type.Array(
    Type.Object({
      at: Type.String({ format: 'date-time' }),
      clients: Type.Integer({ description: 'The most at once.' }),
      streams: Type.Integer(),
      egress_bytes_per_second: Type.Number(),
      engines: Type.Integer(),
      healthy_engines: Type.Integer({ description: 'The fewest.' }),
    }),
  ),
});

const KeptMediaSchema = Type.Object(
  {
    position: Type.Integer({
      description: 'Where it begins, in bytes since the session, or that source, began.',
    }),
    packet_headers: Type.String({
      description: 'Base64: the four header bytes of each packet of the last two seconds.',
    }),
    units: Type.Array(Type.Unknown(), {
      description: 'PES packets: role, key of their bytes, times, position.',
    }),
  },
  {
    description:
      'What viewers were given last; of a splice, before it, and `joined` is what the other source had brought by then. `unused`: what an engine whose attempt failed had sent.',
  },
);

const EvidenceSchema = Type.Object({
  cases: Type.Array(
    Type.Object({
      event_id: Type.Integer({ description: 'The event that it is about: `/events`.' }),
      type: Type.String(),
      at: Type.String({ format: 'date-time' }),
      stream_id: Type.String(),
      engine: Type.OrNull(Type.String()),
      client_id: Type.OrNull(Type.String()),
      decision: Type.Object({}, { additionalProperties: true, description: 'As the event tells it.' }),
      stat: Type.Unknown({ description: 'What the engine said last.' }),
      attempts: Type.Array(Type.Unknown(), { description: 'On engines so far, oldest first.' }),
      media: KeptMediaSchema,
      joined: Type.OrNull(KeptMediaSchema),
      unused: Type.OrNull(KeptMediaSchema),
    }),
  ),
});

function keptMediaJson({ headers, position, units }: KeptMedia): Static<typeof KeptMediaSchema> {
  return { position, packet_headers: headers.toString('base64'), units: [...units] };
}

/** `/history…`: why it froze at 21:04, what was played, and how much of it. */
export function registerHistory(
  scope: FastifyInstance,
  { history, evidence, clock }: HistoryRouteDeps,
): void {
  const config = { area: 'view' } as const;
  const tags = ['view'];
  const refusals = { 400: ErrorBodySchema, 404: ErrorBodySchema, 503: ErrorBodySchema };

  scope.get<{ Querystring: Static<typeof Question> }>(
    '/history',
    {
      config,
      schema: {
        tags,
        summary: 'Why it froze at a time, for a viewer or a stream: one verdict with its evidence',
        querystring: Question,
        response: { 200: MomentSchema, ...refusals },
      },
    },
    async ({ query }): Promise<Static<typeof MomentSchema>> => {
      const atMs = momentOf(query.at, clock.wallMs());
      const { client } = query;
      return momentJson(await history.moment({ atMs, client, stream: query.stream?.toLowerCase() }));
    },
  );

  scope.get<{ Querystring: Static<typeof Hours> }>(
    '/history/timeline',
    {
      config,
      schema: {
        tags,
        summary: 'Viewers, egress and engines over the last hours',
        description:
          'A point for each minute or, of more than six hours, for each five. While acemux did not run there is none.',
        querystring: Hours,
        response: { 200: TimelineSchema, ...refusals },
      },
    },
    async ({ query }): Promise<Static<typeof TimelineSchema>> => {
      const { stepSeconds, points } = await history.timeline(query.hours ?? 24, clock.wallMs());
      return {
        step_seconds: stepSeconds,
        points: points.map((point) => ({
          at: timeOf(point.atMs),
          clients: point.clients,
          streams: point.streams,
          egress_bytes_per_second: Math.round(point.egressBytesPerSecond),
          engines: point.engines,
          healthy_engines: point.healthyEngines,
        })),
      };
    },
  );

  scope.get<{ Querystring: Static<typeof Range> }>(
    '/history/streams',
    {
      config,
      schema: {
        tags,
        summary: 'What was played, the newest first',
        querystring: Range,
        response: { 200: StreamsSchema, ...refusals },
      },
    },
    async ({ query }): Promise<Static<typeof StreamsSchema>> => {
      const nowMs = clock.wallMs();
      const toMs = query.to === undefined ? nowMs : momentOf(query.to, nowMs);
      const fromMs = query.from === undefined ? toMs - 24 * HOUR_MS : momentOf(query.from, nowMs);
      const streams = await history.streams(fromMs, toMs, query.limit ?? 100);
      return { streams: streams.map(pastStreamJson) };
    },
  );

  scope.get(
    '/history/evidence',
    {
      config,
      schema: {
        tags,
        summary: 'What is kept of the latest splices, skips and failed starts, for an issue',
        description:
          'The newest 50 at most, since acemux was started. No content: headers and fingerprints only.',
        response: { 200: EvidenceSchema },
      },
    },
    async (): Promise<Static<typeof EvidenceSchema>> => ({
      cases: evidence.list().map((each) => ({
        event_id: each.eventId,
        type: each.type,
        at: timeOf(each.atMs),
        stream_id: each.stream,
        engine: each.engine ?? null,
        client_id: each.client ?? null,
        decision: { ...each.decision },
        stat: each.stat ?? null,
        attempts: [...each.attempts],
        media: keptMediaJson(each.media),
        joined: each.joined ? keptMediaJson(each.joined) : null,
        unused: each.unused ? keptMediaJson(each.unused) : null,
      })),
    }),
  );

  scope.get<{ Params: Static<typeof StreamParams> }>(
    '/history/streams/:id',
    {
      config,
      schema: {
        tags,
        summary: 'All that is known of one stream that was played',
        params: StreamParams,
        response: { 200: StreamPageSchema, ...refusals },
      },
    },
    async ({ params }): Promise<Static<typeof StreamPageSchema>> => {
      const page = await history.stream(params.id.toLowerCase());
      if (!page)
        throw new AcemuxError('stream_unknown', 'The history has no stream of this name or session.');
      return {
        stream: pastStreamJson(page.stream),
        minutes: page.minutes.map(streamMinuteJson),
        clients: page.viewers.map(pastViewerJson),
        client_minutes: page.viewerMinutes.map(viewerMinuteJson),
        events: page.events.map(historyEventJson),
      };
    },
  );
}
