import assert from 'node:assert/strict';
import { untilAborted } from '../base/abort.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { EngineClient } from '../engine/engine-client.ts';
import type { EngineAddress } from '../engine/types.ts';
import type {
  AttemptReport,
  EngineDemand,
  EngineSlot,
  EngineSource,
  PlaceRequest,
} from '../session/ports.ts';
import type { EventSink } from '../telemetry/events/event.ts';
import type { Log } from '../telemetry/log.ts';
import type { Consultant, EngineRecord, EngineSnapshot, FleetClient, Place } from './engine-record.ts';
import { Suspicion } from './health/suspicion.ts';
import type { EngineProvider } from './providers/provider.ts';
import { EngineRegistry } from './registry.ts';
import { chooseEngine, type NoChoice, type Selection, toConsult } from './selection.ts';

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
   * Asks for one place that nobody watches to be given up soon, one that has this broadcast if one is named; tells
   * whether there was one. Called when a stream waits for a place.
   */
  readonly giveWay?: (infohash: string | undefined) => boolean;
  readonly limits: FleetLimits;
  readonly events: EventSink;
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
  readonly request: PlaceRequest;
  /** Its time is up, but no engine has been probed yet: it ends with the first probe's result. */
  isOverdue: boolean;
  /** Whether what nobody watches was asked to give way to it: that is done once. */
  hasAskedForWay: boolean;
  /** A place that only sped another start up is being given back for it. */
  isMadeRoomFor: boolean;
  readonly settle: (outcome: EngineSlot | AcemuxError) => void;
}

/** All engines, and who may use which: choosing, counting places, waiting for one. */
export class Fleet implements EngineSource, EngineDemand {
  readonly #deps: FleetDeps;
  readonly #registry: EngineRegistry;
  readonly #suspicion = new Suspicion();
  /** In the order in which they came. At any moment, none of them can be given a place. */
  readonly #waiters = new Set<Waiter>();
  /** Those who wait until it is known which broadcasts are being started on an engine. */
  readonly #awaitingNames = new Set<{ readonly isKnown: () => boolean; readonly resolve: () => void }>();
  #choices = 0;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    const { providers, clock, events, log, limits } = deps;
    this.#registry = new EngineRegistry({
      providers,
      createClient: deps.createClient ?? ((address) => new EngineClient({ address, clock, log })),
      onChange: () => this.#onChange(),
      checkIntervalMs: limits.checkIntervalMs,
      failureThreshold: limits.failureThreshold,
      suspicion: this.#suspicion,
      events,
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

  async reserve(request: PlaceRequest, signal: AbortSignal): Promise<EngineSlot> {
    // No await before the place is counted: the choice and the count are one step (DESIGN invariant 6).
    signal.throwIfAborted();
    if (this.#stopped !== undefined) throw new AcemuxError('draining');
    const selection = this.#choose(request);
    if (selection.kind === 'chosen') return this.#take(selection.engine, request);
    if (!this.#isWorthWaiting(request)) throw this.#refusal(selection.reason);
    return this.#waitForPlace(request, signal);
  }

  tryReserve(request: PlaceRequest): EngineSlot | undefined {
    if (this.#stopped !== undefined || this.#waiters.size > 0) return undefined;
    const selection = this.#choose(request);
    return selection.kind === 'chosen' ? this.#take(selection.engine, request) : undefined;
  }

  reserveIdle(request: PlaceRequest, giveWay: () => boolean): EngineSlot | undefined {
    if (this.#stopped !== undefined) return undefined;
    const { engines } = this.#registry;
    const places = engines.flatMap((engine) => [...engine.places]);
    // Beside the start's own place there is another: two sessions have turned out to be one broadcast. The engine that
    // both have asked decides which of them goes on, and the other one must not have anything elsewhere by then.
    const own = places.filter(({ infohash }) => infohash === request.infohash);
    if (own.length > 1) return undefined;
    const idle = engines.filter(({ streams }) => streams === 0);
    const selection = chooseEngine(idle, request, this.#deps.limits);
    return selection.kind === 'chosen' ? this.#take(selection.engine, request, giveWay) : undefined;
  }

  /**
   * A healthy engine to ask something that opens no session: the one with the fewest streams. It takes no place.
   * Undefined when none is healthy; `readiness` tells more.
   */
  consult(): Consultant | undefined {
    if (this.#stopped !== undefined) return undefined;
    return toConsult(this.#registry.engines)?.client;
  }

  report({ engineId, stream, outcome }: AttemptReport): void {
    const record = this.#registry.get(engineId);
    if (!record) return; // Gone meanwhile.
    const nowMs = this.#deps.clock.nowMs();
    record.count(outcome, this.#deps.clock.wallMs());
    if (outcome.ok) {
      for (const place of record.places) if (place.infohash === stream) place.isDelivering = true;
      this.#suspicion.delivered(engineId, stream, nowMs);
      return;
    }
    const elsewhere = this.#deliveredOutside(record);
    if (outcome.hadPlayed) this.#suspicion.diedPlaying(engineId, elsewhere.size > 0, nowMs);
    else this.#suspicion.startFailed(engineId, stream, outcome.reason, elsewhere.has(stream), nowMs);
    if (outcome.reason === 'engine_unreachable') void this.#registry.probeNow(record);
  }

  /**
   * Gives an engine no new streams, and moves those it has to others, as far as others have places. False: there is no
   * such engine.
   */
  drain(engineId: string): boolean {
    const record = this.#registry.get(engineId);
    if (!record) return false;
    if (record.isDraining) return true;
    record.isDraining = true;
    this.#deps.events.emit('engine.draining', { streams: record.streams }, { engine: engineId });
    leave(record);
    if (record.streams === 0) this.#tellDrained(record);
    return true;
  }

  #tellDrained({ id }: EngineRecord): void {
    this.#deps.events.emit('engine.drained', {}, { engine: id });
  }

  /** An engine came, went, healed or failed. What plays on one that failed should go on elsewhere. */
  #onChange(): void {
    for (const record of this.#registry.engines) if (record.health === 'unhealthy') leave(record);
    for (const record of this.#registry.departed) leave(record);
    this.#serveWaiters();
  }

  #untilOthersKnown(record: EngineRecord, own: Place, signal: AbortSignal): Promise<void> | undefined {
    const isKnown = (): boolean =>
      record.places.values().every((at) => at === own || at.infohash !== undefined);
    if (isKnown()) return undefined;
    const known = Promise.withResolvers<void>();
    const waiting = { isKnown, resolve: known.resolve };
    this.#awaitingNames.add(waiting);
    return untilAborted(known.promise, signal).finally(() => this.#awaitingNames.delete(waiting));
  }

  #onNamed(): void {
    for (const { isKnown, resolve } of this.#awaitingNames) if (isKnown()) resolve();
  }

  /** The broadcasts of which media comes from other engines. */
  #deliveredOutside(record: EngineRecord): ReadonlySet<string> {
    const broadcasts = new Set<string>();
    for (const other of this.#registry.engines) {
      if (other === record) continue;
      for (const { infohash, isDelivering } of other.places) {
        if (infohash !== undefined && isDelivering) broadcasts.add(infohash);
      }
    }
    return broadcasts;
  }

  /** How many starts wait for a place. */
  get waitingCount(): number {
    return this.#waiters.size;
  }

  get isCrowded(): boolean {
    for (const { request, isMadeRoomFor } of this.#waiters) {
      if (!isMadeRoomFor && isFull(this.#choose(request))) return true;
    }
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

  #choose(request: PlaceRequest): Selection<EngineRecord> {
    return chooseEngine(this.#registry.engines, request, this.#deps.limits);
  }

  /** The only place where places are counted up … */
  #take(record: EngineRecord, { infohash }: PlaceRequest, giveWay?: () => boolean): EngineSlot {
    const leaving = new AbortController();
    const place: Place = { infohash, isDelivering: false, leaving, ...(giveWay && { giveWay }) };
    record.places.add(place);
    record.lastChosen = ++this.#choices;
    record.lastUsedAtMs = this.#deps.clock.wallMs();
    return {
      engine: record,
      leaving: leaving.signal,
      identify: (known) => {
        const wasUnknown = place.infohash === undefined;
        place.infohash = known;
        if (!wasUnknown) return;
        this.#onNamed();
        this.#serveWaiters();
      },
      untilOthersKnown: (signal) => this.#untilOthersKnown(record, place, signal),
      release: () => this.#giveBack(record, place),
    };
  }

  /** … and the only one where they are counted down. */
  #giveBack(record: EngineRecord, place: Place): void {
    if (!record.places.delete(place)) return;
    if (place.infohash !== undefined && place.isDelivering) record.notePlayed(place.infohash);
    if (record.streams === 0) {
      if (record.isDraining) this.#tellDrained(record);
      this.#registry.onIdle(record);
    }
    this.#onNamed();
    this.#serveWaiters();
  }

  #waitForPlace(request: PlaceRequest, signal: AbortSignal): Promise<EngineSlot> {
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
    const { request } = waiter;
    const selection = this.#choose(request);
    if (selection.kind === 'chosen') waiter.settle(this.#take(selection.engine, request));
    else if (waiter.isOverdue && this.#isDecided(selection.reason, request)) {
      waiter.settle(this.#refusal(selection.reason));
    } else if (!waiter.hasAskedForWay) this.#askForWay(waiter, selection.reason);
  }

  #askForWay(waiter: Waiter, reason: NoChoice): void {
    if (reason !== 'no_capacity' && reason !== 'infohash_in_use') return;
    // What was only taken to be quicker must not cost anybody anything: it goes first.
    waiter.isMadeRoomFor = this.#endHedge(waiter.request);
    if (waiter.isMadeRoomFor) return;
    waiter.hasAskedForWay = true;
    this.#deps.giveWay?.(reason === 'infohash_in_use' ? waiter.request.infohash : undefined);
  }

  #endHedge({ exclude }: PlaceRequest): boolean {
    const usable = this.#registry.engines.filter(
      ({ health, id, isDraining }) => health === 'healthy' && !isDraining && !exclude.has(id),
    );
    return usable.some(({ places }) => places.values().some((place) => place.giveWay?.() === true));
  }

  /**
   * Whether waiting longer would change nothing soon: not while nothing is known yet of any engine that could serve, for
   * which the first probes will tell; nor while there is room, and only another start has to be understood first.
   */
  #isDecided(reason: NoChoice, { exclude }: PlaceRequest): boolean {
    if (reason === 'unknown_start') return false;
    const open = this.#registry.engines.filter(({ id }) => !exclude.has(id));
    if (!this.#registry.isListed) return false;
    return open.length === 0 || open.some(({ health }) => health !== 'unknown');
  }

  /** Whether there is, or may be soon, an engine that was not tried yet. */
  #isWorthWaiting({ exclude }: PlaceRequest): boolean {
    if (this.#deps.providers.length === 0) return false;
    if (!this.#registry.isListed) return true;
    return this.#registry.engines.some(({ id }) => !exclude.has(id));
  }

  #canCreate(): boolean {
    return this.#deps.providers.some(({ creates }) => creates);
  }

  #refusal(reason: NoChoice): AcemuxError {
    switch (reason) {
      case 'no_engines_configured':
        return new AcemuxError(this.#canCreate() ? 'no_engine_available' : reason);
      case 'no_engine_available':
      case 'no_capacity':
        return new AcemuxError(reason);
      case 'unknown_start':
        return new AcemuxError(
          'no_capacity',
          'Every engine is just starting a stream of which it has not said yet which one it is.',
        );
      case 'infohash_in_use':
        return new AcemuxError(
          'no_capacity',
          'Every engine plays this broadcast with other parameters, and can play it only once.',
        );
    }
  }
}

function leave({ places }: EngineRecord): void {
  for (const { leaving } of places) leaving.abort();
}

function isFull(selection: Selection<unknown>): boolean {
  return selection.kind === 'none' && selection.reason === 'no_capacity';
}
