import { AcemuxError } from '../base/reasons.ts';
import { type Static, Type } from '../base/schema.ts';
import { type EventType, isEventType } from '../telemetry/events/event.ts';
import type { EventFilter } from '../telemetry/events/event-filter.ts';
import type { EventSeverity } from '../telemetry/events/event-table.ts';

const Word = (description: string) => Type.Optional(Type.String({ maxLength: 200, description }));

/** What a list or a stream of events can be narrowed by. */
export const EVENT_FILTER_PROPERTIES = {
  type: Word('One of the types of docs/events.md, or several with commas: `stream.started`.'),
  event_type: Word('The first half of the type: `stream`.'),
  category: Word('The second half of the type: `started`.'),
  severity: Type.Optional(
    Type.Union([Type.Literal('info'), Type.Literal('warning'), Type.Literal('error')], {
      description: 'As bad as this at least.',
    }),
  ),
  engine: Word('The id of an engine.'),
  container_id: Word('The same as `engine`.'),
  session: Word('The 40 digits that the stream was first asked for.'),
  stream_id: Word('The same as `session`.'),
  client: Word('The id of a viewer.'),
  since: Word('ISO 8601; without a zone it is UTC.'),
  until: Word('ISO 8601; without a zone it is UTC.'),
};

const EventFilterQuery = Type.Object(EVENT_FILTER_PROPERTIES);

/** @throws AcemuxError bad_request */
export function eventFilterOf(query: Static<typeof EventFilterQuery>): EventFilter {
  const engine = query.engine ?? query.container_id;
  const session = query.session ?? query.stream_id;
  return {
    ...(query.type !== undefined && { types: typesOf(query.type) }),
    ...(query.event_type !== undefined && { subject: query.event_type }),
    ...(query.category !== undefined && { happening: query.category }),
    ...(query.severity !== undefined && { severity: query.severity satisfies EventSeverity }),
    ...(engine !== undefined && { engine }),
    ...(session !== undefined && { session: session.toLowerCase() }),
    ...(query.client !== undefined && { client: query.client }),
    ...(query.since !== undefined && { sinceMs: timeOf('since', query.since) }),
    ...(query.until !== undefined && { untilMs: timeOf('until', query.until) }),
  };
}

/**
 * The id of an event that a request names.
 * @throws AcemuxError bad_request
 */
export function eventIdOf(name: string, text: string): number {
  const id = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(id)) return id;
  throw new AcemuxError('bad_request', `${name} is the id of an event, a number.`);
}

function typesOf(text: string): ReadonlySet<EventType> {
  const types = text.split(',').map((word) => {
    if (isEventType(word)) return word;
    throw new AcemuxError(
      'bad_request',
      `type: there are no events "${word}"; docs/events.md has the types.`,
    );
  });
  return new Set(types);
}

function timeOf(name: string, text: string): number {
  // A plus that is not encoded arrives as a space.
  const written = text.replace(' ', '+');
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(written) || !written.includes('T');
  const wallMs = Date.parse(hasZone ? written : `${written}Z`);
  if (/^\d{4}-\d\d/.test(written) && Number.isFinite(wallMs)) return wallMs;
  throw new AcemuxError('bad_request', `${name} is a time as 2026-01-31T21:04:00Z.`);
}
