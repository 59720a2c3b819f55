import type { ReasonCode } from '../base/reasons.ts';
import type { EngineState } from './health/engine-state.ts';
import type { EngineExit, ImageProgress, LeftAlone } from './providers/provider.ts';
import type { Block, CreateWhy, DrainWhy, RemoveWhy } from './reconciler/plan-types.ts';

/** Which engine something happened to. */
export interface EngineName {
  readonly id: string;
  readonly name: string;
  readonly pool: string;
  readonly vpn: string | undefined;
}

/** What happens in the fleet, with its cause: for events, metrics and whoever else wants to know. */
export type FleetHappening =
  /** `isBack`: it was away while streams went on there. */
  | { readonly kind: 'appeared'; readonly engine: EngineName; readonly isBack: boolean }
  /** It has left the fleet; `exit`: by itself, and how. */
  | {
      readonly kind: 'gone';
      readonly engine: EngineName;
      readonly reason: ReasonCode | undefined;
      readonly exit: EngineExit | undefined;
      readonly streams: number;
    }
  | {
      readonly kind: 'state';
      readonly engine: EngineName;
      readonly from: EngineState;
      readonly to: EngineState;
      readonly reason: ReasonCode | undefined;
      readonly detail: string | undefined;
    }
  | {
      readonly kind: 'draining';
      readonly engine: EngineName;
      readonly why: DrainWhy;
      readonly streams: number;
    }
  | { readonly kind: 'undrained'; readonly engine: EngineName }
  /** Drained, and its last stream has left. */
  | { readonly kind: 'drained'; readonly engine: EngineName; readonly why: DrainWhy }
  | {
      readonly kind: 'creating';
      readonly pool: string;
      readonly vpn: string | undefined;
      readonly why: CreateWhy;
    }
  | {
      readonly kind: 'created';
      readonly pool: string;
      readonly id: string;
      readonly why: CreateWhy;
      readonly tookMs: number;
    }
  | {
      readonly kind: 'create_failed';
      readonly pool: string;
      readonly why: CreateWhy;
      readonly reason: ReasonCode;
      readonly detail: string;
    }
  | { readonly kind: 'removed'; readonly engine: EngineName; readonly why: RemoveWhy }
  | {
      readonly kind: 'remove_failed';
      readonly engine: EngineName;
      readonly why: RemoveWhy;
      readonly reason: ReasonCode;
      readonly detail: string;
    }
  /** The fleet can't grow; undefined: it can again. */
  | { readonly kind: 'block'; readonly block: Block | undefined }
  | { readonly kind: 'image'; readonly pool: string; readonly progress: ImageProgress }
  | { readonly kind: 'left_alone'; readonly pool: string; readonly container: LeftAlone };

/** Told in the turn of the loop in which it happens. Must neither throw nor wait. */
export type FleetWitness = (happening: FleetHappening) => void;
