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
  /** What the maker of its container knows of it; left out for engines that acemux only uses. */
  readonly container?: ObservedContainer;
}

/** The container of an engine that acemux made, in this life or an earlier one. What has exited is not told: see `EngineExit`. */
export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  /** As it was asked for, with its tag. */
  readonly image: string;
  /** The digest of what that was when the container was made. */
  readonly imageId: string;
  readonly state: 'created' | 'running' | 'paused';
  readonly createdAtMs: number;
  /** Undefined: it has not started yet. */
  readonly startedAtMs: number | undefined;
  /** Of the specification that it was made from: where it is not the provider's own any more, the engine is out of date. */
  readonly specHash: string;
  /** Whether its label says that nobody but the operator may touch it. */
  readonly isManual: boolean;
  /** Its VPN's container was restarted or made anew since: it has no network, and will never have one again. */
  readonly isCutOff: boolean;
  /** The port for peers that it was started with, forwarded by its VPN. */
  readonly forwardedPort: number | undefined;
  readonly memoryLimitBytes: number | undefined;
}

/** An engine to be. What is the same for all engines of a provider is the provider's own. */
export interface EngineSpec {
  /** Undefined: the provider names it. */
  readonly name?: string;
  readonly forwarded?: boolean;
  readonly vpn?: string;
  /** The port that its VPN forwards, for the one engine behind it that has it. */
  readonly forwardedPort?: number;
  /** Undefined: the provider takes a free one. */
  readonly hostPort?: number;
  /** Beside the provider's own. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The end of an engine that its provider was not asked for. */
export interface EngineExit {
  readonly id: string;
  readonly name: string;
  readonly exitCode: number | undefined;
  readonly wasOutOfMemory: boolean;
  /** The last lines that it wrote, oldest first, bounded. */
  readonly logTail: readonly string[];
  /** Milliseconds from its start to its end; undefined: it never ran. */
  readonly ranForMs: number | undefined;
}

/** How far a provider is with what an engine is made of. */
export interface ImageProgress {
  readonly image: string;
  readonly state: 'pulling' | 'ready' | 'failed';
  /** 0 to 1; undefined: not known. */
  readonly fraction: number | undefined;
  readonly detail: string | undefined;
}

/** What looks like an engine of ours and is none: it is neither used nor removed. */
export interface LeftAlone {
  readonly id: string;
  readonly name: string;
  /** Why it is none, a sentence. */
  readonly detail: string;
}

/** What the container of one engine takes. Sums are since its start. */
export interface ContainerStats {
  /** Of one core; two busy cores are 200. Undefined: this is the first sample. */
  readonly cpuPercent: number | undefined;
  /** Without what the kernel keeps of files. */
  readonly memoryBytes: number;
  /** Undefined: it has no limit. */
  readonly memoryLimitBytes: number | undefined;
  /** Undefined: it is in the network of another container, which shows the traffic of both. */
  readonly networkReceivedBytes: number | undefined;
  readonly networkSentBytes: number | undefined;
  readonly blockReadBytes: number;
  readonly blockWrittenBytes: number;
}

/** Who wants to know at once. No method throws or waits. */
export interface ProviderListener {
  /** `list` may tell something else now. */
  changed(): void;
  exited(exit: EngineExit): void;
  imageProgress(progress: ImageProgress): void;
  /** Once for each. */
  leftAlone(container: LeftAlone): void;
}

/**
 * Where engines come from. The contract test holds all implementations to what is said here
 * (test/contract/provider-contract.ts).
 */
export interface EngineProvider {
  /** What kind of provider this is, for people: `static`, `docker`, `simulated`. */
  readonly kind: string;
  /** Which of several of its kind; undefined: there is one. */
  readonly name?: string;
  /** Whether it can create and remove engines. */
  readonly creates: boolean;
  /** Of the specification that `create` works by now; undefined: it has none that could change. */
  readonly specHash?: string;
  /** What looks like an engine of ours and is none, as far as the last listing showed; undefined: there can be none. */
  readonly leftAlone?: readonly LeftAlone[];
  /** How many engines it is to have, at least and at most; undefined: as many as all together. */
  readonly bounds?: { readonly min: number; readonly max: number };
  /** The VPNs that its engines must be behind, by name: none is made outside; undefined: they are behind none. */
  readonly vpns?: readonly string[];
  /** What one more engine may take of its host's memory; undefined: not known. */
  readonly engineMemoryBytes?: number;
  /** What its host has available by now; undefined: not known. */
  hostMemoryBytes?(): number | undefined;
  /** Before `start`. What can't tell at once leaves it out: it is asked on an interval anyway. */
  watch?(listener: ProviderListener): void;
  /** Begins; resolves when `list` tells the engines that exist from the beginning. */
  start(): Promise<void>;
  /**
   * All engines it has now, always in the same order. Bounds its own time.
   * @throws AcemuxError when it can't be known now: nothing is to be concluded of the engines it had
   */
  list(signal: AbortSignal): Promise<readonly ObservedEngine[]>;
  /**
   * Creates an engine and returns its id; `list` tells it from then on, and not before. It need not be ready to play yet. What was
   * begun is undone when it fails, or is aborted.
   * @throws AcemuxError provider_fixed, and why it failed
   */
  create(spec: EngineSpec, signal: AbortSignal): Promise<string>;
  /**
   * Ends an engine; removing what is gone is a success.
   * @throws AcemuxError provider_fixed
   */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** What engines take now: of those ids of which it can be told. Left out: it can't be told of any. */
  stats?(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, ContainerStats>>;
  /** Safe to call twice; when it resolves, nothing that it started inside this process is left. */
  stop(): Promise<void>;
}
