import assert from 'node:assert/strict';
import { untilAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
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
import type { Log } from '../telemetry/log.ts';
import { EngineCare } from './engine-care.ts';
import type { Consultant, EngineRecord, EngineSnapshot, FleetClient } from './engine-record.ts';
import type { FleetWitness } from './fleet-witness.ts';
import { maySpeakAgainst, Suspicion } from './health/suspicion.ts';
import { Place } from './place.ts';
import { PlaceQueue } from './place-queue.ts';
import type { EngineProvider } from './providers/provider.ts';
import type { Block, VpnState } from './reconciler/plan-types.ts';
import { EngineRegistry } from './registry.ts';
import { ReturnCheck } from './return-check.ts';
import {
  chooseEngine,
  type Explanation,
  explainChoice,
  type NoChoice,
  type Selection,
  toConsult,
  type Wish,
} from './selection.ts';

export interface FleetLimits {
  /** MAX_STREAMS_PER_ENGINE */
  readonly maxStreamsPerEngine: number;
  /** FORWARDED_PREFERRED_STREAMS */
  readonly forwardedPreferredStreams: number;
  /** ENGINE_SELECTION_TIMEOUT, milliseconds. */
  readonly selectionTimeoutMs: number;
  /** HEALTH_CHECK_INTERVAL, between two probes of an engine, milliseconds. */
  readonly checkIntervalMs: number;
  /** HEALTH_FAILURE_THRESHOLD: so many misses in a row turn a healthy engine unhealthy. */
  readonly failureThreshold: number;
  /** ENGINE_CACHE_TTL: between two listings of a provider that does not tell of changes, milliseconds. */
  readonly listIntervalMs: number;
  /** STARTUP_TIMEOUT_S: so long a new engine need not answer, milliseconds. */
  readonly startupTimeoutMs: number;
}

/** What makes the fleet grow, as those see it who wait for a place. */
export interface FleetGrowth {
  /** Engines that may be ready soon. */
  readonly coming: () => number;
  /** Something has changed that is not thought through yet. */
  readonly isThinking: () => boolean;
  /** Why there will be no other engine; undefined: there may be. */
  readonly block: () => Block | undefined;
  /** To be told when something has changed in the fleet, or somebody began or ceased to wait. */
  readonly changed: () => void;
}

/** The VPNs that engines are behind, as far as the fleet cares. */
export interface FleetVpns {
  /** Undefined: nobody watches a VPN of this name, so nothing speaks against its engines. */
  stateOf(vpn: string): VpnState | undefined;
  onChange(listener: () => void): () => void;
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
  /** Undefined: nobody makes engines. */
  readonly growth?: FleetGrowth;
  readonly vpns?: FleetVpns;
  /** Broadcasts that an engine played for the process before this one. */
  readonly playedAt?: (address: EngineAddress) => readonly string[];
  readonly witness?: FleetWitness;
  /** From 0 to 1, for what should not happen everywhere at once; random if left out. */
  readonly random?: () => number;
  readonly limits: FleetLimits;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FleetReadiness {
  /** Whether there are engines, or a provider that can make some. */
  readonly configured: boolean;
  /** Those that can be used. */
  readonly healthy: number;
  readonly total: number;
}

/** All engines, and who may use which: choosing, counting places, waiting for one. */
export class Fleet implements EngineSource, EngineDemand {
  readonly registry: EngineRegistry;
  /** Takes engines out of use and back. */
  readonly care: EngineCare;
  readonly #deps: FleetDeps;
  readonly #suspicion = new Suspicion();
  readonly #queue: PlaceQueue;
  readonly #returnCheck: ReturnCheck;
  /** Those who wait until it is known which broadcasts are being started on an engine. */
  readonly #awaitingNames = new Set<{ readonly isKnown: () => boolean; readonly resolve: () => void }>();
  #choices = 0;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #unwatchVpns: (() => void) | undefined;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    const { providers, clock, log, limits, growth } = deps;
    this.registry = new EngineRegistry({
      providers,
      createClient: deps.createClient ?? ((address) => new EngineClient({ address, clock, log })),
      onChange: () => this.#onChange(),
      witness: deps.witness ?? (() => {}),
      checkIntervalMs: limits.checkIntervalMs,
      listIntervalMs: limits.listIntervalMs,
      failureThreshold: limits.failureThreshold,
      startupTimeoutMs: limits.startupTimeoutMs,
      suspicion: this.#suspicion,
      vpnStateOf: (vpn) => deps.vpns?.stateOf(vpn),
      playedAt: deps.playedAt ?? (() => []),
      random: deps.random ?? Math.random,
      clock,
      log,
    });
    this.care = new EngineCare({
      registry: this.registry,
      onChange: () => this.#onChange(),
      witness: deps.witness ?? (() => {}),
      clock,
      log,
    });
    this.#returnCheck = new ReturnCheck({
      engines: () => this.registry.engines,
      waiting: () => this.waitingCount,
      probeNow: (engine) => this.registry.probeNow(engine),
      clock,
    });
    this.#queue = new PlaceQueue({
      choose: (request) => this.#choose(request),
      take: (engine, request) => this.#take(engine, request),
      isDecided: (reason, request, ahead) => this.#isDecided(reason, request, ahead),
      refusal: (reason) => this.#refusal(reason),
      endHedge: (request) => this.#endHedge(request),
      askForWay: ({ infohash }, reason) =>
        deps.giveWay?.(reason === 'infohash_in_use' ? infohash : undefined),
      onDemand: () => {
        growth?.changed();
        this.#returnCheck.look();
      },
      timeoutMs: () => limits.selectionTimeoutMs,
      clock,
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
    return this.#queue.wait(request, signal);
  }

  tryReserve(request: PlaceRequest): EngineSlot | undefined {
    if (this.#stopped !== undefined || this.#queue.size > 0) return undefined;
    const selection = this.#choose(request);
    return selection.kind === 'chosen' ? this.#take(selection.engine, request) : undefined;
  }

  reserveIdle(request: PlaceRequest, giveWay: () => boolean): EngineSlot | undefined {
    if (this.#stopped !== undefined) return undefined;
    const { engines } = this.registry;
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
   * An engine to ask something that opens no session: of those that can be used the one with the fewest streams. It
   * takes no place. Undefined when none is healthy; `readiness` tells more.
   */
  consult(): Consultant | undefined {
    if (this.#stopped !== undefined) return undefined;
    return toConsult(this.registry.engines)?.client;
  }

  report({ engineId, stream, outcome }: AttemptReport): void {
    const record = this.registry.get(engineId);
    if (!record) return; // Gone meanwhile.
    const nowMs = this.#deps.clock.nowMs();
    const elsewhere: ReadonlySet<string> = outcome.ok ? new Set() : this.#deliveredOutside(record, nowMs);
    const speaksAgainst = !outcome.ok && maySpeakAgainst(outcome, elsewhere.has(stream));
    record.count(outcome, this.#deps.clock.wallMs(), speaksAgainst);
    if (outcome.ok) {
      for (const place of record.places) if (place.infohash === stream) place.noteDelivered(nowMs);
      this.#suspicion.delivered(engineId, stream, nowMs);
    } else {
      if (outcome.hadPlayed) this.#suspicion.diedPlaying(engineId, elsewhere.size > 0, nowMs);
      else this.#suspicion.startFailed(engineId, stream, outcome.reason, elsewhere.has(stream), nowMs);
      if (outcome.reason === 'engine_unreachable') void this.registry.probeNow(record);
    }
    for (const engine of this.registry.engines) this.registry.settle(engine);
  }

  /** Drains an engine by hand; see `EngineCare.drain`. */
  drain(engineId: string): boolean {
    return this.care.drain(engineId, 'operator');
  }

  /** Why each engine would be chosen for this, or not. */
  explain(wish: Wish): readonly Explanation[] {
    return explainChoice(this.registry.engines, wish, this.#deps.limits);
  }

  /** To be told when something changed that those who wait may depend on. */
  reconsider(): void {
    this.#queue.serve();
  }

  /** How many starts wait for a place. */
  get waitingCount(): number {
    return this.#queue.size;
  }

  /** How many of them a new engine would serve. */
  get demand(): number {
    return this.#queue.demand;
  }

  get isCrowded(): boolean {
    return this.#queue.isCrowded;
  }

  /** In a stable order. */
  snapshot(): readonly EngineSnapshot[] {
    return this.registry.engines.map((record) => record.snapshot());
  }

  readiness(): FleetReadiness {
    const { engines } = this.registry;
    return {
      configured: engines.length > 0 || this.#canCreate(),
      healthy: engines.filter(({ isUsable }) => isUsable).length,
      total: engines.length,
    };
  }

  async #start(): Promise<void> {
    await Promise.all(this.#deps.providers.map((provider) => provider.start()));
    if (this.#stopped !== undefined) return;
    this.#unwatchVpns = this.#deps.vpns?.onChange(() => this.#onChange());
    this.registry.start();
  }

  async #stop(): Promise<void> {
    this.#queue.refuse(new AcemuxError('draining'));
    this.#returnCheck.stop();
    await this.#started?.catch(() => {}); // Whoever called start() has heard of it.
    this.#unwatchVpns?.();
    await this.registry.stop();
    const ends = await Promise.allSettled(this.#deps.providers.map((provider) => provider.stop()));
    for (const end of ends) {
      if (end.status === 'rejected') this.#deps.log.error({ err: end.reason }, 'provider did not stop');
    }
  }

  /** An engine came, went, healed or failed. What plays on one that failed should go on elsewhere. */
  #onChange(): void {
    for (const record of this.registry.engines) if (record.mustBeLeft) leave(record);
    for (const record of this.registry.departed) leave(record);
    this.#queue.serve();
    this.#returnCheck.look();
    this.#deps.growth?.changed();
  }

  /** The broadcasts of which media comes from other engines. */
  #deliveredOutside(record: EngineRecord, nowMs: number): ReadonlySet<string> {
    const broadcasts = new Set<string>();
    for (const other of this.registry.engines) {
      if (other === record) continue;
      for (const place of other.places) {
        if (place.infohash !== undefined && place.delivers(nowMs)) broadcasts.add(place.infohash);
      }
    }
    return broadcasts;
  }

  #choose(request: PlaceRequest): Selection<EngineRecord> {
    return chooseEngine(this.registry.engines, request, this.#deps.limits);
  }

  /** The only place where places are counted up … */
  #take(record: EngineRecord, request: PlaceRequest, giveWay?: () => boolean): EngineSlot {
    const { infohash } = request;
    const { log, clock } = this.#deps;
    if (log.isLevelEnabled('debug')) {
      log.debug({ engine: record.id, infohash, candidates: this.explain(request) }, 'engine chosen');
    }
    const place = new Place(infohash, giveWay);
    record.places.add(place);
    record.lastChosen = ++this.#choices;
    record.lastUsedAtMs = clock.wallMs();
    // What was free is not any more: the fleet may want another engine that is.
    this.#deps.growth?.changed();
    return {
      engine: record,
      leaving: place.leaving.signal,
      identify: (known) => {
        const wasUnknown = place.infohash === undefined;
        place.infohash = known;
        if (!wasUnknown) return;
        this.#onNamed();
        this.#queue.serve();
      },
      noteMedia: () => place.noteMedia(clock.nowMs()),
      untilOthersKnown: (signal) => this.#untilOthersKnown(record, place, signal),
      release: () => this.#giveBack(record, place),
    };
  }

  /** … and the only one where they are counted down. */
  #giveBack(record: EngineRecord, place: Place): void {
    if (!record.places.delete(place)) return;
    if (place.infohash !== undefined && place.hasDelivered) record.notePlayed(place.infohash);
    if (record.streams === 0) this.registry.onIdle(record);
    this.#onNamed();
    // One whose API is silent, and that delivered all the same, is of no more use.
    if (place.hasDelivered && !record.isGone && this.registry.settle(record)) {
      this.#onChange();
      return;
    }
    this.#queue.serve();
    this.#deps.growth?.changed();
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

  #endHedge({ exclude }: PlaceRequest): boolean {
    const usable = this.registry.engines.filter(({ id, isUsable }) => isUsable && !exclude.has(id));
    return usable.some(({ places }) => places.values().some((place) => place.giveWay?.() === true));
  }

  /**
   * Whether waiting longer would change nothing soon: not while nothing is known yet of any engine that could serve, for
   * which the first probes will tell; nor while there is room, and only another start has to be understood first; nor
   * while an engine is coming that has room for this one, too.
   */
  #isDecided(reason: NoChoice, { exclude }: PlaceRequest, ahead: number): boolean {
    if (reason === 'unknown_start' || !this.registry.isListed) return false;
    const open = this.registry.engines.filter(({ id }) => !exclude.has(id));
    if (open.length > 0 && open.every(({ health }) => health === 'unknown')) return false;
    const { growth, limits } = this.#deps;
    if (!growth || exclude.size > 0) return true;
    return !growth.isThinking() && ahead >= growth.coming() * limits.maxStreamsPerEngine;
  }

  /** Whether there is, or may be soon, an engine that was not tried yet. */
  #isWorthWaiting({ exclude }: PlaceRequest): boolean {
    if (this.#deps.providers.length === 0) return false;
    if (!this.registry.isListed || (exclude.size === 0 && this.#canCreate())) return true;
    return this.registry.engines.some(({ id }) => !exclude.has(id));
  }

  #canCreate(): boolean {
    return this.#deps.providers.some(({ creates }) => creates);
  }

  #refusal(reason: NoChoice): AcemuxError {
    const block = this.#deps.growth?.block();
    // That there are as many engines as there may be is no news to a viewer: they are full, or ill.
    if (block && block.code !== 'max_replicas' && block.code !== 'provider_fixed') {
      const { code, message, etaMs } = block;
      return new AcemuxError(code, message, {
        ...(etaMs !== undefined && { retryAfterSeconds: Math.max(1, Math.ceil(etaMs / 1_000)) }),
      });
    }
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

/** Tells what plays on an engine to go on elsewhere, as far as others have places. */
function leave({ places }: EngineRecord): void {
  for (const { leaving } of places) leaving.abort();
}
