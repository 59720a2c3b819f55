import type { EngineProvider } from '../providers/provider.ts';
import type { EnginePool } from './reconciler.ts';

export interface PoolDefaults {
  /** MIN_REPLICAS */
  readonly min: number;
  /** MAX_REPLICAS */
  readonly max: number;
}

export interface PoolPlan {
  readonly pools: readonly EnginePool[];
  /** Over all pools. */
  readonly min: number;
  readonly max: number;
}

/**
 * The providers that make engines, each with its bounds: its own, or, for what has none, the maximum of all. A pool's own
 * minimum is kept even beyond MAX_REPLICAS: it was asked for by name. `defaults` are asked each time: they may change.
 */
export function poolsOf(providers: readonly EngineProvider[], defaults: PoolDefaults): PoolPlan {
  const pools = providers
    .filter(({ creates }) => creates)
    .map((provider): EnginePool => {
      const { bounds, vpns, engineMemoryBytes } = provider;
      return {
        provider,
        min: bounds?.min ?? 0,
        get max() {
          return bounds?.max ?? defaults.max;
        },
        ...(vpns && { vpns }),
        ...(engineMemoryBytes !== undefined && { engineMemoryBytes }),
        hostMemoryBytes: () => provider.hostMemoryBytes?.(),
      };
    });
  const poolsMin = pools.reduce((sum, pool) => sum + pool.min, 0);
  return {
    pools,
    get min() {
      return defaults.min;
    },
    get max() {
      return Math.max(defaults.max, poolsMin);
    },
  };
}
