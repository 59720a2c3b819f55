import { AcemuxError } from '../base/reasons.ts';
import type { EngineRecord, EngineSnapshot } from './engine-record.ts';
import type { Fleet } from './fleet.ts';
import type { ContainerStats, LeftAlone } from './providers/provider.ts';
import type { BreakerVerdict } from './reconciler/breaker.ts';
import type { Block } from './reconciler/plan-types.ts';
import type { EngineWish, Reconciler } from './reconciler/reconciler.ts';
import type { Explanation, Wish } from './selection.ts';

/** What the configuration says of the fleet, for those who look at it. */
export interface FleetFacts {
  /** MIN_FREE_REPLICAS */
  readonly minFree: number;
  /** MAX_STREAMS_PER_ENGINE */
  readonly streamsPerEngine: number;
  /** AUTO_DELETE */
  readonly removesSurplus: boolean;
  /** ENGINE_GRACE_PERIOD_S */
  readonly idleGraceMs: number;
  readonly checkIntervalMs: number;
  /** CIRCUIT_BREAKER_FAILURE_THRESHOLD */
  readonly breakerThreshold: number;
  /** CIRCUIT_BREAKER_RECOVERY_TIMEOUT_S */
  readonly breakerPauseMaxMs: number;
  /** What engines are made of; undefined: nothing that has a name. */
  readonly image: string | undefined;
  readonly variant: string | undefined;
}

export interface FleetControlDeps {
  readonly fleet: Fleet;
  readonly reconciler: Reconciler;
  readonly facts: FleetFacts;
}

/** Whether the fleet can take another stream, and what it is up to. */
export interface FleetStatus {
  /** A stream could begin now. */
  readonly canPlay: boolean;
  /** An engine may be ready soon, so that one who waits is served. */
  readonly isComing: boolean;
  /** Undefined: an engine more could be created. */
  readonly block: Block | undefined;
  readonly engines: {
    readonly total: number;
    readonly usable: number;
    /** Usable, and without a stream. */
    readonly free: number;
    readonly starting: number;
    readonly creating: number;
    readonly unhealthy: number;
    readonly draining: number;
  };
  readonly wanted: number;
  readonly min: number;
  readonly max: number;
  readonly waiting: number;
  /** By pool. */
  readonly breakers: ReadonlyMap<string, BreakerVerdict>;
  /** Providers that can't be asked now, and why. */
  readonly away: ReadonlyMap<string, string>;
  /** What looks like an engine of ours and is none, with the provider that has seen it. */
  readonly leftAlone: readonly (LeftAlone & { readonly pool: string })[];
  /** Whether some provider makes engines. */
  readonly creates: boolean;
  /** Streams that could begin without another engine. */
  readonly freePlaces: number;
  /** Engines that are about to be replaced. */
  readonly replacing: number;
}

/** What the operator may do with the fleet. */
export class FleetControl {
  readonly #fleet: Fleet;
  readonly #reconciler: Reconciler;
  readonly #abort = new AbortController();
  readonly #acts = new Set<Promise<unknown>>();
  readonly facts: FleetFacts;

  constructor({ fleet, reconciler, facts }: FleetControlDeps) {
    this.#fleet = fleet;
    this.#reconciler = reconciler;
    this.facts = facts;
  }

  /** Before the fleet: ends what was begun for the operator. */
  async stop(): Promise<void> {
    this.#abort.abort(new AcemuxError('shutdown'));
    await Promise.allSettled(this.#acts);
  }

  /** All engines, in a stable order. */
  engines(): readonly EngineSnapshot[] {
    return this.#fleet.snapshot();
  }

  /** What engines take now, by id: of those of which it can be told. All that there are if none is named. */
  async stats(ids?: readonly string[]): Promise<ReadonlyMap<string, ContainerStats>> {
    const { registry } = this.#fleet;
    const all = new Map<string, ContainerStats>();
    await Promise.all(
      registry.feeds.map(async (feed) => {
        const own = registry.engines.filter((record) => registry.feedOf(record) === feed).map(({ id }) => id);
        const asked = ids ? own.filter((id) => ids.includes(id)) : own;
        if (asked.length === 0 || !feed.provider.stats) return;
        const told = await this.#act(feed.provider.stats(asked, this.#abort.signal)).catch(tellNothing);
        for (const [id, stats] of told) all.set(id, stats);
      }),
    );
    return all;
  }

  /**
   * From now on at least so many engines; 0 leaves it to demand. Tells how many that are: MAX_REPLICAS bounds it.
   * @throws AcemuxError provider_fixed
   */
  scale(min: number): number {
    this.#assertCreates();
    return this.#reconciler.setMin(min);
  }

  /**
   * Has one engine created that nobody needs yet. Resolves when it exists, which may take as long as its image.
   * @throws AcemuxError provider_fixed; why no engine can be created now, or could not be
   */
  async provision(wish?: EngineWish): Promise<EngineSnapshot> {
    return this.#known(await this.#reconciler.request(wish)).snapshot();
  }

  /** @throws AcemuxError engine_unknown */
  drain(engineId: string): EngineSnapshot {
    if (!this.#fleet.care.drain(engineId, 'operator')) throw new AcemuxError('engine_unknown');
    return this.#known(engineId).snapshot();
  }

  /** @throws AcemuxError engine_unknown */
  undrain(engineId: string): EngineSnapshot {
    if (!this.#fleet.care.undrain(engineId)) throw new AcemuxError('engine_unknown');
    return this.#known(engineId).snapshot();
  }

  /**
   * Has an engine replaced by a new one, which stands in before it goes.
   * @throws AcemuxError engine_unknown; provider_fixed where acemux did not make it
   */
  restart(engineId: string): void {
    this.#assertMade(this.#known(engineId));
    this.#fleet.care.requestRestart(engineId);
  }

  /**
   * Removes an engine: at once with `isForced`, its streams going on elsewhere as far as there are places; else when its
   * last stream has left. Resolves when that is decided, and, where it is at once, done.
   * @throws AcemuxError engine_unknown; provider_fixed where acemux did not make it; why it could not be removed
   */
  async remove(engineId: string, isForced: boolean): Promise<'removed' | 'draining'> {
    this.#assertMade(this.#known(engineId));
    this.#fleet.care.drain(engineId, 'removal');
    const { signal } = this.#abort;
    const outcome = await this.#act(this.#fleet.care.remove(engineId, 'removal', signal, isForced));
    if (outcome === 'failed')
      throw new AcemuxError('provider_unreachable', 'The engine could not be removed.');
    return outcome === 'busy' ? 'draining' : 'removed';
  }

  /** Asks every provider which engines there really are; what is known and does not exist is forgotten. */
  async gc(): Promise<void> {
    await Promise.all(this.#fleet.registry.feeds.map((feed) => feed.refresh()));
  }

  /** Ends all pauses that failures have brought about. */
  resetBreakers(): void {
    this.#reconciler.resetBreakers();
  }

  /** Why each engine would be chosen for a stream, or not. */
  explain(wish: Partial<Wish> = {}): readonly Explanation[] {
    return this.#fleet.explain({
      exclude: new Set(),
      infohash: undefined,
      preferredEngine: undefined,
      lastEngine: undefined,
      ...wish,
    });
  }

  status(): FleetStatus {
    const { registry, waitingCount } = this.#fleet;
    const { engines } = registry;
    const usable = engines.filter(({ isUsable }) => isUsable);
    const inState = (state: EngineRecord['state']): number =>
      engines.filter((engine) => engine.state === state).length;
    return {
      canPlay: this.explain().some(({ obstacle }) => obstacle === undefined),
      isComing: this.#reconciler.coming > 0,
      block: this.#reconciler.block,
      engines: {
        total: engines.length,
        usable: usable.length,
        free: usable.filter(({ streams }) => streams === 0).length,
        starting: inState('starting'),
        creating: this.#reconciler.creatingCount,
        unhealthy: inState('unhealthy'),
        draining: inState('draining'),
      },
      wanted: this.#reconciler.wanted,
      min: this.#reconciler.min,
      max: this.#reconciler.max,
      waiting: waitingCount,
      breakers: this.#reconciler.breakers(),
      leftAlone: registry.feeds.flatMap(({ name, provider }) =>
        (provider.leftAlone ?? []).map((container) => ({ ...container, pool: name })),
      ),
      creates: registry.feeds.some(({ provider }) => provider.creates),
      freePlaces: usable.reduce(
        (sum, { streams }) => sum + Math.max(0, this.facts.streamsPerEngine - streams),
        0,
      ),
      replacing: engines.filter(({ drainWhy, isToRestart }) => {
        return isToRestart || drainWhy?.startsWith('replace_') === true;
      }).length,
      away: new Map(registry.feeds.flatMap(({ name, away }) => (away ? [[name, away.detail] as const] : []))),
    };
  }

  #act<Result>(act: Promise<Result>): Promise<Result> {
    const tracked = act.finally(() => this.#acts.delete(tracked));
    this.#acts.add(tracked);
    return tracked;
  }

  #known(engineId: string): EngineRecord {
    const record = this.#fleet.registry.get(engineId);
    if (!record) throw new AcemuxError('engine_unknown');
    return record;
  }

  #assertMade(record: EngineRecord): void {
    if (this.#fleet.registry.feedOf(record)?.provider.creates !== true) {
      throw new AcemuxError(
        'provider_fixed',
        'acemux did not make this engine, and can neither remove nor restart it.',
      );
    }
  }

  #assertCreates(): void {
    if (!this.#fleet.registry.feeds.some(({ provider }) => provider.creates))
      throw new AcemuxError('provider_fixed');
  }
}

/** A provider that does not answer tells of no engine; that it does not is told elsewhere. */
function tellNothing(error: unknown): ReadonlyMap<string, ContainerStats> {
  if (!(error instanceof AcemuxError)) throw error;
  return new Map();
}
