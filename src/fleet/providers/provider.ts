import type { EngineAddress } from '../../engine/types.ts';

/** An engine that a provider has, as it is now. */
export interface ObservedEngine {
  /** Opaque, and stable for the engine's life. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly address: EngineAddress;
  /** Whether its peer-to-peer port is reachable from outside; such engines are preferred. */
  readonly forwarded: boolean;
  /** The VPN it is behind; undefined: none. */
  readonly vpn: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** An engine to be. */
export interface EngineSpec {
  /** Undefined: the provider names it. */
  readonly name?: string;
  readonly forwarded?: boolean;
  readonly vpn?: string;
}

/**
 * Where engines come from. The contract test holds all implementations to what is said here
 * (test/contract/provider-contract.ts).
 */
export interface EngineProvider {
  /** What kind of provider this is, for people: `static`, `docker`, `simulated`. */
  readonly kind: string;
  /** Whether it can create and remove engines. */
  readonly creates: boolean;
  /** Begins; resolves when `list` tells the engines that exist from the beginning. */
  start(): Promise<void>;
  /** All engines it has now, always in the same order. Bounds its own time. */
  list(signal: AbortSignal): Promise<readonly ObservedEngine[]>;
  /**
   * Creates an engine and returns its id; `list` tells it from then on.
   * @throws AcemuxError provider_fixed
   */
  create(spec: EngineSpec, signal: AbortSignal): Promise<string>;
  /**
   * Ends an engine; removing what is gone is a success.
   * @throws AcemuxError provider_fixed
   */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** Safe to call twice; when it resolves, nothing that it started inside this process is left. */
  stop(): Promise<void>;
}
