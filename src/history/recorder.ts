import type { Clock, Timer } from '../base/clock.ts';
import type { Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { AcemuxEvent } from '../telemetry/events/event.ts';
import { ProcessTally, StreamTally, ViewerTally } from './minute-tally.ts';
import type { Sample, StreamSample } from './samples.ts';
import {
  eventRow,
  processMinuteRow,
  streamMinuteRow,
  streamRow,
  viewerJoinedRow,
  viewerLeftRow,
  viewerMinuteRow,
  viewerSeenRow,
} from './statements.ts';

const LOOK_MS = 1_000;
/** The minute under way is written with every so many looks, and when it is over. */
const WRITE_EVERY = 10;
export const MINUTE_MS = 60_000;
/** Events that come together are written together. */
const EVENTS_WAIT_MS = 250;
const EVENTS_AT_ONCE = 200;
/** Rows of one minute go in groups: the database is not held long by any. */
const ROWS_AT_ONCE = 200;

export interface RecorderDeps {
  readonly store: Pick<Store, 'write'>;
  /** What there is now; asked once a second. */
  readonly look: () => Sample;
  /** HISTORY_ADDRESSES */
  readonly keepsAddresses: boolean;
  readonly clock: Clock;
}

/** Writes down what happens: each event, and what was seen of streams, viewers and acemux, a row a minute for each. */
export class Recorder {
  readonly #deps: RecorderDeps;
  readonly #streams = new Map<string, StreamTally>();
  readonly #viewers = new Map<string, { readonly tally: ViewerTally; sessionId: string }>();
  readonly #process = new ProcessTally();
  #events: Statement[] = [];
  #eventsTimer: Timer | undefined;
  #timer: Timer | undefined;
  /** The minute under way, wall clock. */
  #minuteMs: number;
  #looks = 0;
  /** Those that were there when it was looked last. */
  #present = { streams: new Set<string>(), viewers: new Set<string>() };

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
    this.#minuteMs = minuteOf(deps.clock.wallMs());
  }

  start(): void {
    this.#timer = this.#deps.clock.startTimer(LOOK_MS, () => {
      this.#look();
      this.start();
    });
  }

  /** Writes what is not written yet. */
  stop(): void {
    this.#timer?.cancel();
    this.#look();
    this.#writeMinute();
    this.#eventsTimer?.cancel();
    this.#writeEvents();
  }

  /** To be called with each event. */
  hear(event: AcemuxEvent): void {
    const { type, client, session, details, wallMs } = event;
    if (client !== undefined && session !== undefined && type === 'client.joined') {
      const { name, address } = details;
      this.#note(
        viewerJoinedRow({
          client,
          stream: session,
          sessionId: undefined,
          name: typeof name === 'string' ? name : undefined,
          address: typeof address === 'string' && this.#deps.keepsAddresses ? address : undefined,
          joinedAtMs: wallMs,
        }),
      );
    }
    if (client !== undefined && (type === 'client.left' || type === 'client.evicted')) {
      this.#note(viewerLeftRow(client, String(details['reason']), wallMs));
    }
    this.#note(eventRow(this.#deps.keepsAddresses ? event : withoutAddress(event)));
  }

  /** To be told of each session as it ends. */
  noteEnded(sample: StreamSample): void {
    const tally = this.#streams.get(sample.sessionId);
    const wallMs = this.#deps.clock.wallMs();
    this.#note(streamRow(sample, wallMs));
    tally?.note(sample, this.#deps.clock.nowMs());
  }

  #note(statement: Statement): void {
    this.#events.push(statement);
    if (this.#events.length >= EVENTS_AT_ONCE) this.#writeEvents();
    this.#eventsTimer ??= this.#deps.clock.startTimer(EVENTS_WAIT_MS, () => {
      this.#eventsTimer = undefined;
      this.#writeEvents();
    });
  }

  #writeEvents(): void {
    if (this.#events.length === 0) return;
    this.#write(this.#events);
    this.#events = [];
  }

  #look(): void {
    const { clock, look } = this.#deps;
    const nowMs = clock.nowMs();
    const minuteMs = minuteOf(clock.wallMs());
    if (minuteMs !== this.#minuteMs) this.#turnMinute();
    this.#minuteMs = minuteMs;
    const { process, streams, viewers } = look();
    this.#process.note(process);
    for (const sample of streams) {
      const tally = this.#streams.get(sample.sessionId);
      if (tally) tally.note(sample, nowMs);
      else this.#streams.set(sample.sessionId, new StreamTally(sample, nowMs));
    }
    for (const sample of viewers) {
      const known = this.#viewers.get(sample.client);
      if (known) known.tally.note(sample, nowMs);
      else {
        const { client, sessionId } = sample;
        this.#viewers.set(client, { tally: new ViewerTally(sample, nowMs), sessionId });
      }
    }
    this.#present = {
      streams: new Set(streams.map(({ sessionId }) => sessionId)),
      viewers: new Set(viewers.map(({ client }) => client)),
    };
    if (++this.#looks % WRITE_EVERY === 0) this.#writeMinute();
  }

  /** The minute so far: who asks a moment later should find it, and so should who looks after a crash. */
  #writeMinute(): void {
    const atMs = this.#minuteMs;
    const seenAtMs = this.#deps.clock.wallMs();
    const rows: Statement[] = [];
    const { minute } = this.#process;
    if (minute) rows.push(processMinuteRow(minute, atMs));
    for (const { latest, minute } of this.#streams.values()) {
      rows.push(streamMinuteRow(minute, atMs), streamRow(latest, seenAtMs));
    }
    for (const [client, { tally, sessionId }] of this.#viewers) {
      rows.push(viewerMinuteRow(tally.minute, atMs), viewerSeenRow(client, sessionId, seenAtMs));
    }
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) this.#write(rows.slice(at, at + ROWS_AT_ONCE));
  }

  /** Those that are gone have had their last row. */
  #turnMinute(): void {
    this.#writeMinute();
    this.#process.turn();
    for (const [sessionId, tally] of this.#streams) {
      tally.turn();
      if (!this.#present.streams.has(sessionId)) this.#streams.delete(sessionId);
    }
    for (const [client, { tally }] of this.#viewers) {
      tally.turn();
      if (!this.#present.viewers.has(client)) this.#viewers.delete(client);
    }
  }

  #write(statements: readonly Statement[]): void {
    void this.#deps.store.write(statements, 'ordinary');
  }
}

/** The beginning of the minute of a wall-clock time. */
export function minuteOf(wallMs: number): number {
  return Math.floor(wallMs / MINUTE_MS) * MINUTE_MS;
}

function withoutAddress(event: AcemuxEvent): AcemuxEvent {
  const { address: _address, ...details } = event.details;
  return { ...event, details };
}
