import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../telemetry/log.ts';
import type { ContainerInspector } from '../providers/container-inspector.ts';
import type { EnginesBehind, VpnObserver, VpnSnapshot, VpnSource, VpnState } from './vpn.ts';
import { type VpnLimits, type VpnSpec, VpnWatch } from './vpn-watch.ts';

export interface VpnsDeps {
  readonly specs: readonly VpnSpec[];
  readonly containers: ContainerInspector | undefined;
  readonly engines: EnginesBehind;
  readonly limits: VpnLimits;
  readonly observer: VpnObserver;
  /** From 0 to 1; Math.random where left out. */
  readonly random?: () => number;
  /** How many times faster than by the clock the time of the judgements passes; 1 where left out. */
  readonly pace?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Why no engine can be made behind any VPN now. */
export interface NoVpn {
  readonly code: 'vpn_down';
  /** A sentence that names each VPN and what it lacks. */
  readonly message: string;
  /** How long that lasts at least, if all goes well from now on. */
  readonly etaMs: number;
}

/** That one of several VPNs is away, and its streams are with the others (reference 2.6). */
export interface VpnEmergency {
  readonly failed: string;
  readonly healthy: string;
  /** Wall clock, milliseconds. */
  readonly sinceMs: number;
}

/** All VPNs that acemux watches. Each has its own state: there is no mode of them together. */
export class Vpns implements VpnSource {
  readonly #watches: readonly VpnWatch[];
  readonly #listeners = new Set<() => void>();
  #isStopped = false;

  constructor(deps: VpnsDeps) {
    const { specs, ...shared } = deps;
    const onChange = (): void => {
      for (const listener of this.#listeners) listener();
    };
    this.#watches = specs.map((spec) => new VpnWatch({ ...shared, spec, onChange }));
  }

  start(): void {
    for (const watch of this.#watches) watch.start();
  }

  /** Safe to call twice; ends what is being asked. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#watches.map((watch) => watch.stop()));
    this.#listeners.clear();
  }

  list(): readonly VpnSnapshot[] {
    return this.#watches.map((watch) => watch.snapshot());
  }

  stateOf(name: string): VpnState | undefined {
    return this.#watches.find((watch) => watch.name === name)?.snapshot().state;
  }

  onChange(listener: () => void): () => void {
    if (!this.#isStopped) this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes a VPN out of use, or puts it back; false: there is none of this name. */
  setDraining(name: string, isDraining: boolean): boolean {
    const watch = this.#watches.find((each) => each.name === name);
    watch?.setDraining(isDraining);
    return watch !== undefined;
  }

  /** Undefined: there is a VPN that engines can be put behind, or none is configured. */
  whyNone(): NoVpn | undefined {
    const all = this.list();
    if (all.length === 0 || all.some(({ state }) => state === 'ok')) return undefined;
    const each = all.map(({ name, state, detail }) => `VPN ${name} is ${state}: ${detail ?? ''}`.trim());
    return {
      code: 'vpn_down',
      message: `No engine is started, because no VPN is ok, and engines are never started without theirs. ${each.join(' ')}`,
      etaMs: Math.min(...this.#watches.map(({ etaMs }) => etaMs)),
    };
  }

  /** Undefined: all are up, or none is, or there is only one. */
  emergency(): VpnEmergency | undefined {
    const all = this.list();
    const failed = all.find(({ state }) => state === 'down');
    const healthy = all.find(({ state }) => state === 'ok');
    if (!failed || !healthy) return undefined;
    return { failed: failed.name, healthy: healthy.name, sinceMs: failed.sinceMs };
  }
}
