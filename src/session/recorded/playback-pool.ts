import { untilAborted } from '../../base/abort.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { AcemuxError, type ReasonCode, reasonOf } from '../../base/reasons.ts';
import type { StreamSelector } from '../../engine/types.ts';
import type { Log } from '../../telemetry/log.ts';
import type { EngineDemand, EngineSlot, EngineSource, PlaceRequest, SessionObserver } from '../ports.ts';
import { FilePlayback } from './file-playback.ts';

/** What nobody reads is kept so long for the reader who comes back: players close and open for every seek. */
const IDLE_MS = 30_000;
/** The same while others wait for a place: long enough for a seek. */
const CROWDED_IDLE_MS = 1_000;
/** A reader whose client has taken nothing for so long can do without its playback. */
const BLOCKED_MS = 2_000;
/** How often those who wait look whether there is such a one. */
const LOOK_MS = 500;

/** One reader of one file. */
export interface Borrower {
  /** Of the file and of the viewer: those who have it alike use each other's playbacks, one after the other. */
  readonly key: string;
  readonly selector: StreamSelector;
  /** The broadcast; undefined: nobody has told it. */
  readonly infohash: string | undefined;
  /** Since when its client has taken nothing, on the clock; undefined: it waits for the engine, not for its client. */
  readonly blockedSinceMs: number | undefined;
  /** Its playback is taken from it; it will borrow another one when its client goes on. */
  onTaken(playback: FilePlayback): void;
}

export interface Loan {
  readonly playback: FilePlayback;
  /** It was read before. */
  readonly isUsed: boolean;
}

export interface PlaybackPoolDeps {
  readonly engines: EngineSource & EngineDemand;
  readonly observer: SessionObserver;
  readonly limits: PoolLimits;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PoolLimits {
  /** EMPTY_STREAM_TIMEOUT: an engine has so long to answer to a start, milliseconds. */
  readonly firstByteTimeoutMs: number;
  /** CLIENT_TIMEOUT: whoever takes nothing for so long needs no playback, milliseconds. */
  readonly clientTimeoutMs: number;
  /** STREAM_IDLE_TIMEOUT, milliseconds. */
  readonly idleTimeoutMs: number;
}

interface Waiter {
  readonly borrower: Borrower;
  readonly exclude: ReadonlySet<string>;
  readonly take: (playback: FilePlayback) => void;
}

interface Entry {
  readonly key: string;
  borrower: Borrower | undefined;
  timer: Timer | undefined;
}

/**
 * The playbacks of recorded files: one for each reader that is active, on places like any other (DESIGN invariants 1 and
 * 6), and handed from request to request of one viewer, so that a seek opens nothing.
 */
export class PlaybackPool {
  readonly #deps: PlaybackPoolDeps;
  readonly #entries = new Map<FilePlayback, Entry>();
  readonly #waiters = new Set<Waiter>();
  readonly #ending = new Set<Promise<void>>();

  constructor(deps: PlaybackPoolDeps) {
    this.#deps = deps;
  }

  get playbacks(): readonly FilePlayback[] {
    return [...this.#entries.keys()];
  }

  /** Who reads this playback now; undefined: nobody. */
  readerOf(playback: FilePlayback): Borrower | undefined {
    return this.#entries.get(playback)?.borrower;
  }

  /** One that those with this key have. */
  find(key: string): FilePlayback | undefined {
    for (const [playback, entry] of this.#entries) if (entry.key === key) return playback;
    return undefined;
  }

  /**
   * Lends a playback: the viewer's own that nobody reads, else a new one, else the one of a connection of the same viewer
   * that takes nothing. A new one is opened; if that fails it has been ended.
   * @param exclude ids of engines that are not wanted
   * @param lastEngine the engine that comes last
   * @throws AcemuxError no_engines_configured, no_engine_available, no_capacity; why it does not play; the signal's reason
   */
  async borrow(
    borrower: Borrower,
    exclude: ReadonlySet<string>,
    lastEngine: string | undefined,
    signal: AbortSignal,
    onAsked: (engineId: string) => void,
  ): Promise<Loan> {
    signal.throwIfAborted();
    const idle = this.#findIdle(borrower.key, exclude);
    if (idle) return this.#lend(idle, borrower);
    const { infohash } = borrower;
    const request: PlaceRequest = { exclude, infohash, preferredEngine: undefined, lastEngine };
    const slot = this.#deps.engines.tryReserve(request);
    const found = slot ?? (await this.#wait(borrower, request, signal));
    if (found instanceof FilePlayback) return this.#lend(found, borrower);
    onAsked(found.engine.id);
    return this.#open(found, borrower, signal);
  }

  /** Takes a playback back that plays on: the same viewer may want it soon. */
  giveBack(playback: FilePlayback): void {
    const entry = this.#entries.get(playback);
    if (!entry) return;
    entry.borrower = undefined;
    entry.timer?.cancel();
    playback.rest();
    for (const waiter of this.#waiters) {
      if (waiter.borrower.key !== entry.key || waiter.exclude.has(playback.engineId)) continue;
      playback.lend();
      waiter.take(playback);
      return;
    }
    const { clock, engines, limits } = this.#deps;
    const { idleTimeoutMs } = limits;
    const idleMs = Math.min(idleTimeoutMs, engines.isCrowded ? CROWDED_IDLE_MS : IDLE_MS);
    entry.timer = clock.startTimer(idleMs, () => this.end(playback, 'idle'));
  }

  /** Ends a playback; its place is given back as soon as the engine has stopped it. */
  end(playback: FilePlayback, reason: ReasonCode): void {
    const entry = this.#entries.get(playback);
    if (!entry) return;
    entry.timer?.cancel();
    this.#entries.delete(playback);
    this.#close(playback, reason);
    entry.borrower?.onTaken(playback);
  }

  /** Ends one that nobody reads, the longest so first; false: there is none. */
  giveWay(infohash: string | undefined): boolean {
    const idle = [...this.#entries.keys()]
      .filter((playback) => playback.idleSinceMs !== undefined)
      .filter((playback) => infohash === undefined || playback.infohash === infohash)
      .sort((one, other) => (one.idleSinceMs ?? 0) - (other.idleSinceMs ?? 0));
    const [first] = idle;
    if (first) this.end(first, 'idle');
    return first !== undefined;
  }

  /** Ends all; resolves when every engine is free of them. */
  async stop(reason: ReasonCode): Promise<void> {
    for (const playback of [...this.#entries.keys()]) this.end(playback, reason);
    await Promise.all(this.#ending);
  }

  #close(playback: FilePlayback, reason: ReasonCode): void {
    const ending = playback.end(reason);
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
  }

  #findIdle(key: string, exclude: ReadonlySet<string>): FilePlayback | undefined {
    for (const [playback, entry] of this.#entries) {
      const isIdle = playback.idleSinceMs !== undefined && !playback.leaving.aborted;
      if (isIdle && entry.key === key && !exclude.has(playback.engineId)) return playback;
    }
    return undefined;
  }

  #lend(playback: FilePlayback, borrower: Borrower): Loan {
    const entry = this.#entries.get(playback);
    // Ended in the same moment in which it was found.
    if (!entry) throw new AcemuxError('playback_unknown');
    entry.timer?.cancel();
    entry.timer = undefined;
    entry.borrower = borrower;
    playback.lend();
    return { playback, isUsed: true };
  }

  async #open(slot: EngineSlot, borrower: Borrower, signal: AbortSignal): Promise<Loan> {
    const { clock, limits, log, observer } = this.#deps;
    const { firstByteTimeoutMs } = limits;
    const { key, selector } = borrower;
    const playback = new FilePlayback({ slot, selector, observer, clock, log });
    const entry: Entry = { key, borrower, timer: undefined };
    this.#entries.set(playback, entry);
    const onLeaving = (): void => this.end(playback, 'engine_leaving');
    slot.leaving.addEventListener('abort', onLeaving, { once: true });
    const late = new AbortController();
    const timer = clock.startTimer(firstByteTimeoutMs, () => late.abort(new AcemuxError('engine_timeout')));
    try {
      await untilAborted(playback.open(), AbortSignal.any([signal, late.signal]));
      return { playback, isUsed: false };
    } catch (error) {
      entry.borrower = undefined;
      this.end(playback, reasonOf(error));
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** Resolves to a place, or to a playback of the same viewer that has become free before. */
  #wait(borrower: Borrower, request: PlaceRequest, signal: AbortSignal): Promise<EngineSlot | FilePlayback> {
    const { clock, engines } = this.#deps;
    return new Promise((resolve, reject) => {
      const found = new AbortController();
      let timer: Timer | undefined;
      const over = (): boolean => {
        if (found.signal.aborted) return true;
        timer?.cancel();
        this.#waiters.delete(waiter);
        found.abort();
        return false;
      };
      const waiter: Waiter = {
        borrower,
        exclude: request.exclude,
        take: (playback) => void (over() || resolve(playback)),
      };
      this.#waiters.add(waiter);
      const look = (): void => {
        this.#takeFromBlocked(borrower);
        if (!found.signal.aborted) timer = clock.startTimer(LOOK_MS, look);
      };
      look();
      if (found.signal.aborted) return;
      engines.reserve(request, AbortSignal.any([signal, found.signal])).then(
        (slot) => {
          if (over()) slot.release();
          else resolve(slot);
        },
        (error: unknown) => void (over() || reject(error)),
      );
    });
  }

  /** The playback of another connection of the same viewer whose client takes nothing: it may be one that was left behind. */
  #takeFromBlocked(wanting: Borrower): void {
    for (const [playback, { key, borrower }] of this.#entries) {
      if (key === wanting.key && borrower && borrower !== wanting && this.#isBlocked(borrower, BLOCKED_MS)) {
        this.#takeBack(playback);
        return;
      }
    }
  }

  #takeBack(playback: FilePlayback): void {
    const borrower = this.#entries.get(playback)?.borrower;
    this.giveBack(playback);
    borrower?.onTaken(playback);
  }

  #isBlocked({ blockedSinceMs }: Borrower, forMs: number): boolean {
    return blockedSinceMs !== undefined && this.#deps.clock.nowMs() - blockedSinceMs >= forMs;
  }

  /** Takes the playback of a reader whose client has paused: the place is for those who watch. */
  considerPaused(borrower: Borrower): void {
    if (!this.#isBlocked(borrower, this.#deps.limits.clientTimeoutMs)) return;
    for (const [playback, entry] of this.#entries) if (entry.borrower === borrower) this.#takeBack(playback);
  }
}
