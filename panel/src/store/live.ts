import { batch, signal } from '@preact/signals';
import { EVENT_TABLE } from '../../../src/telemetry/events/event-table.ts';
import { get, keyWanted, RefusedError, url } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';
import { isPlayer, loadMe } from './me.ts';
import { Rates } from './rates.ts';

export type Overview = Replies['GET /overview'];
export type Stream = Overview['streams'][number];
export type Engine = Overview['engines'][number];
export type Happening = Replies['GET /events'][number];
export type Connection = 'connecting' | 'live' | 'lost' | 'denied';

/** So many events are held in the page, whatever comes. */
const EVENTS_MAX = 2_000;
const FIRST_EVENTS = 400;
/** Events are shown in heaps: so often at most. */
const FLUSH_MS = 200;
/** acemux speaks every two seconds: after so long without a word something is in between. */
const SILENCE_MS = 12_000;
/** A page that nobody sees for so long lets its connection go. */
const HIDDEN_MS = 60_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15_000;

export const connection = signal<Connection>('connecting');
/** When the connection was lost, by acemux's clock. */
export const lostAtMs = signal<number | undefined>(undefined);
export const overview = signal<Overview | undefined>(undefined);
/** The newest first. */
export const happenings = signal<readonly Happening[]>([]);
/** Grows with each event that has arrived; what has come is the first of `happenings`. */
export const eventCount = signal(0);
export const missedSome = signal(false);
/** acemux's clock less this device's. */
export const skewMs = signal(0);
/** acemux's time, turning with each overview and each second. */
export const nowMs = signal(Date.now());
export const rates = new Rates();

type Listener = (events: readonly Happening[]) => void;
const listeners = new Set<Listener>();

/** Tells of events as they come, in heaps, oldest first. */
export function onHappenings(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The one connection by which all that is live comes. */
export class LiveFeed {
  #source: EventSource | undefined;
  #pending: Happening[] = [];
  #flush: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #hidden: ReturnType<typeof setTimeout> | undefined;
  #tick: ReturnType<typeof setInterval> | undefined;
  #retryMs = RETRY_FIRST_MS;
  #lastWordMs = performance.now();
  #lastId: number | undefined;
  /** Grows with each opening and closing: what was begun before one of these is nobody's any more. */
  #turn = 0;

  start(): void {
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#tick = setInterval(this.#onTick, 1_000);
    void this.#open();
  }

  stop(): void {
    document.removeEventListener('visibilitychange', this.#onVisibility);
    clearInterval(this.#tick);
    clearTimeout(this.#hidden);
    clearTimeout(this.#flush);
    this.#close();
  }

  /** At once, instead of after the pause: somebody has logged in, or asks for it. */
  readonly again = (): void => {
    this.#close();
    void this.#open();
  };

  async #open(): Promise<void> {
    // Whether all is well waits for nothing else: on a slow line each question takes its time.
    this.#turn++;
    const turn = this.#turn;
    const isFirst = this.#lastId === undefined;
    const asked = await Promise.allSettled([isFirst ? this.#loadOverview() : undefined, loadMe()]);
    try {
      for (const each of asked) if (each.status === 'rejected') throw each.reason;
      if (isFirst) await this.#loadEvents();
    } catch (error) {
      if (turn === this.#turn) this.#failed(error);
      return;
    }
    if (turn !== this.#turn) return;
    const after = this.#lastId === undefined ? '' : `&last_event_id=${this.#lastId}`;
    const source = new EventSource(url(`/events/stream?overview=true${after}`));
    this.#source = source;
    this.#lastWordMs = performance.now();
    source.addEventListener('overview', ({ data }) => this.#onOverview(JSON.parse(data)));
    source.addEventListener('missed', () => {
      missedSome.value = true;
    });
    for (const type of Object.keys(EVENT_TABLE)) source.addEventListener(type, this.#onEvent);
    source.onerror = () => {
      // The browser would come back by itself, but not after a refusal, and it would not say why.
      void this.#ask();
    };
  }

  async #loadOverview(): Promise<void> {
    this.#onOverview(await get('GET /overview', '/overview'));
  }

  async #loadEvents(): Promise<void> {
    const events = await get('GET /events', `/events?limit=${FIRST_EVENTS}`);
    happenings.value = events;
    eventCount.value += events.length;
    this.#lastId = events[0]?.id;
  }

  /** Finds out why there is no connection. */
  async #ask(): Promise<void> {
    this.#close();
    const turn = this.#turn;
    const error = await this.#loadOverview().catch((reason: unknown) => reason);
    if (turn === this.#turn) this.#failed(error);
  }

  #failed(error: unknown): void {
    this.#close();
    const isDenied = error instanceof RefusedError && (error.status === 401 || error.status === 403);
    batch(() => {
      if (isDenied && !isPlayer.value) keyWanted.value ??= 'view';
      if (connection.value === 'live') lostAtMs.value = nowMs.value;
      lostAtMs.value ??= nowMs.value;
      connection.value = isDenied ? 'denied' : 'lost';
    });
    if (isDenied) return;
    this.#retry = setTimeout(() => void this.#open(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 1.6);
  }

  #close(): void {
    this.#turn++;
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = undefined;
  }

  #onOverview(next: Overview): void {
    this.#lastWordMs = performance.now();
    const atMs = Date.parse(next.at);
    batch(() => {
      skewMs.value = atMs - Date.now();
      nowMs.value = atMs;
      rates.add(atMs, next);
      overview.value = next;
      if (this.#source) {
        this.#retryMs = RETRY_FIRST_MS;
        connection.value = 'live';
        lostAtMs.value = undefined;
      }
    });
  }

  readonly #onEvent = ({ data }: MessageEvent<string>): void => {
    const happening = JSON.parse(data) as Happening;
    this.#lastWordMs = performance.now();
    if (this.#lastId !== undefined && happening.id <= this.#lastId && happening.id > this.#lastId - 1e6)
      return;
    this.#lastId = happening.id;
    this.#pending.push(happening);
    // Thousands at once: what would not be held is not kept for the next heap either.
    if (this.#pending.length > 2 * EVENTS_MAX) this.#pending = this.#pending.slice(-EVENTS_MAX);
    this.#flush ??= setTimeout(this.#onFlush, FLUSH_MS);
  };

  readonly #onFlush = (): void => {
    this.#flush = undefined;
    const heap = this.#pending;
    this.#pending = [];
    batch(() => {
      happenings.value = [...heap.toReversed(), ...happenings.value].slice(0, EVENTS_MAX);
      eventCount.value += heap.length;
    });
    for (const listener of listeners) listener(heap);
  };

  readonly #onTick = (): void => {
    nowMs.value = Date.now() + skewMs.value;
    if (this.#source && performance.now() - this.#lastWordMs > SILENCE_MS) void this.#ask();
  };

  readonly #letGo = (): void => {
    this.#close();
    // What is live again asks for what no event has told of.
    if (connection.value === 'live') connection.value = 'connecting';
  };

  readonly #onVisibility = (): void => {
    clearTimeout(this.#hidden);
    if (document.hidden) {
      this.#hidden = setTimeout(this.#letGo, HIDDEN_MS);
    } else if (!this.#source && connection.value !== 'denied') this.again();
  };
}
