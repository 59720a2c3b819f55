import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { AcemuxEvent } from '../telemetry/events/event.ts';
import { type EventFilter, matches } from '../telemetry/events/event-filter.ts';
import type { Log } from '../telemetry/log.ts';
import type { EventsFace, HttpDeps } from './deps.ts';
import { eventJsonOf } from './event-json.ts';

/** So many stored events are read in one go, for a reader that was away longer than memory goes back. */
const STORED_AT_ONCE = 500;
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
  readonly storedEvents: Pick<HttpDeps['storedEvents'], 'after'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is known of who reads, and what it wants beside events. */
export interface ReaderWish {
  /** The key that it came with, or is logged in with; undefined: it came with none. */
  readonly keyId: string | undefined;
  /** The id of the last event that it has seen; undefined: it wants what happens from now on. */
  readonly lastId: number | undefined;
  /** How all is now, as JSON on one line: for a reader that is to be told that every two seconds as well. */
  readonly overview?: (() => string) | undefined;
  /** Whether who was let in still would be; looked at with each heartbeat. */
  readonly isStillLetIn: () => boolean;
}

/** All who read events as they happen. */
export class EventStreams {
  readonly #deps: EventStreamsDeps;
  /** Each with the id of its key. */
  readonly #readers = new Map<EventReader, string | undefined>();
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

  /** Takes a response over, to which nothing has been written. */
  open(response: ServerResponse, filter: EventFilter, wish: ReaderWish): void {
    const reader = new EventReader(this.#deps, response, filter, wish);
    this.#readers.set(reader, wish.keyId);
    response.once('close', () => {
      this.#readers.delete(reader);
      reader.stop();
    });
    reader.start(wish.lastId);
  }

  /** Ends all of them at once; nobody is let in after. */
  stop(): void {
    this.#isOver = true;
    for (const reader of this.#readers.keys()) reader.end();
  }

  /** Ends those who came with this key, or are logged in with it. */
  endOfKey(keyId: string): void {
    for (const [reader, id] of this.#readers) if (id === keyId) reader.end();
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
  readonly #isStillLetIn: () => boolean;
  #unsubscribe: (() => void) | undefined;
  #heartbeat: Timer | undefined;
  #nextOverview: Timer | undefined;
  /** All events up to this one were looked at. */
  #seenId = 0;
  /** It is told what is stored first: until then what happens waits in the bus. */
  #isCatchingUp = false;
  #isOver = false;
  /** Since when the response takes nothing. */
  #blockedSinceMs: number | undefined;

  constructor(
    deps: EventStreamsDeps,
    response: ServerResponse,
    filter: EventFilter,
    { isStillLetIn, overview }: ReaderWish,
  ) {
    this.#deps = deps;
    this.#response = response;
    this.#filter = filter;
    this.#overview = overview;
    this.#isStillLetIn = isStillLetIn;
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
    const isNotHeld = isOfAnotherLife || this.#seenId < events.oldestId - 1;
    this.#write(`retry: ${RETRY_MS}\n\n`);
    if (isOfAnotherLife) this.#tellMissed();
    this.#unsubscribe = events.subscribe(() => this.#pump());
    this.#scheduleHeartbeat();
    if (this.#overview) this.#tellOverview(this.#overview);
    if (isNotHeld && !isOfAnotherLife) {
      this.#isCatchingUp = true;
      this.#catchUp().then(
        () => this.#pump(),
        // Of a store that can't be read nothing is known.
        () => {
          this.#isCatchingUp = false;
          if (this.#isOver) return;
          this.#tellMissed();
          this.#pump();
        },
      );
    } else this.#pump();
  }

  /** Tells what is stored behind what it has seen, up to where memory begins. */
  async #catchUp(): Promise<void> {
    const { events, storedEvents } = this.#deps;
    while (!this.#isOver && this.#seenId < events.oldestId - 1) {
      const stored = await storedEvents.after(this.#seenId, events.oldestId, STORED_AT_ONCE);
      if (this.#isOver) return;
      if (stored === undefined) {
        this.#tellMissed();
        break;
      }
      for (const event of stored.events) this.#tell(event);
      this.#seenId = stored.throughId;
      if (this.#blockedSinceMs !== undefined) await this.#drained();
    }
    this.#isCatchingUp = false;
  }

  /** Resolves when the response takes something again, or is over. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#response.off('drain', done).off('close', done);
        resolve();
      };
      this.#response.on('drain', done).on('close', done);
    });
  }

  /** What came before what memory holds can't be told. */
  #tellMissed(): void {
    const { oldestId } = this.#deps.events;
    this.#seenId = oldestId - 1;
    this.#write(`event: missed\ndata: {"oldest_id":${oldestId}}\n\n`);
  }

  #tell(event: AcemuxEvent): void {
    this.#seenId = event.id;
    if (!matches(event, this.#filter)) return;
    this.#write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(eventJsonOf(event))}\n\n`);
  }

  /** Ends the response with what was written. */
  end(): void {
    this.stop();
    this.#response.end();
    // Nobody waits for one that takes nothing.
    if (this.#blockedSinceMs !== undefined) this.#response.destroy();
  }

  stop(): void {
    this.#isOver = true;
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
    if (this.#isCatchingUp || this.#isOver) return;
    while (this.#blockedSinceMs === undefined && this.#seenId < events.newestId) {
      const event = events.get(this.#seenId + 1);
      if (!event) {
        this.#dismiss('it fell too far behind');
        return;
      }
      this.#tell(event);
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
      if (!this.#isStillLetIn()) {
        this.#dismiss('its login is over');
        return;
      }
      // With the id: who wants few events resumes behind those that it did not want.
      if (sinceMs === undefined) this.#write(`: still here\nid: ${this.#seenId}\n\n`);
      this.#scheduleHeartbeat();
    });
  }

  #dismiss(why: string): void {
    this.#deps.log.info(
      { address: this.#response.socket?.remoteAddress, why },
      'a reader of events is ended',
    );
    this.stop();
    this.#response.destroy();
  }
}
