import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { type EventFilter, matches } from '../telemetry/events/event-filter.ts';
import type { Log } from '../telemetry/log.ts';
import type { EventsFace } from './deps.ts';
import { eventJsonOf } from './event-json.ts';

/** Keeps proxies from taking a quiet stream for a dead one. */
const HEARTBEAT_MS = 15_000;
/** A reader that takes nothing for so long is ended. */
const STALLED_MS = 30_000;
/** Each has a place in the turn of the loop in which an event is told: so many are a house full of panels. */
const READERS_MAX = 100;
/** How soon a browser comes back, milliseconds. */
const RETRY_MS = 2_000;
/** How often a reader is told how all is, if it wants that. */
export const OVERVIEW_EVERY_MS = 2_000;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
} as const;

export interface EventStreamsDeps {
  readonly events: EventsFace;
  readonly clock: Clock;
  readonly log: Log;
}

/** All who read events as they happen. */
export class EventStreams {
  readonly #deps: EventStreamsDeps;
  readonly #readers = new Set<EventReader>();
  #isOver = false;

  constructor(deps: EventStreamsDeps) {
    this.#deps = deps;
  }

  /** Throws unless one more may read. @throws AcemuxError draining, overloaded */
  checkRoom(): void {
    if (this.#isOver) throw new AcemuxError('draining');
    if (this.#readers.size >= READERS_MAX)
      throw new AcemuxError('overloaded', `${READERS_MAX} clients read events already.`);
  }

  /**
   * Takes a response over, to which nothing has been written.
   * @param lastId the id of the last event that the reader has seen; undefined: it wants what happens from now on
   * @param overview how all is now, as JSON on one line: for a reader that is to be told that every two seconds as well
   */
  open(
    response: ServerResponse,
    filter: EventFilter,
    lastId: number | undefined,
    overview?: () => string,
  ): void {
    const reader = new EventReader(this.#deps, response, filter, overview);
    this.#readers.add(reader);
    response.once('close', () => {
      this.#readers.delete(reader);
      reader.stop();
    });
    reader.start(lastId);
  }

  /** Ends all of them at once; nobody is let in after. */
  stop(): void {
    this.#isOver = true;
    for (const reader of this.#readers) reader.end();
  }
}

/**
 * Writes events to one response, as fast as that takes them. What it has not taken waits in the bus, where it is held for
 * all; one that falls so far behind that it is not held any longer is ended.
 */
class EventReader {
  readonly #deps: EventStreamsDeps;
  readonly #response: ServerResponse;
  readonly #filter: EventFilter;
  readonly #overview: (() => string) | undefined;
  #unsubscribe: (() => void) | undefined;
  #heartbeat: Timer | undefined;
  #nextOverview: Timer | undefined;
  /** All events up to this one were looked at. */
  #seenId = 0;
  /** Since when the response takes nothing. */
  #blockedSinceMs: number | undefined;

  constructor(
    deps: EventStreamsDeps,
    response: ServerResponse,
    filter: EventFilter,
    overview: (() => string) | undefined,
  ) {
    this.#deps = deps;
    this.#response = response;
    this.#filter = filter;
    this.#overview = overview;
  }

  start(lastId: number | undefined): void {
    const { events } = this.#deps;
    const response = this.#response;
    response.shouldKeepAlive = false;
    response.writeHead(200, HEADERS);
    response.on('drain', this.#onDrain);
    this.#seenId = lastId ?? events.newestId;
    // An id that is not given out yet is of an earlier life, before the wall clock went back.
    const isOfAnotherLife = this.#seenId > events.newestId;
    const isGone = isOfAnotherLife || this.#seenId < events.oldestId - 1;
    if (isGone) this.#seenId = events.oldestId - 1;
    const missed = isGone ? `event: missed\ndata: {"oldest_id":${events.oldestId}}\n\n` : '';
    this.#write(`retry: ${RETRY_MS}\n\n${missed}`);
    this.#unsubscribe = events.subscribe(() => this.#pump());
    this.#scheduleHeartbeat();
    if (this.#overview) this.#tellOverview(this.#overview);
    this.#pump();
  }

  /** Ends the response with what was written. */
  end(): void {
    this.stop();
    this.#response.end();
    // Nobody waits for one that takes nothing.
    if (this.#blockedSinceMs !== undefined) this.#response.destroy();
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#heartbeat?.cancel();
    this.#nextOverview?.cancel();
    this.#response.off('drain', this.#onDrain);
  }

  readonly #onDrain = (): void => {
    this.#blockedSinceMs = undefined;
    this.#pump();
  };

  #pump(): void {
    const { events } = this.#deps;
    while (this.#blockedSinceMs === undefined && this.#seenId < events.newestId) {
      const event = events.get(this.#seenId + 1);
      if (!event) {
        this.#dismiss('it fell too far behind');
        return;
      }
      this.#seenId = event.id;
      if (!matches(event, this.#filter)) continue;
      this.#write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(eventJsonOf(event))}\n\n`);
    }
  }

  /** Without an id: it is nothing to resume behind. Who takes nothing is told later how it is then. */
  #tellOverview(overview: () => string): void {
    if (this.#blockedSinceMs === undefined) this.#write(`event: overview\ndata: ${overview()}\n\n`);
    const { clock } = this.#deps;
    this.#nextOverview = clock.startTimer(OVERVIEW_EVERY_MS, () => this.#tellOverview(overview));
  }

  #write(text: string): void {
    if (!this.#response.write(text)) this.#blockedSinceMs ??= this.#deps.clock.nowMs();
  }

  #scheduleHeartbeat(): void {
    const { clock } = this.#deps;
    this.#heartbeat = clock.startTimer(HEARTBEAT_MS, () => {
      const sinceMs = this.#blockedSinceMs;
      if (sinceMs !== undefined && clock.nowMs() - sinceMs >= STALLED_MS) {
        this.#dismiss('it takes nothing');
        return;
      }
      // With the id: who wants few events resumes behind those that it did not want.
      if (sinceMs === undefined) this.#write(`: still here\nid: ${this.#seenId}\n\n`);
      this.#scheduleHeartbeat();
    });
  }

  #dismiss(why: string): void {
    this.#deps.log.info({ client: this.#response.socket?.remoteAddress, why }, 'a reader of events is ended');
    this.stop();
    this.#response.destroy();
  }
}
