import { createHash } from 'node:crypto';
import { AcemuxError } from '../../../base/reasons.ts';
import type { EngineProvider, ObservedEngine } from '../provider.ts';

/** One engine that the operator named in the configuration. */
export interface StaticEngine {
  readonly host: string;
  readonly port: number;
  readonly forwarded: boolean;
  /** Undefined: shown by its address. */
  readonly name: string | undefined;
  readonly vpn: string | undefined;
}

/** Engines that run somewhere and that acemux only uses. */
export class StaticProvider implements EngineProvider {
  readonly kind = 'static';
  readonly creates = false;
  readonly #engines: readonly ObservedEngine[];

  constructor(engines: readonly StaticEngine[]) {
    this.#engines = engines.map(observe);
  }

  async start(): Promise<void> {}

  async list(): Promise<readonly ObservedEngine[]> {
    return this.#engines;
  }

  async create(): Promise<string> {
    throw new AcemuxError('provider_fixed');
  }

  async remove(): Promise<void> {
    throw new AcemuxError('provider_fixed');
  }

  async stop(): Promise<void> {}
}

function observe(engine: StaticEngine): ObservedEngine {
  const { host, port, forwarded, vpn } = engine;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    // The same after every restart; hexadecimal because programs know ids of engines as ids of containers.
    id: createHash('sha256').update(`static|${authority.toLowerCase()}`).digest('hex').slice(0, 12),
    name: engine.name ?? authority,
    address: { host, port },
    forwarded,
    vpn,
    labels: {},
  };
}
