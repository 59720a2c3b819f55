import type { Row, SqlValue, Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import {
  eventOf,
  number,
  type PastStream,
  type PastViewer,
  type StreamMinutes,
  streamMinuteOf,
  streamOf,
  type ViewerMinutes,
  viewerMinuteOf,
  viewerOf,
} from './past.ts';
import { MINUTE_MS, minuteOf } from './recorder.ts';
import type { EventFact, Facts, ProcessFact } from './verdict.ts';

/** So far around the moment that is asked about it is looked: people say a time as they saw it on a clock. */
const AROUND_MS = 2 * MINUTE_MS;
/** What brought something about may have come so long before. */
const CAUSES_MS = MINUTE_MS;
const EVENTS_MAX = 500;
/** Minutes of one point of the timeline, where it is longer than this. */
const FINE_HOURS = 6;
const COARSE_MINUTES = 5;

/** Who is asked about; a text may be part of what it names. */
export interface Question {
  /** Wall clock, milliseconds. */
  readonly atMs: number;
  /** A viewer's name, address or id; undefined: whoever had the most trouble. */
  readonly client: string | undefined;
  /** 40 hex digits, or the first of them, in lower case; undefined: any. */
  readonly stream: string | undefined;
}

/** What is known of a moment. */
export interface Moment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stream: PastStream | undefined;
  readonly viewer: PastViewer | undefined;
  readonly streamMinutes: readonly StreamMinutes[];
  readonly viewerMinutes: readonly ViewerMinutes[];
  readonly facts: Facts;
}

/** Everything about one session. */
export interface StreamPage {
  readonly stream: PastStream;
  readonly minutes: readonly StreamMinutes[];
  readonly viewers: readonly PastViewer[];
  readonly viewerMinutes: readonly ViewerMinutes[];
  readonly events: readonly EventFact[];
}

/** One point of the timeline: what there was in these minutes. */
export interface TimelinePoint {
  readonly atMs: number;
  /** The most at once. */
  readonly clients: number;
  readonly streams: number;
  readonly egressBytesPerSecond: number;
  readonly engines: number;
  readonly healthyEngines: number;
}

export interface Timeline {
  readonly stepSeconds: number;
  /** Oldest first; where acemux did not run there is none. */
  readonly points: readonly TimelinePoint[];
}

/** Reads what was written down. Every method throws AcemuxError store_unavailable where that can't be read now. */
export class History {
  readonly #store: Pick<Store, 'read'>;

  constructor(store: Pick<Store, 'read'>) {
    this.#store = store;
  }

  /** What is known of a moment: of the viewer and the stream that are asked about or, where none is, that had the most trouble. */
  async moment({ atMs, client, stream }: Question): Promise<Moment> {
    const fromMs = minuteOf(atMs - AROUND_MS);
    const toMs = atMs + AROUND_MS;
    const viewers = await this.#viewersAt(fromMs, toMs, client, stream);
    const minutes = await this.#viewerMinutes(fromMs, toMs, viewers);
    const viewer = worstOf(viewers, minutes) ?? viewers[0];
    const wanted = viewer?.stream ?? stream;
    // Somebody who is not known has watched nothing.
    const isUnknown = client !== undefined && viewer === undefined;
    const streams = isUnknown ? [] : await this.#streamsAt(fromMs, toMs, wanted);
    const streamMinutes = await this.#streamMinutes(fromMs, toMs, streams);
    const session =
      streams.find(({ sessionId }) => sessionId === viewer?.sessionId) ??
      worstStream(streams, streamMinutes) ??
      streams[0];
    const own = streamMinutes.filter(({ sessionId }) => sessionId === session?.sessionId);
    const ownMinutes = minutes.filter((minute) => minute.client === viewer?.client);
    const names = new Set([session?.stream, viewer?.stream].filter((name) => name !== undefined));
    const events = isUnknown
      ? []
      : await this.#eventsAt(fromMs - CAUSES_MS, toMs, names, viewer?.client, own);
    const others =
      viewers.length > 1 ? viewers : await this.#viewersAt(fromMs, toMs, undefined, session?.stream);
    const othersMinutes = await this.#viewerMinutes(fromMs, toMs, others);
    const facts: Facts = {
      atMs,
      stream: own,
      viewer: ownMinutes,
      others: howOthersDid(others, othersMinutes, viewer),
      process: isUnknown ? [] : await this.#processMinutes(fromMs, toMs),
      events,
    };
    return { fromMs, toMs, stream: session, viewer, streamMinutes: own, viewerMinutes: ownMinutes, facts };
  }

  /** Sessions that were there in this time, the newest first. */
  async streams(fromMs: number, toMs: number, countMax: number): Promise<readonly PastStream[]> {
    const rows = await this.#all(
      'SELECT * FROM streams WHERE began_at <= ? AND seen_at >= ? ORDER BY began_at DESC LIMIT ?',
      toMs,
      fromMs,
      countMax,
    );
    return rows.map(streamOf);
  }

  /** By its session's id, or the newest that has this 40-hex name. */
  async stream(name: string): Promise<StreamPage | undefined> {
    const [row] = await this.#all(
      'SELECT * FROM streams WHERE session_id = ?1 OR stream = ?1 OR infohash = ?1 ORDER BY began_at DESC LIMIT 1',
      name,
    );
    if (!row) return undefined;
    const stream = streamOf(row);
    const toMs = Math.max(Number(row['seen_at']), stream.endedAtMs ?? 0);
    const minutes = await this.#streamMinutes(minuteOf(stream.beganAtMs), toMs, [stream]);
    const viewers = await this.#all(
      'SELECT * FROM viewers WHERE stream = ? AND joined_at BETWEEN ? AND ? ORDER BY joined_at LIMIT ?',
      stream.stream,
      stream.beganAtMs,
      toMs,
      EVENTS_MAX,
    );
    const past = viewers.map(viewerOf);
    return {
      stream,
      minutes,
      viewers: past,
      viewerMinutes: await this.#viewerMinutes(minuteOf(stream.beganAtMs), toMs, past),
      events: await this.#eventsAt(stream.beganAtMs, toMs, new Set([stream.stream]), undefined, []),
    };
  }

  /** The last hours, a point for each minute or, of more than six hours, for each five. */
  async timeline(hours: number, nowMs: number): Promise<Timeline> {
    const stepMs = (hours > FINE_HOURS ? COARSE_MINUTES : 1) * MINUTE_MS;
    const rows = await this.#all(
      `SELECT at / ?1 * ?1 AS at, max(clients) AS clients, max(streams) AS streams, sum(egress_bytes) AS bytes, count(*) AS minutes,
        max(engines) AS engines, min(healthy_engines) AS healthy FROM minutes WHERE at >= ?2 GROUP BY at / ?1 ORDER BY at`,
      stepMs,
      nowMs - hours * 60 * MINUTE_MS,
    );
    const points = rows.map((row) => ({
      atMs: number(row['at']),
      clients: number(row['clients']),
      streams: number(row['streams']),
      egressBytesPerSecond: number(row['bytes']) / (number(row['minutes']) * 60),
      engines: number(row['engines']),
      healthyEngines: number(row['healthy']),
    }));
    return { stepSeconds: stepMs / 1_000, points };
  }

  async #viewersAt(
    fromMs: number,
    toMs: number,
    client: string | undefined,
    stream: string | undefined,
  ): Promise<readonly PastViewer[]> {
    // Who has not left was there for at least a minute more than was seen.
    const rows = await this.#all(
      `SELECT * FROM viewers WHERE joined_at <= ? AND coalesce(left_at, seen_at + ${MINUTE_MS}) >= ?
        ${client === undefined ? '' : 'AND ? IN (lower(name), address, client)'}
        ${stream === undefined ? '' : 'AND (stream LIKE ? OR session_id IN (SELECT session_id FROM streams WHERE infohash LIKE ?))'}
        ORDER BY joined_at DESC LIMIT 200`,
      toMs,
      fromMs,
      ...(client === undefined ? [] : [client.toLowerCase()]),
      ...(stream === undefined ? [] : [`${stream}%`, `${stream}%`]),
    );
    return rows.map(viewerOf);
  }

  async #streamsAt(fromMs: number, toMs: number, stream: string | undefined): Promise<readonly PastStream[]> {
    const rows = await this.#all(
      `SELECT * FROM streams WHERE began_at <= ?1 AND coalesce(ended_at, seen_at) >= ?2
        ${stream === undefined ? '' : 'AND (stream LIKE ?3 OR infohash LIKE ?3)'} ORDER BY began_at DESC LIMIT 100`,
      toMs,
      fromMs,
      ...(stream === undefined ? [] : [`${stream}%`]),
    );
    return rows.map(streamOf);
  }

  async #streamMinutes(
    fromMs: number,
    toMs: number,
    streams: readonly PastStream[],
  ): Promise<readonly StreamMinutes[]> {
    const ids = streams.map(({ sessionId }) => sessionId);
    const rows = await this.#all(
      `SELECT * FROM stream_minutes WHERE at BETWEEN ? AND ? AND session_id IN (${marks(ids)}) ORDER BY at`,
      fromMs,
      toMs,
      ...ids,
    );
    return rows.map(streamMinuteOf);
  }

  async #viewerMinutes(
    fromMs: number,
    toMs: number,
    viewers: readonly PastViewer[],
  ): Promise<readonly ViewerMinutes[]> {
    const clients = viewers.map(({ client }) => client);
    const rows = await this.#all(
      `SELECT * FROM viewer_minutes WHERE at BETWEEN ? AND ? AND client IN (${marks(clients)}) ORDER BY at`,
      fromMs,
      toMs,
      ...clients,
    );
    return rows.map(viewerMinuteOf);
  }

  async #processMinutes(fromMs: number, toMs: number): Promise<readonly ProcessFact[]> {
    const rows = await this.#all(
      'SELECT at, loop_delay_ms FROM minutes WHERE at BETWEEN ? AND ? ORDER BY at',
      fromMs,
      toMs,
    );
    return rows.map((row) => ({ atMs: number(row['at']), loopDelayMs: number(row['loop_delay_ms']) }));
  }

  /** Of these streams, of this viewer, and of what they depend on: their engines, all VPNs, acemux. */
  async #eventsAt(
    fromMs: number,
    toMs: number,
    streams: ReadonlySet<string>,
    client: string | undefined,
    minutes: readonly StreamMinutes[],
  ): Promise<readonly EventFact[]> {
    const names = [...streams];
    const engines = [...new Set(minutes.map(({ engine }) => engine).filter((id) => id !== undefined))];
    const rows = await this.#all(
      `SELECT * FROM events WHERE at BETWEEN ? AND ? AND (
          (session IN (${marks(names)}) AND (client IS NULL OR client = ?))
          OR (session IS NULL AND engine IN (${marks(engines)}))
          OR type LIKE 'vpn.%' OR type LIKE 'system.%')
        ORDER BY id LIMIT ?`,
      fromMs,
      toMs,
      ...names,
      client ?? null,
      ...engines,
      EVENTS_MAX,
    );
    return rows.flatMap(eventOf);
  }

  async #all(sql: string, ...values: SqlValue[]): Promise<readonly Row[]> {
    const statement: Statement = { sql, values };
    return this.#store.read(statement);
  }
}

/** Who had the most trouble; undefined: nobody had any. */
function worstOf(viewers: readonly PastViewer[], minutes: readonly ViewerMinutes[]): PastViewer | undefined {
  let worst: PastViewer | undefined;
  let most = 0;
  for (const viewer of viewers) {
    const trouble = troubleOf(minutes.filter(({ client }) => client === viewer.client));
    if (trouble <= most) continue;
    most = trouble;
    worst = viewer;
  }
  return worst;
}

function worstStream(
  streams: readonly PastStream[],
  minutes: readonly StreamMinutes[],
): PastStream | undefined {
  const gapOf = ({ sessionId }: PastStream): number =>
    Math.max(
      0,
      ...minutes.filter((each) => each.sessionId === sessionId).map(({ longestGapMs }) => longestGapMs),
    );
  return streams.toSorted((one, other) => gapOf(other) - gapOf(one))[0];
}

/** In milliseconds without media; a skip counts as much as a gap that is seen. */
function troubleOf(minutes: readonly ViewerMinutes[]): number {
  return minutes.reduce(
    (sum, { longestGapMs = 0, skips }) =>
      sum + (longestGapMs >= SEEN_GAP_MS ? longestGapMs : 0) + skips * SEEN_GAP_MS,
    0,
  );
}

const SEEN_GAP_MS = 3_000;

function howOthersDid(
  viewers: readonly PastViewer[],
  minutes: readonly ViewerMinutes[],
  except: PastViewer | undefined,
): Facts['others'] {
  const others = viewers.filter(
    ({ client, stream }) => client !== except?.client && stream === except?.stream,
  );
  const troubled = others.filter(
    ({ client }) => troubleOf(minutes.filter((each) => each.client === client)) > 0,
  );
  return { count: others.length, troubled: troubled.length };
}

function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
