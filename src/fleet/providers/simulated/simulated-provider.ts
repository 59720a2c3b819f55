import { AcemuxError } from '../../../base/reasons.ts';
import type { EngineAddress } from '../../../engine/types.ts';
import type { EngineProvider, EngineSpec, ObservedEngine } from '../provider.ts';

/** What this provider needs of a simulated engine. */
export interface StartableEngine {
  /** Resolves when it listens, with where. */
  start(): Promise<EngineAddress>;
  stop(): Promise<void>;
}

export interface SimulatedProviderDeps {
  /** How many engines there are from the beginning. */
  readonly count: number;
  /** Builds the engine of that number, counted from 1; the provider starts it. */
  readonly build: (number: number) => StartableEngine;
  /** How many there are to be; `count`, no more and no less, if left out. */
  readonly bounds?: { readonly min: number; readonly max: number };
}

interface Running {
  readonly engine: StartableEngine;
  readonly observed: ObservedEngine;
}

/** Engines that are simulated inside this process: for the demo, tests and benchmarks. */
export class SimulatedProvider implements EngineProvider {
  readonly kind = 'simulated';
  readonly creates = true;
  readonly bounds: { readonly min: number; readonly max: number };
  readonly #deps: SimulatedProviderDeps;
  readonly #running = new Map<string, Running>();
  #built = 0;
  #isStopped = false;

  constructor(deps: SimulatedProviderDeps) {
    this.#deps = deps;
    this.bounds = deps.bounds ?? { min: deps.count, max: deps.count };
  }

  async start(): Promise<void> {
    for (let i = 0; i < this.#deps.count; i++) await this.create({});
  }

  async list(): Promise<readonly ObservedEngine[]> {
    return [...this.#running.values()].map(({ observed }) => observed);
  }

  async create(spec: EngineSpec, signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted();
    const number = ++this.#built;
    const id = `simulated-${number}`;
    const engine = this.#deps.build(number);
    const { host, port } = await engine.start();
    if (this.#isStopped || signal?.aborted) {
      await engine.stop();
      signal?.throwIfAborted();
      throw new AcemuxError('shutdown');
    }
    const observed: ObservedEngine = {
      id,
      name: spec.name ?? `simulated engine ${number}`,
      address: { host, port },
      forwarded: spec.forwarded ?? false,
      vpn: spec.vpn,
      labels: {},
    };
    this.#running.set(id, { engine, observed });
    return id;
  }

  async remove(id: string): Promise<void> {
    const running = this.#running.get(id);
    this.#running.delete(id);
    await running?.engine.stop();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#running.keys()].map((id) => this.remove(id)));
  }
}
