import { type Static, Type } from '../base/schema.ts';
import type { Moment } from '../history/history.ts';
import type { PastStream, PastViewer, StreamMinutes, ViewerMinutes } from '../history/past.ts';
import { type EventFact, judge, VERDICTS } from '../history/verdict.ts';
import { timeOf } from './times.ts';

const Time = Type.String({ format: 'date-time', description: 'ISO 8601, UTC' });
const Seconds = (description: string) => Type.OrNull(Type.Number({ description }));

export const PastStreamSchema = Type.Object({
  session_id: Type.String(),
  stream_id: Type.String({ description: 'The 40 digits that it was first asked for.' }),
  infohash: Type.OrNull(Type.String()),
  key_type: Type.String(),
  began_at: Time,
  started_at: Type.OrNull(Time),
  ended_at: Type.OrNull(Time),
  error: Type.OrNull(Type.String({ description: 'Why it ended: a reason code.' })),
  bytes_in: Type.Integer(),
  bytes_out: Type.Integer(),
});

export const PastViewerSchema = Type.Object({
  client_id: Type.String(),
  name: Type.OrNull(Type.String({ description: 'What it called itself: `?client=`.' })),
  address: Type.OrNull(Type.String({ description: 'Null with HISTORY_ADDRESSES=false.' })),
  stream_id: Type.String(),
  joined_at: Time,
  left_at: Type.OrNull(Time),
  reason: Type.OrNull(Type.String({ description: 'Why it left: a reason code.' })),
});

export const StreamMinuteSchema = Type.Object({
  at: Time,
  engine: Type.OrNull(Type.String()),
  clients: Type.Integer(),
  ingest_bytes: Type.Integer(),
  longest_gap_seconds: Type.Number({ description: 'The longest time that nothing came from the engine.' }),
  ring_seconds: Seconds('Of media that were in memory.'),
  peers: Type.OrNull(Type.Integer()),
  speed_bytes_per_second: Type.OrNull(Type.Number({ description: 'As the engine said.' })),
});

export const ViewerMinuteSchema = Type.Object({
  at: Time,
  client_id: Type.String(),
  output: Type.String({ description: 'ts or hls.' }),
  bytes: Type.OrNull(Type.Integer()),
  longest_gap_seconds: Seconds('The longest time that it got no media, whoever was to blame.'),
  lag_seconds: Seconds('The furthest that it was behind the live edge.'),
  skips: Type.Integer(),
  null_seconds: Seconds('So long it was sent null packets, because there was nothing for it.'),
  blocked_seconds: Type.Number({ description: 'So long its connection took nothing.' }),
});

export const HistoryEventSchema = Type.Object({
  id: Type.Integer(),
  at: Time,
  type: Type.String(),
  engine: Type.OrNull(Type.String()),
  reason: Type.OrNull(Type.String()),
  message: Type.String(),
});

export const MomentSchema = Type.Object({
  at: Time,
  from: Time,
  to: Time,
  verdict: Type.String({ description: `One of ${Object.keys(VERDICTS).join(', ')}.` }),
  what: Type.String({ description: 'The verdict as a sentence.' }),
  todo: Type.String({ description: 'What can be done about it.' }),
  evidence: Type.Array(
    Type.Object({
      at: Time,
      text: Type.String(),
      event_id: Type.OrNull(Type.Integer({ description: 'The event that it is: `/events`.' })),
    }),
  ),
  stream: Type.OrNull(PastStreamSchema),
  client: Type.OrNull(PastViewerSchema),
  stream_minutes: Type.Array(StreamMinuteSchema),
  client_minutes: Type.Array(ViewerMinuteSchema),
  events: Type.Array(HistoryEventSchema),
});

export function pastStreamJson(stream: PastStream): Static<typeof PastStreamSchema> {
  return {
    session_id: stream.sessionId,
    stream_id: stream.stream,
    infohash: stream.infohash ?? null,
    key_type: stream.keyType,
    began_at: timeOf(stream.beganAtMs),
    started_at: timeOrNull(stream.startedAtMs),
    ended_at: timeOrNull(stream.endedAtMs),
    error: stream.reason ?? null,
    bytes_in: stream.bytesIn,
    bytes_out: stream.bytesOut,
  };
}

export function pastViewerJson(viewer: PastViewer): Static<typeof PastViewerSchema> {
  return {
    client_id: viewer.client,
    name: viewer.name ?? null,
    address: viewer.address ?? null,
    stream_id: viewer.stream,
    joined_at: timeOf(viewer.joinedAtMs),
    left_at: timeOrNull(viewer.leftAtMs),
    reason: viewer.reason ?? null,
  };
}

export function streamMinuteJson(minute: StreamMinutes): Static<typeof StreamMinuteSchema> {
  return {
    at: timeOf(minute.atMs),
    engine: minute.engine ?? null,
    clients: minute.clients,
    ingest_bytes: minute.ingestBytes,
    longest_gap_seconds: minute.longestGapMs / 1_000,
    ring_seconds: secondsOrNull(minute.ringMs),
    peers: minute.peers ?? null,
    speed_bytes_per_second: minute.speedBytesPerSecond ?? null,
  };
}

export function viewerMinuteJson(minute: ViewerMinutes): Static<typeof ViewerMinuteSchema> {
  return {
    at: timeOf(minute.atMs),
    client_id: minute.client,
    output: minute.output,
    bytes: minute.bytes ?? null,
    longest_gap_seconds: secondsOrNull(minute.longestGapMs),
    lag_seconds: secondsOrNull(minute.lagMs),
    skips: minute.skips,
    null_seconds: secondsOrNull(minute.nullMs),
    blocked_seconds: minute.blockedMs / 1_000,
  };
}

export function historyEventJson(event: EventFact): Static<typeof HistoryEventSchema> {
  const { id, atMs, type, engine, reason, message } = event;
  return { id, at: timeOf(atMs), type, engine: engine ?? null, reason: reason ?? null, message };
}

/** A moment with its verdict. */
export function momentJson(moment: Moment): Static<typeof MomentSchema> {
  const { fromMs, toMs, stream, viewer, streamMinutes, viewerMinutes, facts } = moment;
  const { word, evidence } = judge(facts);
  return {
    at: timeOf(facts.atMs),
    from: timeOf(fromMs),
    to: timeOf(toMs),
    verdict: word,
    what: VERDICTS[word].what,
    todo: VERDICTS[word].todo,
    evidence: evidence.map(({ atMs, text, eventId }) => ({
      at: timeOf(atMs),
      text,
      event_id: eventId ?? null,
    })),
    stream: stream ? pastStreamJson(stream) : null,
    client: viewer ? pastViewerJson(viewer) : null,
    stream_minutes: streamMinutes.map(streamMinuteJson),
    client_minutes: viewerMinutes.map(viewerMinuteJson),
    events: facts.events.map(historyEventJson),
  };
}

function timeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : timeOf(ms);
}

function secondsOrNull(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000;
}
