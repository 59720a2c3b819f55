/** A fleet under a test's hand. */
import type { AcemuxError } from '../../base/reasons.ts';
import type { EngineSnapshot } from '../../fleet/engine-record.ts';
import type { FleetFacts, FleetStatus } from '../../fleet/fleet-control.ts';
import type { ContainerStats } from '../../fleet/providers/provider.ts';
import type { Explanation } from '../../fleet/selection.ts';
import type { FleetControlFace, ProvisionWish } from '../fleet-deps.ts';

export const SEEN_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

/** An engine that acemux made, as it is while all is well. */
export function madeEngine(changes: Partial<EngineSnapshot> = {}): EngineSnapshot {
  return {
    id: 'engine-1',
    name: 'acemux-1',
    host: '10.0.0.7',
    port: 19_000,
    forwarded: true,
    vpn: 'gluetun',
    labels: {
      'acestream.http_port': '6878',
      'acestream.https_port': '45000',
      'host.http_port': '19000',
      'acestream.engine_variant': 'krinkuto11-amd64',
      colour: 'red',
    },
    provider: 'docker',
    pool: 'docker',
    state: 'healthy',
    stateSinceMs: SEEN_MS,
    health: 'healthy',
    healthDetail: undefined,
    version: '3.2.3',
    platform: 'linux',
    streams: 1,
    isSuspected: false,
    isDraining: false,
    drainWhy: undefined,
    vpnState: 'ok',
    isUnseen: false,
    container: {
      id: 'c0ffee',
      name: 'acemux-engine-1',
      image: 'acestream:latest',
      imageId: 'sha256:1234',
      state: 'running',
      createdAtMs: SEEN_MS - 2_000,
      startedAtMs: SEEN_MS - 1_000,
      specHash: 'spec',
      isManual: false,
      isCutOff: false,
      forwardedPort: 45_678,
      memoryLimitBytes: 536_870_912,
    },
    probes: [{ atMs: SEEN_MS, verdict: 'hit', reason: undefined, detail: undefined, tookMs: 12 }],
    firstSeenAtMs: SEEN_MS,
    lastSeenAtMs: SEEN_MS + 1_000,
    lastCheckedAtMs: SEEN_MS + 500,
    lastUsedAtMs: undefined,
    successes: 3,
    failures: 1,
    failuresByReason: { no_media: 1 },
    lastFailure: { reason: 'no_media', atMs: SEEN_MS },
    ...changes,
  };
}

export const FACTS: FleetFacts = {
  minFree: 1,
  streamsPerEngine: 2,
  removesSurplus: true,
  idleGraceMs: 30_000,
  checkIntervalMs: 20_000,
  breakerThreshold: 5,
  breakerPauseMaxMs: 300_000,
  image: 'acestream:latest',
  variant: 'krinkuto11-amd64',
};

export const CALM_FLEET: FleetStatus = {
  canPlay: true,
  isComing: false,
  block: undefined,
  engines: { total: 1, usable: 1, free: 0, starting: 0, creating: 0, unhealthy: 0, draining: 0 },
  wanted: 2,
  min: 1,
  max: 10,
  waiting: 0,
  breakers: new Map([['docker', { kind: 'closed' }]]),
  away: new Map(),
  leftAlone: [],
  creates: true,
  freePlaces: 1,
  replacing: 0,
};

export class FakeFleetControl implements FleetControlFace {
  list: readonly EngineSnapshot[] = [madeEngine()];
  explanations: readonly Explanation[] = [];
  taken: ReadonlyMap<string, ContainerStats> = new Map();
  fleet: FleetStatus = CALM_FLEET;
  facts = FACTS;
  /** What was asked for, in order. */
  readonly asked: unknown[][] = [];
  /** What each act is refused with; undefined: it is done. */
  refusal: AcemuxError | undefined;

  engines(): readonly EngineSnapshot[] {
    return this.list;
  }

  explain(hash: string): readonly Explanation[] {
    this.#act('explain', hash);
    return this.explanations;
  }

  async stats(ids?: readonly string[]): Promise<ReadonlyMap<string, ContainerStats>> {
    return new Map([...this.taken].filter(([id]) => ids?.includes(id) ?? true));
  }

  drain(id: string): void {
    this.#act('drain', id);
    this.list = this.list.map((each) => (each.id === id ? { ...each, state: 'draining' } : each));
  }

  undrain(id: string): void {
    this.#act('undrain', id);
  }

  restart(id: string): void {
    this.#act('restart', id);
  }

  async remove(id: string, isForced: boolean): Promise<void> {
    this.#act('remove', id, isForced);
  }

  async provision(wish: ProvisionWish): Promise<EngineSnapshot> {
    this.#act('provision', wish);
    return madeEngine({ id: 'engine-2' });
  }

  scale(count: number): number {
    this.#act('scale', count);
    return Math.min(count, this.fleet.max);
  }

  async gc(): Promise<void> {
    this.#act('gc');
  }

  resetBreakers(): void {
    this.#act('reset');
  }

  status(): FleetStatus {
    return this.fleet;
  }

  #act(...act: unknown[]): void {
    this.asked.push(act);
    if (this.refusal) throw this.refusal;
  }
}
