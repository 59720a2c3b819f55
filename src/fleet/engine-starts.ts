import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import type { AskedStart, LeftStart, StartJournal, StartNote } from '../engine/start-journal.ts';
import type { EngineAddress, StreamSelector } from '../engine/types.ts';
import type { StartRow, StartRows } from '../store/start-rows.ts';
import type { EventSink } from '../telemetry/events/event.ts';
import type { Log } from '../telemetry/log.ts';

/** A start waits so long for its entry to be written; then it goes on. */
const NOTE_WAIT_MS = 100;
/** Viewers of the process before have so long to come back to what it has left; then it is stopped. */
const RETURN_MS = 5_000;
/** At the end of acemux what is still left has so long to be stopped. */
const LAST_STOPS_MS = 1_000;
/** From one look at what is left to the next. */
const LOOK_MS = 1_000;
/** An engine ends what nobody reads after 60 s (reference 5); a little more, because it may begin to count late. */
const ENGINE_IDLE_MS = 65_000;
/** What was left on an engine that does not appear is forgotten after this. */
const FORGET_MS = 5 * 60_000;
/** That entries are late is told once in so long. */
const ALARM_MS = 60_000;

/** The part of an engine's client that stops what was left. */
export type LeftStopper = Pick<EngineClient, 'stopLeft'>;

export interface EngineStartsDeps {
  readonly rows: Pick<StartRows, 'add' | 'noteOpened' | 'remove' | 'list'>;
  /** The client of the engine at this address; undefined: the fleet has none there. */
  readonly clientAt: (address: EngineAddress) => LeftStopper | undefined;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
}

/** Something that a process before this one has left on an engine. */
interface Left extends LeftStart {
  readonly id: string;
  /** Stopping it, as soon as that has begun. */
  stopping: Promise<boolean> | undefined;
  /** It could not be stopped: until then its engine gets no start of this stream. */
  barredUntilMs: number | undefined;
}

/**
 * What engines were asked for, written down before they are asked, so that it is stopped in the next life if not in this
 * one (DESIGN invariant 5). A viewer who comes back soon goes on with what was left: the engine is asked by the same
 * player, and answers with what it has open (reference 9, 18).
 */
export class EngineStarts implements StartJournal {
  readonly #deps: EngineStartsDeps;
  readonly #left = new Set<Left>();
  readonly #forgetting = new Set<Timer>();
  #timer: Timer | undefined;
  #beganMs = 0;
  #alarmedAtMs: number | undefined;
  #isStopped = false;

  constructor(deps: EngineStartsDeps) {
    this.#deps = deps;
  }

  /** Reads what is left. To be awaited before engines are asked for anything. Never rejects. */
  async load(): Promise<void> {
    const { clock, log, rows } = this.#deps;
    this.#beganMs = clock.nowMs();
    try {
      for (const row of await rows.list()) {
        const left = leftOf(row);
        if (left) this.#left.add(left);
        else rows.remove(row.id);
      }
    } catch (error) {
      log.warn({ err: error }, 'what the process before has left on engines is not known');
    }
    if (this.#left.size === 0) return;
    log.info({ count: this.#left.size }, 'the process before has left playbacks on engines');
    this.#watch();
  }

  /** Stops what is still left, as far as that goes within a second. Before the clients of the engines are closed. */
  async stop(): Promise<void> {
    const { clock } = this.#deps;
    this.#isStopped = true;
    this.#timer?.cancel();
    for (const timer of this.#forgetting) timer.cancel();
    this.#forgetting.clear();
    const { promise: tooLong, resolve } = Promise.withResolvers<void>();
    const timer = clock.startTimer(LAST_STOPS_MS, resolve);
    await Promise.race([tooLong, Promise.all([...this.#left].map((left) => this.#stop(left)))]);
    timer.cancel();
  }

  /** How much is left that is not known to be over. */
  get leftCount(): number {
    return this.#left.size;
  }

  /** Broadcasts that the engine at this address was playing when the process before ended. */
  playedAt(address: EngineAddress): readonly string[] {
    return [...this.#left].flatMap((left) =>
      isSameAddress(left.address, address) && left.infohash !== undefined ? [left.infohash] : [],
    );
  }

  async note(asked: AskedStart): Promise<StartNote> {
    const { clock, rows } = this.#deps;
    const heir = this.#takeOver(asked);
    if (!heir) await this.#makeRoom(asked);
    const { id, pid } = heir ?? { id: randomUUID(), pid: randomUUID() };
    const { address, selector, wanted, infohash } = asked;
    const entry = { selector, wanted, infohash, pid };
    const to = await rows.add(
      { id, address: textOf(address), asked: entry, commandUrl: undefined, askedAtMs: clock.wallMs() },
      NOTE_WAIT_MS,
    );
    if (to === 'waiting' || to === 'lost') this.#alarm(to);
    return {
      pid,
      opened: (playback) =>
        rows.noteOpened(id, playback.commandUrl.href, { ...entry, infohash: playback.infohash }),
      over: () => rows.remove(id),
      left: () => this.#forgetLater(id),
    };
  }

  /** What was left of the very same start, if it is not being stopped yet. */
  #takeOver(asked: AskedStart): Left | undefined {
    for (const left of this.#left) {
      const isFree = left.stopping === undefined && left.barredUntilMs === undefined;
      if (!isFree || !isSameStart(left, asked)) continue;
      this.#left.delete(left);
      this.#deps.log.info({ hash: left.selector.hash }, 'a start goes on with what was left');
      return left;
    }
    return undefined;
  }

  /** Stops what may be the same broadcast: two at once on one engine harm each other (DESIGN invariant 1). */
  async #makeRoom(asked: AskedStart): Promise<void> {
    for (const left of [...this.#left]) {
      if (!maybeSame(left, asked)) continue;
      if (await this.#stop(left)) continue;
      const waitMs = (left.barredUntilMs ?? 0) - this.#deps.clock.nowMs();
      throw new AcemuxError('engine_occupied', undefined, {
        retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)),
      });
    }
  }

  /** Whether it is gone from its engine. */
  async #stop(left: Left): Promise<boolean> {
    if (left.barredUntilMs !== undefined) return !this.#left.has(left);
    const client = this.#deps.clientAt(left.address);
    if (!client) return false;
    left.stopping ??= this.#stopAt(client, left);
    return left.stopping;
  }

  async #stopAt(client: LeftStopper, left: Left): Promise<boolean> {
    const { clock, log, rows } = this.#deps;
    const fields = { hash: left.selector.hash, infohash: left.infohash, engineAddress: textOf(left.address) };
    const isStopped = await client.stopLeft(left);
    if (isStopped) {
      this.#left.delete(left);
      rows.remove(left.id);
      log.info(fields, 'stopped what the process before had left');
    } else {
      left.barredUntilMs = clock.nowMs() + ENGINE_IDLE_MS;
      log.warn(fields, 'what the process before had left is not stopped: the engine ends it by itself');
    }
    return isStopped;
  }

  /** While anything is left, looks what is to be done about it. */
  #watch(): void {
    this.#timer = this.#deps.clock.startTimer(LOOK_MS, () => {
      const nowMs = this.#deps.clock.nowMs();
      for (const left of [...this.#left]) this.#consider(left, nowMs);
      if (this.#left.size > 0) this.#watch();
    });
  }

  #consider(left: Left, nowMs: number): void {
    const ageMs = nowMs - this.#beganMs;
    const isOver = left.barredUntilMs !== undefined && nowMs >= left.barredUntilMs;
    if (isOver || ageMs >= FORGET_MS) {
      this.#left.delete(left);
      this.#deps.rows.remove(left.id);
    } else if (ageMs >= RETURN_MS || left.commandUrl === undefined) void this.#stop(left);
  }

  /** Its engine ends it by itself; should this process be killed before, the next one tries to stop it. */
  #forgetLater(id: string): void {
    const { clock, rows } = this.#deps;
    if (this.#isStopped) return;
    const timer = clock.startTimer(ENGINE_IDLE_MS, () => {
      this.#forgetting.delete(timer);
      rows.remove(id);
    });
    this.#forgetting.add(timer);
  }

  #alarm(to: 'waiting' | 'lost'): void {
    const { clock, events } = this.#deps;
    const nowMs = clock.nowMs();
    if (this.#alarmedAtMs !== undefined && nowMs - this.#alarmedAtMs < ALARM_MS) return;
    this.#alarmedAtMs = nowMs;
    events.emit('system.start_not_noted', { state: to });
  }
}

function isSameStart(left: Left, asked: AskedStart): boolean {
  return (
    left.wanted === 'stream' &&
    asked.wanted === 'stream' &&
    isSameAddress(left.address, asked.address) &&
    nameOf(left.selector) === nameOf(asked.selector)
  );
}

/** Unless both are known to be different broadcasts, they may be one. */
function maybeSame(left: Left, asked: AskedStart): boolean {
  if (!isSameAddress(left.address, asked.address)) return false;
  const one = left.infohash ?? infohashIn(left.selector);
  const other = asked.infohash ?? infohashIn(asked.selector);
  return one === undefined || other === undefined || one === other;
}

function infohashIn({ kind, hash }: StreamSelector): string | undefined {
  return kind === 'infohash' ? hash : undefined;
}

function nameOf({ kind, hash, parameters }: StreamSelector): string {
  return JSON.stringify([kind, hash, Object.entries(parameters).sort()]);
}

function isSameAddress(one: EngineAddress, other: EngineAddress): boolean {
  return one.host === other.host && one.port === other.port;
}

function textOf({ host, port }: EngineAddress): string {
  return `${host}:${port}`;
}

/** Undefined: it is not what acemux writes. */
function leftOf({ id, address, asked, commandUrl }: StartRow): Left | undefined {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  const { selector, wanted, infohash, pid } = fieldsOf(asked);
  const { kind, hash, parameters } = fieldsOf(selector);
  const isHash = typeof hash === 'string' && /^[0-9a-f]{40}$/.test(hash);
  if (host === undefined || !isHash || typeof pid !== 'string') return undefined;
  if ((kind !== 'id' && kind !== 'infohash') || (wanted !== 'stream' && wanted !== 'file')) return undefined;
  return {
    id,
    address: { host, port: Number(port) },
    selector: { kind, hash, parameters: textsOf(parameters) },
    wanted,
    infohash: typeof infohash === 'string' ? infohash : undefined,
    pid,
    commandUrl,
    stopping: undefined,
    barredUntilMs: undefined,
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function textsOf(value: unknown): Record<string, string> {
  const entries = Object.entries(fieldsOf(value));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
