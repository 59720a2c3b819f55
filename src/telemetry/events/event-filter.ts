import { type AcemuxEvent, EVENT_TYPES, type EventType, happeningOf, subjectOf } from './event.ts';
import type { EventSeverity } from './event-table.ts';

/** Which events somebody wants; what is left out is not asked for. */
export interface EventFilter {
  readonly types?: ReadonlySet<EventType>;
  /** The first word of the type. */
  readonly subject?: string;
  /** What follows it. */
  readonly happening?: string;
  /** As bad as this at least. */
  readonly severity?: EventSeverity;
  readonly engine?: string;
  readonly session?: string;
  readonly client?: string;
  /** From this time on; wall clock, milliseconds. */
  readonly sinceMs?: number;
  /** To this time, itself included; wall clock, milliseconds. */
  readonly untilMs?: number;
}

export const SEVERITIES: readonly EventSeverity[] = ['info', 'warning', 'error'];

export function matches(event: AcemuxEvent, filter: EventFilter): boolean {
  const { type, wallMs } = event;
  const { engine, client, session, severity, sinceMs, subject, happening, types, untilMs } = filter;
  if (types && !types.has(type)) return false;
  if (subject !== undefined && subject !== subjectOf(type)) return false;
  if (happening !== undefined && happening !== happeningOf(type)) return false;
  if (severity && SEVERITIES.indexOf(EVENT_TYPES[type].severity) < SEVERITIES.indexOf(severity)) return false;
  if (engine !== undefined && engine !== event.engine) return false;
  if (session !== undefined && session !== event.session) return false;
  if (client !== undefined && client !== event.client) return false;
  return wallMs >= (sinceMs ?? Number.NEGATIVE_INFINITY) && wallMs <= (untilMs ?? Number.POSITIVE_INFINITY);
}
