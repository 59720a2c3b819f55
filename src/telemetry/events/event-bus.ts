import type { Clock } from '../../base/clock.ts';
import type { Log } from '../log.ts';
import { withoutSecrets } from '../redaction.ts';
import {
  type AcemuxEvent,
  type DetailValue,
  EVENT_TYPES,
  type EventContext,
  type EventDetails,
  type EventSink,
  type EventType,
} from './event.ts';
import { EventRing, type EventRingBounds } from './event-ring.ts';

export interface EventBusDeps {
  readonly bounds: EventRingBounds;
  /** What was stored before: this life's ids begin behind it, should the wall clock have gone back meanwhile. */
  readonly lastId?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Called for each event, in their order, in the turn of the loop in which it is told. Must not wait. */
export type EventListener = (event: AcemuxEvent) => void;

/** A detail's text is cut to so many characters, a list to so many texts: an event stays small whatever it quotes. */
const TEXT_LENGTH_MAX = 400;
const TEXTS_MAX = 20;

/** Listeners may tell events themselves; one that answers each event with another must not go on for ever. */
const ANSWERS_MAX = 1_000;

const LOG_LEVELS = { info: 'info', warning: 'warn', error: 'error' } as const;

/**
 * Everything that happens comes by here. The newest events are held, so that whoever was away, or is slow, reads on from
 * the id that it has seen last: there is no queue per reader.
 */
export class EventBus implements EventSink {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #bounds: EventRingBounds;
  #ring: EventRing;
  readonly #listeners = new Set<EventListener>();
  readonly #undelivered: AcemuxEvent[] = [];
  #isDelivering = false;

  constructor({ bounds, lastId = 0, clock, log }: EventBusDeps) {
    this.#clock = clock;
    this.#log = log;
    this.#bounds = bounds;
    this.#ring = new EventRing(bounds, Math.max(Math.floor(clock.wallMs()) * 1_000, lastId + 1));
  }

  /** Goes on behind the ids that were stored, should the wall clock have gone back meanwhile. Before the first event only. */
  resumeBehind(lastId: number): void {
    if (this.#ring.count > 0 || lastId < this.#ring.nextId) return;
    this.#ring = new EventRing(this.#bounds, lastId + 1);
  }

  /** The id of the newest event; one less than the first will have while there is none. */
  get newestId(): number {
    return this.#ring.nextId - 1;
  }

  /** The id of the oldest event that is held. */
  get oldestId(): number {
    return this.#ring.oldestId;
  }

  emit<Type extends EventType>(type: Type, details: EventDetails<Type>, context: EventContext = {}): number {
    const event: AcemuxEvent = {
      id: this.#ring.nextId,
      type,
      wallMs: this.#clock.wallMs(),
      ...withoutUndefined(context),
      details: clean(details),
    };
    this.#ring.push(event);
    this.#undelivered.push(event);
    this.#deliver();
    return event.id;
  }

  /** Returns how to end it. A listener that throws is logged, and goes on to be called. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Lets go of what is older than this, by the wall clock; returns how many. */
  dropBefore(wallMs: number): number {
    return this.#ring.dropBefore(wallMs);
  }

  /** The event, if it is still held. */
  get(id: number): AcemuxEvent | undefined {
    return this.#ring.get(id);
  }

  /** What is held, the newest first; `beforeId` and what came after it left out. */
  *newestFirst(beforeId = this.#ring.nextId): Generator<AcemuxEvent> {
    for (let id = Math.min(beforeId, this.#ring.nextId) - 1; id >= this.#ring.oldestId; id--) {
      const event = this.#ring.get(id);
      if (event) yield event;
    }
  }

  /** What one listener's call tells comes to all listeners after what it was called for. */
  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    let delivered = 0;
    for (let event = this.#undelivered.shift(); event; event = this.#undelivered.shift()) {
      this.#guard(writeLine, event);
      for (const listener of this.#listeners) this.#guard(listener, event);
      if (++delivered <= ANSWERS_MAX) continue;
      this.#undelivered.length = 0;
      this.#log.error(
        { event: event.type },
        'a listener answers each event with another: please report this',
      );
    }
    this.#isDelivering = false;
  }

  #guard(listener: (event: AcemuxEvent, log: Log) => void, event: AcemuxEvent): void {
    try {
      listener(event, this.#log);
    } catch (error) {
      this.#log.error(
        { err: error, event: event.type },
        'a listener to events failed by a mistake of acemux',
      );
    }
  }
}

function writeLine({ type, id, wallMs, details, ...context }: AcemuxEvent, log: Log): void {
  const { hasOwnLogLine, severity, what } = EVENT_TYPES[type];
  if (!hasOwnLogLine) log[LOG_LEVELS[severity]]({ event: type, ...context, ...details }, what);
}

function withoutUndefined(context: EventContext): EventContext {
  return Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined));
}

/** What may be shown and kept of details: no secrets, bounded, each text on one line, numbers to three digits. */
function clean(details: object): Record<string, DetailValue> {
  const cleaned: Record<string, DetailValue> = {};
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === 'string') cleaned[name] = cleanText(value);
    else if (typeof value === 'boolean') cleaned[name] = value;
    else if (typeof value === 'number' && Number.isFinite(value))
      cleaned[name] = Math.round(value * 1_000) / 1_000;
    else if (Array.isArray(value))
      cleaned[name] = value.slice(0, TEXTS_MAX).map((text) => cleanText(String(text)));
  }
  return cleaned;
}

function cleanText(text: string): string {
  // Cut to its length at last: half a secret must not be taken for none.
  return withoutSecrets(text.slice(0, 10 * TEXT_LENGTH_MAX))
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .slice(0, TEXT_LENGTH_MAX);
}
