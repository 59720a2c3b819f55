import type { SqlValue, Statement } from '../store/statement.ts';
import type { AcemuxEvent } from '../telemetry/events/event.ts';
import type { ProcessMinute, StreamMinute, ViewerMinute } from './minute-tally.ts';
import type { StreamSample } from './samples.ts';

/** How the history is written: one row each. Times are wall clock, milliseconds. */

export function eventRow({ id, wallMs, type, details, ...context }: AcemuxEvent): Statement {
  const { session, engine, client, request, causeId } = context;
  return row('INSERT OR IGNORE', 'events', {
    id,
    at: Math.round(wallMs),
    type,
    session,
    engine,
    client,
    request,
    cause_id: causeId,
    details: JSON.stringify(details),
  });
}

export function streamRow(sample: StreamSample, seenAtMs: number): Statement {
  const { sessionId, stream, infohash, keyType, beganAtMs, startedAtMs, endedAtMs } = sample;
  return row('INSERT OR REPLACE', 'streams', {
    session_id: sessionId,
    stream,
    infohash,
    key_type: keyType,
    began_at: Math.round(beganAtMs),
    started_at: rounded(startedAtMs),
    ended_at: rounded(endedAtMs),
    reason: sample.reason,
    bytes_in: sample.bytesIn,
    bytes_out: sample.bytesOut,
    seen_at: Math.round(seenAtMs),
  });
}

export function streamMinuteRow(minute: StreamMinute, atMs: number): Statement {
  return row('INSERT OR REPLACE', 'stream_minutes', {
    at: atMs,
    session_id: minute.sessionId,
    engine: minute.engine,
    clients: minute.clients,
    ingest_bytes: minute.ingestBytes,
    longest_gap_ms: minute.longestGapMs,
    ring_ms: rounded(minute.ringMs),
    peers: rounded(minute.peers),
    speed_bytes: rounded(minute.speedBytesPerSecond),
  });
}

/** Who was let in. */
export interface ViewerJoined {
  readonly client: string;
  readonly stream: string;
  readonly sessionId: string | undefined;
  readonly name: string | undefined;
  readonly address: string | undefined;
  readonly joinedAtMs: number;
}

export function viewerJoinedRow(viewer: ViewerJoined): Statement {
  const { client, stream, sessionId, name, address, joinedAtMs } = viewer;
  const at = Math.round(joinedAtMs);
  return row('INSERT OR REPLACE', 'viewers', {
    client,
    session_id: sessionId,
    stream,
    name,
    address,
    joined_at: at,
    left_at: undefined,
    reason: undefined,
    seen_at: at,
  });
}

export function viewerLeftRow(client: string, reason: string, atMs: number): Statement {
  const at = Math.round(atMs);
  return {
    sql: 'UPDATE viewers SET left_at = ?, reason = ?, seen_at = ? WHERE client = ?',
    values: [at, reason, at, client],
  };
}

export function viewerSeenRow(client: string, sessionId: string, atMs: number): Statement {
  return {
    sql: 'UPDATE viewers SET seen_at = ?, session_id = ? WHERE client = ?',
    values: [Math.round(atMs), sessionId, client],
  };
}

export function viewerMinuteRow(minute: ViewerMinute, atMs: number): Statement {
  return row('INSERT OR REPLACE', 'viewer_minutes', {
    at: atMs,
    client: minute.client,
    output: minute.output,
    bytes: minute.bytes,
    longest_gap_ms: minute.longestGapMs,
    lag_ms: minute.lagMs,
    skips: minute.skips,
    null_ms: minute.nullMs,
    blocked_ms: minute.blockedMs,
  });
}

export function processMinuteRow(minute: ProcessMinute, atMs: number): Statement {
  return row('INSERT OR REPLACE', 'minutes', {
    at: atMs,
    clients: minute.clients,
    streams: minute.streams,
    egress_bytes: minute.egressBytes,
    engines: minute.engines,
    healthy_engines: minute.healthyEngines,
    loop_delay_ms: minute.loopDelayMs,
  });
}

/** Each table of the history with the column that says how old a row is. */
export const HISTORY_TABLES = [
  ['viewer_minutes', 'at'],
  ['events', 'at'],
  ['stream_minutes', 'at'],
  ['minutes', 'at'],
  ['viewers', 'seen_at'],
  ['streams', 'seen_at'],
] as const;

function row(
  verb: string,
  table: string,
  columns: Readonly<Record<string, SqlValue | undefined>>,
): Statement {
  const names = Object.keys(columns);
  const marks = names.map(() => '?').join(', ');
  return {
    sql: `${verb} INTO ${table} (${names.join(', ')}) VALUES (${marks})`,
    values: Object.values(columns).map((value) => value ?? null),
  };
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value);
}
