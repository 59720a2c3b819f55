import { type Static, Type } from '../base/schema.ts';
import {
  type AcemuxEvent,
  EVENT_TYPES,
  happeningOf,
  messageOf,
  subjectOf,
} from '../telemetry/events/event.ts';

const IdOrNull = (description: string) => Type.OrNull(Type.String({ description }));

/** The keys down to `stream_id` are acestream-orchestrator's; what acemux adds comes after. */
export const EventSchema = Type.Object({
  id: Type.Integer({ description: 'Greater than that of every event before.' }),
  timestamp: Type.String({ format: 'date-time', description: 'ISO 8601, UTC' }),
  event_type: Type.String({ description: 'What it is about: the first half of `type`.' }),
  category: Type.String({ description: 'What has happened: the second half of `type`.' }),
  message: Type.String({ description: 'A sentence for people.' }),
  details: Type.Object(
    {},
    { additionalProperties: true, description: 'docs/events.md has them for each type.' },
  ),
  container_id: IdOrNull('The engine.'),
  stream_id: IdOrNull('The 40 digits that the stream was first asked for.'),
  type: Type.String({ description: 'One of the types of docs/events.md.' }),
  severity: Type.String({ description: 'info, warning or error.' }),
  client_id: IdOrNull('The viewer.'),
  request_id: IdOrNull('The request.'),
  cause_id: Type.Union([
    Type.Integer({ description: 'The earlier event that brought it about.' }),
    Type.Null(),
  ]),
});

/** An event as programs read it. */
export function eventJsonOf(event: AcemuxEvent): Static<typeof EventSchema> {
  const { id, type, wallMs, details } = event;
  return {
    id,
    timestamp: new Date(wallMs).toISOString(),
    event_type: subjectOf(type),
    category: happeningOf(type),
    message: messageOf(event),
    details,
    container_id: event.engine ?? null,
    stream_id: event.session ?? null,
    type,
    severity: EVENT_TYPES[type].severity,
    client_id: event.client ?? null,
    request_id: event.request ?? null,
    cause_id: event.causeId ?? null,
  };
}
