import { EVENT_TYPES } from './event.ts';
import { EVENT_SUBJECTS, type EventDeclaration } from './event-table.ts';

/** docs/events.md, as Markdown. */
export function eventsPage(): string {
  const sections = Object.entries(EVENT_SUBJECTS).flatMap(([subject, title]) => {
    const rows = typesOf(subject).map(([type, declaration]) => rowOf(type, declaration));
    if (rows.length === 0) return [];
    return [
      `### ${title}`,
      '',
      '| type | severity | what has happened | details |',
      '|---|---|---|---|',
      ...rows,
      '',
    ];
  });
  return [HEAD, ...sections].join('\n');
}

function typesOf(subject: string): [string, EventDeclaration][] {
  return Object.entries(EVENT_TYPES).filter(([type]) => type.startsWith(`${subject}.`));
}

function rowOf(type: string, { details, severity, what }: EventDeclaration): string {
  const names = Object.entries(details).map(([name, kind]) => {
    return `\`${name}\`${kind.endsWith('?') ? ' (or absent)' : ''}`;
  });
  return `| \`${type}\` | ${severity} | ${what} | ${names.join(', ') || '–'} |`;
}

const HEAD = `<!-- Written by \`npm run docs\` from src/telemetry/events/event-table.ts: change it there. -->

# Events

Whatever happens to streams, viewers and engines is an event: what, when, to whom, and because of which earlier event. acemux
holds the newest 10,000 (8 MiB at most) in memory, and keeps them on disk as far as HISTORY_DAYS goes.

- \`GET /events\` lists them, the newest first: \`?limit=100&offset=0\` (at most 1000), or \`before=ID\` for what came before that
  event. It can be narrowed: \`event_type\` (\`stream\`, \`client\`, …), \`category\` (\`started\`, \`ended\`, …), \`type\` (both together:
  \`stream.started\`; several with commas), \`severity\` (\`warning\`: these and errors), \`engine\` (also \`container_id\`), \`session\`
  (also \`stream_id\`: the 40 digits that the stream was first asked for), \`client\`, \`since\` and \`until\` (ISO 8601).
- \`GET /events/stats\` counts them. \`POST /events/cleanup?max_age_days=30\` lets go of older ones (it needs the key).
- \`GET /events/stream\` tells them as they happen, as server-sent events, narrowed like \`/events\`. Whoever was away sends the id of the
  last event that it has seen as \`Last-Event-ID\` (browsers do that by themselves) or as \`?last_event_id=\`, and gets what it has
  missed: from memory, and what that does not hold, an earlier life of acemux included, from the history. Where a part of it is not there either
  (HISTORY_DAYS, or a kill in the second before), it gets an event \`missed\` first. A reader
  that does not take what it is sent is ended. With \`overview=true\` it is told every two seconds as well how all is, as an event
  \`overview\` without an id: what \`GET /overview\` answers, streams and engines in numbers.

- Webhooks: each event that WEBHOOK_EVENTS names (without it, warnings and errors) is sent by \`POST\` to the addresses of WEBHOOKS, as JSON
  of this form and in order, with its type in \`X-Acemux-Event\` and, with WEBHOOK_SECRET, a signature. Any 2xx takes it; else it is tried
  twice more, after 1 s and 5 s. Redirects are not followed. A receiver that does not answer costs nobody else anything: 200 events wait
  for it at most.

All of these need the key from an address that is not private (\`VIEW_ACCESS\`).

\`\`\`sh
curl -N 'http://127.0.0.1:8000/events/stream?severity=warning'
\`\`\`

An event in JSON:

| field | meaning |
|---|---|
| \`id\` | grows by one from event to event; over a restart it leaps ahead |
| \`timestamp\` | ISO 8601, UTC |
| \`type\` | one of the words below; \`event_type\` and \`category\` are its two halves |
| \`severity\` | \`info\`, \`warning\` or \`error\` |
| \`message\` | a sentence for people |
| \`details\` | see below; a \`reason\` is one of the words of [reasons](reasons.md), times are in seconds |
| \`stream_id\`, \`container_id\` | the stream's session and the engine that it is about, or null |
| \`client_id\`, \`request_id\` | the viewer and the request that it is about, or null |
| \`cause_id\` | the id of the earlier event that brought it about, or null |

\`request.refused\` is told once a minute at most for each reason. \`stream.source_explained\` comes after the event that told of the loss
(\`over_id\`), where the engine's end (\`cause_id\`) was found out later.

How often each has happened is also a metric: \`acemux_events_total\`.

## Types
`;
