import type { EngineSnapshot } from '../fleet/engine-record.ts';
import type { FleetFacts, FleetStatus } from '../fleet/fleet-control.ts';
import type { ContainerStats } from '../fleet/providers/provider.ts';
import type { Explanation } from '../fleet/selection.ts';

/** What an operator may want in an engine that he asks for. */
export interface ProvisionWish {
  readonly labels: Readonly<Record<string, string>>;
  /** Left out: a free one. */
  readonly hostPort?: number;
}

/** The fleet as an operator handles it. Each act may throw AcemuxError engine_unknown and provider_fixed. */
export interface FleetControlFace {
  /** What the configuration says. */
  readonly facts: FleetFacts;
  status(): FleetStatus;
  engines(): readonly EngineSnapshot[];
  /** How each engine stands for a start of the stream that this 40-hex name means. */
  explain(hash: string): readonly Explanation[];
  /** What engines take, by id: of those that can be told of. All of them if none is named. */
  stats(ids?: readonly string[]): Promise<ReadonlyMap<string, ContainerStats>>;
  drain(id: string): void;
  undrain(id: string): void;
  /** It is replaced: the new engine first. */
  restart(id: string): void;
  /** Resolves when it is on its way; `isForced`: when it is gone. */
  remove(id: string, isForced: boolean): Promise<unknown>;
  /** Resolves when the engine exists; it need not be ready. Rejects with why it can't be made. */
  provision(wish: ProvisionWish): Promise<EngineSnapshot>;
  /** Sets how many engines there are at least from now on, within the bounds; returns what it has become. */
  scale(count: number): number;
  /** Looks at what there really is. */
  gc(): Promise<void>;
  resetBreakers(): void;
}
