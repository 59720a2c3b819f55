/** What happened on an engine, for tests that count: every request, and sums. */
import type { Route } from './faults.ts';

/** When a request was answered, milliseconds since the Unix epoch; undefined as long as it was not. */
export interface AnswerTimes {
  /** The status line went out. */
  beganWallMs: number | undefined;
  /** The first byte of media went out. */
  mediaWallMs: number | undefined;
}

export interface JournalEntry {
  /** Milliseconds of the simulator's monotonic clock. */
  readonly atMs: number;
  readonly wallTime: string;
  readonly method: string;
  /** Path and query as they were sent. */
  readonly target: string;
  readonly path: string;
  readonly route: Route;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly remotePort: number;
  readonly answer: AnswerTimes;
}

export interface Counters {
  sessionsOpened: number;
  /** Sessions that played an infohash which had been opened by somebody else meanwhile. */
  sessionsSuperseded: number;
  sessionsExpired: number;
  /** Sessions that were opened for somebody who had gone before the answer. */
  sessionsLeaked: number;
  stopsReceived: number;
  stopsForUnknownSessions: number;
  corruptReplies: number;
  /** The most readers that one session ever had at once. */
  readersAtOnceMax: number;
  mediaBytesSent: number;
  /** Connections to the port of the older text API. */
  telnetConnections: number;
  readonly requestsByRoute: Map<Route, number>;
  /** For each infohash the most sessions that ever overlapped: 2 means that one was opened on top of another. */
  readonly sessionsAtOnceMax: Map<string, number>;
}

/** The newest entries only are kept: an engine may run for weeks. */
const ENTRIES_MAX = 20_000;

export class Journal {
  readonly #entries: JournalEntry[] = [];
  readonly #waiting = new Set<{
    matches: (entry: JournalEntry) => boolean;
    resolve: (entry: JournalEntry) => void;
  }>();
  readonly counters: Counters = {
    sessionsOpened: 0,
    sessionsSuperseded: 0,
    sessionsExpired: 0,
    sessionsLeaked: 0,
    stopsReceived: 0,
    stopsForUnknownSessions: 0,
    corruptReplies: 0,
    readersAtOnceMax: 0,
    mediaBytesSent: 0,
    telnetConnections: 0,
    requestsByRoute: new Map(),
    sessionsAtOnceMax: new Map(),
  };

  record(entry: JournalEntry): void {
    if (this.#entries.length === ENTRIES_MAX) this.#entries.splice(0, ENTRIES_MAX / 2);
    this.#entries.push(entry);
    const { requestsByRoute } = this.counters;
    requestsByRoute.set(entry.route, (requestsByRoute.get(entry.route) ?? 0) + 1);
    for (const waiting of [...this.#waiting]) {
      if (!waiting.matches(entry)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(entry);
    }
  }

  /** The requests so far, oldest first. */
  entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** The first request that matches, also among those that came before. */
  waitFor(matches: (entry: JournalEntry) => boolean): Promise<JournalEntry> {
    const known = this.#entries.find(matches);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.add({ matches, resolve }));
  }
}
