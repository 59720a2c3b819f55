import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import { AcemuxError } from '../../../base/reasons.ts';
import type { EngineProvider, ObservedEngine, ProviderListener } from '../provider.ts';

/** One engine that the operator named in the configuration. */
export interface StaticEngine {
  readonly host: string;
  readonly port: number;
  readonly forwarded: boolean;
  /** Undefined: shown by its address. */
  readonly name: string | undefined;
  readonly vpn: string | undefined;
}

/** The addresses of a name, in any order; bounds its own time. Rejects if they can't be known now. */
export type ResolveHost = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

export interface StaticProviderDeps {
  readonly resolve: ResolveHost;
  readonly clock: Clock;
}

interface Resolved {
  readonly addresses: readonly string[];
  readonly atMs: number;
}

/** A name is asked for again after this. */
const RESOLVE_AGAIN_MS = 10_000;
/** So many engines one name may be. */
const ADDRESSES_MAX = 64;

/**
 * Engines that run somewhere and that acemux only uses. A name with several addresses (the replicas of a service) is
 * several engines; one with a single address is one engine, wherever it moves.
 */
export class StaticProvider implements EngineProvider {
  readonly kind = 'static';
  readonly creates = false;
  readonly #deps: StaticProviderDeps | undefined;
  readonly #resolved = new Map<string, Resolved>();
  #engines: readonly StaticEngine[];
  #listener: ProviderListener | undefined;

  /** Without `deps` names are left to whoever connects. */
  constructor(engines: readonly StaticEngine[], deps?: StaticProviderDeps) {
    this.#engines = engines;
    this.#deps = deps;
  }

  watch(listener: ProviderListener): void {
    this.#listener = listener;
  }

  /** Other engines from now on: those that are in both lists go on undisturbed. */
  replace(engines: readonly StaticEngine[]): void {
    this.#engines = engines;
    this.#listener?.changed();
  }

  async start(): Promise<void> {}

  async list(signal: AbortSignal): Promise<readonly ObservedEngine[]> {
    const engines = this.#engines;
    const addresses = await Promise.all(engines.map(({ host }) => this.#addressesOf(host, signal)));
    return engines.flatMap((engine, index) => {
      const several = addresses[index] ?? [];
      return several.length < 2 ? [observe(engine)] : several.map((address) => observeOneOf(engine, address));
    });
  }

  async create(): Promise<string> {
    throw new AcemuxError('provider_fixed');
  }

  async remove(): Promise<void> {
    throw new AcemuxError('provider_fixed');
  }

  async stop(): Promise<void> {}

  /** What is known of a name; while it can't be known anew, what was known. */
  async #addressesOf(host: string, signal: AbortSignal): Promise<readonly string[]> {
    if (this.#deps === undefined || isIP(host) !== 0) return [];
    const { resolve, clock } = this.#deps;
    const known = this.#resolved.get(host);
    const nowMs = clock.nowMs();
    if (known && nowMs - known.atMs < RESOLVE_AGAIN_MS) return known.addresses;
    const found = await resolve(host, signal).catch(() => known?.addresses ?? []);
    signal.throwIfAborted();
    const addresses = oneFamily(found).toSorted().slice(0, ADDRESSES_MAX);
    this.#resolved.set(host, { addresses, atMs: nowMs });
    return addresses;
  }
}

/** An engine with an address of each kind is one engine. */
function oneFamily(addresses: readonly string[]): readonly string[] {
  const v4 = addresses.filter((address) => isIP(address) === 4);
  return [...new Set(v4.length > 0 ? v4 : addresses)];
}

function observe({ host, port, forwarded, name, vpn }: StaticEngine): ObservedEngine {
  const authority = authorityOf(host, port);
  return {
    id: idOf(authority),
    name: name ?? authority,
    address: { host, port },
    forwarded,
    vpn,
    labels: {},
  };
}

function observeOneOf(engine: StaticEngine, address: string): ObservedEngine {
  const { host, port, forwarded, name, vpn } = engine;
  const authority = authorityOf(host, port);
  return {
    id: idOf(`${authority}|${address}`),
    name: `${name ?? authority} (${address})`,
    address: { host: address, port },
    forwarded,
    vpn,
    labels: {},
  };
}

function authorityOf(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The same after every restart; hexadecimal because programs know ids of engines as ids of containers. */
function idOf(authority: string): string {
  return createHash('sha256').update(`static|${authority.toLowerCase()}`).digest('hex').slice(0, 12);
}
