import assert from 'node:assert/strict';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { EngineClient } from '../engine/engine-client.ts';
import type { EngineAddress } from '../engine/types.ts';
import type { AttemptOutcome, EngineDemand, EngineSlot, EngineSource } from '../session/ports.ts';
import type { Log } from '../telemetry/log.ts';
import type { Consultant, EngineRecord, EngineSnapshot, FleetClient } from './engine-record.ts';
import type { EngineProvider } from './providers/provider.ts';
import { EngineRegistry } from './registry.ts';
import { chooseEngine, type RefusalReason, type Selection, toConsult } from './selection.ts';

export interface FleetLimits {
  /** MAX_STREAMS_PER_ENGINE */
  readonly maxStreamsPerEngine: number;
  /** FORWARDED_PREFERRED_STREAMS */
  readonly forwardedPreferredStreams: number;
  /** ENGINE_SELECTION_TIMEOUT, milliseconds. */
  readonly selectionTimeoutMs: number;
  /** From the end of one round of probes to the next, milliseconds. */
  readonly checkIntervalMs: number;
  /** HEALTH_FAILURE_THRESHOLD: so many misses in a row turn a healthy engine unhealthy. */
  readonly failureThreshold: number;
}

export interface FleetDeps {
  readonly providers: readonly EngineProvider[];
  /** Builds the client of one engine, which the fleet closes; an `EngineClient` with its own limits if left out. */
  readonly createClient?: (address: EngineAddress) => FleetClient;
  /**
   * Asks for one place that nobody watches to be given up soon; tells whether there was one. Called when a
   * stream waits for a place.
   */
  readonly giveWay?: () => boolean;
  readonly limits: FleetLimits;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FleetReadiness {
  /** Whether there are engines, or a provider that can make some. */
  readonly configured: boolean;
  readonly healthy: number;
  readonly total: number;
}

/** A start that waits for a place. */
interface Waiter {
  readonly exclude: ReadonlySet<string>;
  /** Its time is up, but no engine has been probed yet: it ends with the first probe's result. */
  isOverdue: boolean;
  /** Whether what nobody watches was asked to give way to it: that is done once. */
  hasAskedForWay: boolean;
  readonly settle: (outcome: EngineSlot | AcemuxError) => void;
}

/** All engines, and who may use which: choosing, counting places, waiting for one. */
export class Fleet implements EngineSource, EngineDemand {
  readonly #deps: FleetDeps;
  readonly #registry: EngineRegistry;
  /** In the order in which they came. At any moment, none of them can be given a place. */
  readonly #waiters = new Set<Waiter>();
  #choices = 0;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    const { providers, clock, log, limits } = deps;
    this.#registry = new EngineRegistry({
      providers,
      createClient: deps.createClient ?? ((address) => new EngineClient({ address, clock, log })),
      onChange: () => this.#serveWaiters(),
      checkIntervalMs: limits.checkIntervalMs,
      failureThreshold: limits.failureThreshold,
      clock,
      log,
    });
  }

  /**
   * Starts the providers, then looks after their engines; `reserve` waits meanwhile.
   * @throws whatever a provider throws that can't start
   */
  start(): Promise<void> {
    assert(!this.#started, 'Fleet.start() is called once');
    this.#started = this.#start();
    return this.#started;
  }

  /** Safe to call twice. Sessions are to be ended before: what they still play is cut here. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async reserve(exclude: ReadonlySet<string>, signal: AbortSignal): Promise<EngineSlot> {
    // No await before the place is counted: the choice and the count are one step (DESIGN invariant 6).
    signal.throwIfAborted();
    if (this.#stopped !== undefined) throw new AcemuxError('draining');
    const selection = this.#choose(exclude);
    if (selection.kind === 'chosen') return this.#take(selection.engine);
    if (!this.#isWorthWaiting(exclude)) throw this.#refusal(selection.reason);
    return this.#waitForPlace(exclude, signal);
  }

  /**
   * A healthy engine to ask something that opens no session: the one with the fewest streams. It takes no place.
   * Undefined when none is healthy; `readiness` tells more.
   */
  consult(): Consultant | undefined {
    if (this.#stopped !== undefined) return undefined;
    return toConsult(this.#registry.engines)?.client;
  }

  report(engineId: string, outcome: AttemptOutcome): void {
    const record = this.#registry.get(engineId);
    if (!record) return; // Gone meanwhile.
    record.count(outcome, this.#deps.clock.wallMs());
    if (!outcome.ok && outcome.reason === 'engine_unreachable') void this.#registry.probeNow(record);
  }

  /** How many starts wait for a place. */
  get waitingCount(): number {
    return this.#waiters.size;
  }

  get isCrowded(): boolean {
    for (const { exclude } of this.#waiters) if (isFull(this.#choose(exclude))) return true;
    return false;
  }

  /** In a stable order. */
  snapshot(): readonly EngineSnapshot[] {
    return this.#registry.engines.map((record) => record.snapshot());
  }

  readiness(): FleetReadiness {
    const { engines } = this.#registry;
    return {
      configured: engines.length > 0 || this.#canCreate(),
      healthy: engines.filter(({ health }) => health === 'healthy').length,
      total: engines.length,
    };
  }

  async #start(): Promise<void> {
    await Promise.all(this.#deps.providers.map((provider) => provider.start()));
    if (this.#stopped === undefined) this.#registry.start();
  }

  async #stop(): Promise<void> {
    for (const waiter of [...this.#waiters]) waiter.settle(new AcemuxError('draining'));
    await this.#started?.catch(() => {}); // Whoever called start() has heard of it.
    await this.#registry.stop();
    const ends = await Promise.allSettled(this.#deps.providers.map((provider) => provider.stop()));
    for (const end of ends) {
      if (end.status === 'rejected') this.#deps.log.error({ err: end.reason }, 'provider did not stop');
    }
  }

  #choose(exclude: ReadonlySet<string>): Selection<EngineRecord> {
    const { maxStreamsPerEngine, forwardedPreferredStreams } = this.#deps.limits;
    return chooseEngine(this.#registry.engines, { maxStreamsPerEngine, forwardedPreferredStreams, exclude });
  }

  /** The only place where places are counted up … */
  #take(record: EngineRecord): EngineSlot {
    record.streams++;
    record.lastChosen = ++this.#choices;
    record.lastUsedAtMs = this.#deps.clock.wallMs();
    let isHeld = true;
    return {
      engine: record,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#giveBack(record);
      },
    };
  }

  /** … and the only one where they are counted down. */
  #giveBack(record: EngineRecord): void {
    record.streams--;
    assert(record.streams >= 0, 'a place is given back once');
    if (record.streams === 0) this.#registry.onIdle(record);
    this.#serveWaiters();
  }

  #waitForPlace(exclude: ReadonlySet<string>, signal: AbortSignal): Promise<EngineSlot> {
    const { clock, limits } = this.#deps;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      const leave = (): void => {
        this.#waiters.delete(waiter);
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        exclude,
        isOverdue: false,
        hasAskedForWay: false,
        settle: (outcome) => {
          leave();
          if (outcome instanceof AcemuxError) reject(outcome);
          else resolve(outcome);
        },
      };
      const timer: Timer = clock.startTimer(limits.selectionTimeoutMs, () => {
        waiter.isOverdue = true;
        this.#serve(waiter);
      });
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
      this.#serve(waiter);
    });
  }

  /** First come, first served; every place that becomes free and every change of health comes by here. */
  #serveWaiters(): void {
    for (const waiter of [...this.#waiters]) this.#serve(waiter);
  }

  #serve(waiter: Waiter): void {
    if (!this.#waiters.has(waiter)) return; // Settled by what serving another one brought about.
    const selection = this.#choose(waiter.exclude);
    if (selection.kind === 'chosen') waiter.settle(this.#take(selection.engine));
    else if (waiter.isOverdue && !this.#isUndecided(waiter.exclude)) {
      waiter.settle(this.#refusal(selection.reason));
    } else if (isFull(selection) && !waiter.hasAskedForWay) {
      waiter.hasAskedForWay = true;
      this.#deps.giveWay?.();
    }
  }

  /** Nothing is known yet of any engine that could serve: the first probes will tell. */
  #isUndecided(exclude: ReadonlySet<string>): boolean {
    const open = this.#registry.engines.filter(({ id }) => !exclude.has(id));
    return !this.#registry.isListed || (open.length > 0 && open.every(({ health }) => health === 'unknown'));
  }

  /** Whether there is, or may be soon, an engine that was not tried yet. */
  #isWorthWaiting(exclude: ReadonlySet<string>): boolean {
    if (this.#deps.providers.length === 0) return false;
    if (!this.#registry.isListed) return true;
    return this.#registry.engines.some(({ id }) => !exclude.has(id));
  }

  #canCreate(): boolean {
    return this.#deps.providers.some(({ creates }) => creates);
  }

  #refusal(reason: RefusalReason): AcemuxError {
    const isMakingThem = reason === 'no_engines_configured' && this.#canCreate();
    return new AcemuxError(isMakingThem ? 'no_engine_available' : reason);
  }
}

function isFull(selection: Selection<unknown>): boolean {
  return selection.kind === 'none' && selection.reason === 'no_capacity';
}
