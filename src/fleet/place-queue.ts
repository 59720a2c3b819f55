import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { EngineSlot, PlaceRequest } from '../session/ports.ts';
import type { EngineRecord } from './engine-record.ts';
import type { NoChoice, Selection } from './selection.ts';

export interface PlaceQueueDeps {
  readonly choose: (request: PlaceRequest) => Selection<EngineRecord>;
  /** Counts the place; in the same turn as `choose`. */
  readonly take: (engine: EngineRecord, request: PlaceRequest) => EngineSlot;
  /** Whether waiting longer would change nothing soon. `ahead`: how many wait for a new engine before this one. */
  readonly isDecided: (reason: NoChoice, request: PlaceRequest, ahead: number) => boolean;
  readonly refusal: (reason: NoChoice) => AcemuxError;
  /** Asks for a place back that only speeds another start up; tells whether one is free soon. */
  readonly endHedge: (request: PlaceRequest) => boolean;
  /** Asks for a place that nobody watches to be given up soon. */
  readonly askForWay: (request: PlaceRequest, reason: NoChoice) => void;
  /** The number of those for whom a new engine would be good has changed. */
  readonly onDemand: () => void;
  /** ENGINE_SELECTION_TIMEOUT, milliseconds. */
  readonly timeoutMs: () => number;
  readonly clock: Clock;
}

/** A start that waits for a place. */
interface Waiter {
  readonly request: PlaceRequest;
  /** Its time is up, but an engine may come soon, or nothing is known yet: it ends when that is decided. */
  isOverdue: boolean;
  /** Whether what nobody watches was asked to give way to it: that is done once. */
  hasAskedForWay: boolean;
  /** A place that only sped another start up is being given back for it. */
  isMadeRoomFor: boolean;
  readonly settle: (outcome: EngineSlot | AcemuxError) => void;
}

const NONE: ReadonlySet<string> = new Set();
/** Of these a new engine would be the cure. */
const WANTS_ENGINE: ReadonlySet<NoChoice> = new Set([
  'no_engines_configured',
  'no_engine_available',
  'no_capacity',
  'infohash_in_use',
]);

/** The starts that wait for a place, in the order in which they came. At any moment, none of them can be given one. */
export class PlaceQueue {
  readonly #deps: PlaceQueueDeps;
  readonly #waiters = new Set<Waiter>();

  constructor(deps: PlaceQueueDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /**
   * How many wait that a new engine would serve. Not those whose start has failed on engines that have room: what nobody
   * can play must not make engines.
   */
  get demand(): number {
    let demand = 0;
    for (const { request } of this.#waiters) if (this.#wantsEngine(request)) demand++;
    return demand;
  }

  /** Whether a start waits because all engines that could serve it are full. */
  get isCrowded(): boolean {
    for (const { request, isMadeRoomFor } of this.#waiters) {
      if (!isMadeRoomFor && isFull(this.#deps.choose(request))) return true;
    }
    return false;
  }

  /**
   * Waits for a place.
   * @throws AcemuxError why there is none; the signal's reason
   */
  wait(request: PlaceRequest, signal: AbortSignal): Promise<EngineSlot> {
    const { clock, timeoutMs, onDemand } = this.#deps;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      const leave = (): void => {
        this.#waiters.delete(waiter);
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        onDemand();
      };
      const waiter: Waiter = {
        request,
        isOverdue: false,
        hasAskedForWay: false,
        isMadeRoomFor: false,
        settle: (outcome) => {
          leave();
          if (outcome instanceof AcemuxError) reject(outcome);
          else resolve(outcome);
        },
      };
      const timer: Timer = clock.startTimer(timeoutMs(), () => {
        waiter.isOverdue = true;
        this.#serve(waiter);
      });
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
      this.#serve(waiter);
      if (this.#waiters.has(waiter)) onDemand();
    });
  }

  /** First come, first served; every place that becomes free and every change of health comes by here. */
  serve(): void {
    for (const waiter of [...this.#waiters]) this.#serve(waiter);
  }

  /** Ends all waiting. */
  refuse(error: AcemuxError): void {
    for (const waiter of [...this.#waiters]) waiter.settle(error);
  }

  #serve(waiter: Waiter): void {
    if (!this.#waiters.has(waiter)) return; // Settled by what serving another one brought about.
    const { choose, take, isDecided, refusal } = this.#deps;
    const { request } = waiter;
    const selection = choose(request);
    if (selection.kind === 'chosen') waiter.settle(take(selection.engine, request));
    else if (waiter.isOverdue && isDecided(selection.reason, request, this.#ahead(waiter))) {
      waiter.settle(refusal(selection.reason));
    } else if (!waiter.hasAskedForWay) this.#askForWay(waiter, selection.reason);
  }

  #askForWay(waiter: Waiter, reason: NoChoice): void {
    if (reason !== 'no_capacity' && reason !== 'infohash_in_use') return;
    // What was only taken to be quicker must not cost anybody anything: it goes first.
    waiter.isMadeRoomFor = this.#deps.endHedge(waiter.request);
    if (waiter.isMadeRoomFor) return;
    waiter.hasAskedForWay = true;
    this.#deps.askForWay(waiter.request, reason);
  }

  #ahead(waiter: Waiter): number {
    let ahead = 0;
    for (const other of this.#waiters) {
      if (other === waiter) break;
      if (this.#wantsEngine(other.request)) ahead++;
    }
    return ahead;
  }

  #wantsEngine(request: PlaceRequest): boolean {
    const { choose } = this.#deps;
    const selection = choose(request.exclude.size === 0 ? request : { ...request, exclude: NONE });
    return selection.kind === 'none' && WANTS_ENGINE.has(selection.reason);
  }
}

function isFull(selection: Selection<unknown>): boolean {
  return selection.kind === 'none' && selection.reason === 'no_capacity';
}
