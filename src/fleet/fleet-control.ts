import { AcemuxError } from '../base/reasons.ts';
import type { EngineRecord, EngineSnapshot } from './engine-record.ts';
import type { Fleet } from './fleet.ts';
import type { BreakerVerdict } from './reconciler/breaker.ts';
import type { Block } from './reconciler/plan-types.ts';
import type { Reconciler } from './reconciler/reconciler.ts';
import type { Explanation, Wish } from './selection.ts';

export interface FleetControlDeps {
  readonly fleet: Fleet;
  readonly reconciler: Reconciler;
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
}

/** What the operator may do with the fleet. */
export class FleetControl {
  readonly #fleet: Fleet;
  readonly #reconciler: Reconciler;

  constructor({ fleet, reconciler }: FleetControlDeps) {
    this.#fleet = fleet;
    this.#reconciler = reconciler;
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
   * Has one engine created that nobody needs yet. It is listed when it exists; that may take as long as its image.
   * @throws AcemuxError provider_fixed; why no engine can be created now
   */
  provision(): void {
    this.#reconciler.request();
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
  async remove(engineId: string, isForced: boolean, signal: AbortSignal): Promise<'removed' | 'draining'> {
    this.#assertMade(this.#known(engineId));
    this.#fleet.care.drain(engineId, 'removal');
    const outcome = await this.#fleet.care.remove(engineId, 'removal', signal, isForced);
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
      away: new Map(registry.feeds.flatMap(({ name, away }) => (away ? [[name, away.detail] as const] : []))),
    };
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
