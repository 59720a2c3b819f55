import type { Row, SqlValue } from '../store/statement.ts';
import { isEventType, messageOf } from '../telemetry/events/event.ts';
import type { EventFact, StreamFact, ViewerFact } from './verdict.ts';

/** A session as it was. Times are wall clock, milliseconds. */
export interface PastStream {
  readonly sessionId: string;
  readonly stream: string;
  readonly infohash: string | undefined;
  readonly keyType: string;
  readonly beganAtMs: number;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly reason: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** A viewer as it was. */
export interface PastViewer {
  readonly client: string;
  readonly sessionId: string | undefined;
  readonly stream: string;
  readonly name: string | undefined;
  readonly address: string | undefined;
  readonly joinedAtMs: number;
  readonly leftAtMs: number | undefined;
  readonly reason: string | undefined;
}

export interface StreamMinutes extends StreamFact {
  readonly sessionId: string;
  readonly clients: number;
  readonly ringMs: number | undefined;
}

export interface ViewerMinutes extends ViewerFact {
  readonly client: string;
  readonly output: string;
  readonly bytes: number | undefined;
}

export function streamOf(row: Row): PastStream {
  return {
    sessionId: String(row['session_id']),
    stream: String(row['stream']),
    infohash: text(row['infohash']),
    keyType: String(row['key_type']),
    beganAtMs: number(row['began_at']),
    startedAtMs: maybe(row['started_at']),
    endedAtMs: maybe(row['ended_at']),
    reason: text(row['reason']),
    bytesIn: number(row['bytes_in']),
    bytesOut: number(row['bytes_out']),
  };
}

export function viewerOf(row: Row): PastViewer {
  return {
    client: String(row['client']),
    sessionId: text(row['session_id']),
    stream: String(row['stream']),
    name: text(row['name']),
    address: text(row['address']),
    joinedAtMs: number(row['joined_at']),
    leftAtMs: maybe(row['left_at']),
    reason: text(row['reason']),
  };
}

/** One of a type that this acemux does not know is left out. */
export function eventOf(row: Row): EventFact[] {
  const type = String(row['type']);
  if (!isEventType(type)) return [];
  const details = detailsOf(row['details']);
  const reason = details['reason'];
  return [
    {
      id: number(row['id']),
      atMs: number(row['at']),
      type,
      engine: text(row['engine']),
      reason: typeof reason === 'string' ? reason : undefined,
      message: messageOf({ type, details }),
    },
  ];
}

function detailsOf(value: unknown): Record<string, string | number | boolean> {
  try {
    const parsed: unknown = JSON.parse(String(value));
    const entries = Object.entries(typeof parsed === 'object' && parsed ? parsed : {});
    return Object.fromEntries(
      entries.map(([name, each]) => [name, Array.isArray(each) ? each.join(' ') : each]),
    );
  } catch {
    // Not written by acemux.
    return {};
  }
}

export function text(value: SqlValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function maybe(value: SqlValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function number(value: SqlValue | undefined): number {
  return typeof value === 'number' ? value : 0;
}

export function streamMinuteOf(row: Row): StreamMinutes {
  return {
    atMs: number(row['at']),
    sessionId: String(row['session_id']),
    engine: text(row['engine']),
    clients: number(row['clients']),
    ingestBytes: number(row['ingest_bytes']),
    longestGapMs: number(row['longest_gap_ms']),
    ringMs: maybe(row['ring_ms']),
    peers: maybe(row['peers']),
    speedBytesPerSecond: maybe(row['speed_bytes']),
  };
}

export function viewerMinuteOf(row: Row): ViewerMinutes {
  return {
    atMs: number(row['at']),
    client: String(row['client']),
    output: String(row['output']),
    bytes: maybe(row['bytes']),
    longestGapMs: maybe(row['longest_gap_ms']),
    lagMs: maybe(row['lag_ms']),
    skips: number(row['skips']),
    nullMs: maybe(row['null_ms']),
    blockedMs: number(row['blocked_ms']),
  };
}
