import assert from 'node:assert/strict';
import { type Clock, sleep } from '../base/clock.ts';
import type { EngineAddress } from '../engine/types.ts';
import type { EventSink } from '../telemetry/events/event.ts';
import type { Log } from '../telemetry/log.ts';
import { EngineRecord, type FleetClient } from './engine-record.ts';
import { probe } from './health/probe.ts';
import type { Suspicion } from './health/suspicion.ts';
import { judge } from './health/verdict.ts';
import type { EngineProvider, ObservedEngine } from './providers/provider.ts';

export interface RegistryDeps {
  readonly providers: readonly EngineProvider[];
  /** Builds the client of one engine; the registry closes it. */
  readonly createClient: (address: EngineAddress) => FleetClient;
  /** Something changed that a choice may depend on: an engine came, went, healed or failed. */
  readonly onChange: () => void;
  /** From the end of one round of probes to the next, milliseconds. */
  readonly checkIntervalMs: number;
  /** So many misses in a row turn a healthy engine unhealthy. */
  readonly failureThreshold: number;
  readonly suspicion: Suspicion;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The engines known now, each with its client, its health and what was counted of it. It asks the providers
 * which there are and the engines how they are, at the start and on an interval.
 */
export class EngineRegistry {
  readonly #deps: RegistryDeps;
  readonly #abort = new AbortController();
  readonly #engines = new Map<string, EngineRecord>();
  /** Engines that their provider no longer has, while a stream still uses them. */
  readonly #departed = new Set<EngineRecord>();
  readonly #probes = new Map<EngineRecord, Promise<void>>();
  readonly #closing = new Set<Promise<void>>();
  readonly #providerOf = new WeakMap<EngineRecord, EngineProvider>();
  #isListed = false;
  #loop: Promise<void> | undefined;

  constructor(deps: RegistryDeps) {
    this.#deps = deps;
  }

  start(): void {
    assert(!this.#loop, 'EngineRegistry.start() is called once');
    this.#loop = this.#run(this.#abort.signal);
  }

  /** Ends probes and closes all clients. The providers are their owner's to stop. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
    await Promise.all(this.#probes.values());
    for (const record of [...this.#engines.values(), ...this.#departed]) this.#close(record);
    await Promise.all(this.#closing);
  }

  /** Whether every provider has been asked once which engines it has. */
  get isListed(): boolean {
    return this.#isListed;
  }

  /** In the providers' order. */
  get engines(): readonly EngineRecord[] {
    return [...this.#engines.values()];
  }

  /** Engines that their provider no longer has, while a stream still uses them. */
  get departed(): ReadonlySet<EngineRecord> {
    return this.#departed;
  }

  get(id: string): EngineRecord | undefined {
    return this.#engines.get(id);
  }

  /** Asks an engine at once how it is; while a probe of it is under way, that one counts. Never rejects. */
  probeNow(record: EngineRecord): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.resolve();
    const running = this.#probes.get(record);
    if (running !== undefined) return running;
    const begun = this.#probe(record).finally(() => this.#probes.delete(record));
    this.#probes.set(record, begun);
    return begun;
  }

  /** To be told when the last stream has left an engine: one that has gone meanwhile is let go. */
  onIdle(record: EngineRecord): void {
    if (this.#departed.delete(record)) this.#close(record);
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#refresh(signal);
      await Promise.all(this.engines.map((record) => this.probeNow(record)));
      await sleep(this.#deps.clock, this.#deps.checkIntervalMs, signal).catch(() => {}); // Only when stopped.
    }
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#deps.providers.map((provider, index) => this.#refreshFrom(provider, index, signal)),
    );
    if (signal.aborted) return;
    this.#isListed = true;
    this.#deps.onChange();
  }

  /** A provider that fails to answer keeps the engines it had: not knowing is no reason to end streams. */
  async #refreshFrom(provider: EngineProvider, index: number, signal: AbortSignal): Promise<void> {
    try {
      const observed = await provider.list(signal);
      if (!signal.aborted) this.#take(provider, observed);
    } catch (error) {
      if (!signal.aborted) {
        this.#deps.log.warn(
          { err: error, provider: provider.kind, index },
          'provider does not tell its engines',
        );
      }
    }
  }

  #take(provider: EngineProvider, observed: readonly ObservedEngine[]): void {
    const ids = new Set(observed.map(({ id }) => id));
    for (const record of this.engines) {
      if (this.#providerOf.get(record) === provider && !ids.has(record.id)) this.#letGo(record);
    }
    for (const engine of observed) this.#see(provider, engine);
  }

  #see(provider: EngineProvider, observed: ObservedEngine): void {
    const { clock, log, createClient, suspicion } = this.#deps;
    const known = this.#engines.get(observed.id);
    if (known && isSameAddress(known.observed.address, observed.address)) {
      known.observed = observed;
      known.lastSeenAtMs = clock.wallMs();
      return;
    }
    if (known) this.#letGo(known); // Its process is another one now.
    const returned = this.#takeBack(provider, observed);
    if (returned) {
      void this.probeNow(returned);
      return;
    }
    const record = new EngineRecord(observed, {
      provider: provider.kind,
      client: createClient(observed.address),
      clock,
      suspicion,
    });
    this.#engines.set(observed.id, record);
    this.#providerOf.set(record, provider);
    log.info({ engine: observed.id, engineName: observed.name, provider: provider.kind }, 'engine appeared');
    this.#tellAppeared(record, false);
    void this.probeNow(record);
  }

  /** An engine that was away while streams went on there: they still count. Undefined: there is no such. */
  #takeBack(provider: EngineProvider, observed: ObservedEngine): EngineRecord | undefined {
    for (const record of this.#departed) {
      if (record.id !== observed.id || !isSameAddress(record.observed.address, observed.address)) continue;
      this.#departed.delete(record);
      this.#engines.set(record.id, record);
      this.#providerOf.set(record, provider);
      record.observed = observed;
      record.lastSeenAtMs = this.#deps.clock.wallMs();
      this.#deps.log.info({ engine: record.id, streams: record.streams }, 'engine is back');
      this.#tellAppeared(record, true);
      return record;
    }
    return undefined;
  }

  #tellAppeared({ id, observed, provider }: EngineRecord, isBack: boolean): void {
    const details = { name: observed.name, provider, is_back: isBack };
    this.#deps.events.emit('engine.appeared', details, { engine: id });
  }

  #letGo(record: EngineRecord): void {
    this.#engines.delete(record.id);
    this.#deps.suspicion.forget(record.id);
    this.#deps.log.info({ engine: record.id, streams: record.streams }, 'engine gone');
    this.#deps.events.emit('engine.gone', { streams: record.streams }, { engine: record.id });
    if (record.streams > 0) this.#departed.add(record);
    else this.#close(record);
  }

  #close(record: EngineRecord): void {
    const closed = record.client.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  async #probe(record: EngineRecord): Promise<void> {
    const { clock, events, log, failureThreshold, onChange } = this.#deps;
    const { signal } = this.#abort;
    try {
      const result = await probe(record.client, signal);
      const before = record.health;
      record.verdict = judge(record.verdict, result.verdict, failureThreshold);
      record.version = result.version ?? record.version;
      record.healthDetail = result.detail;
      record.lastCheckedAtMs = clock.wallMs();
      if (record.health === before) return;
      log[record.health === 'unhealthy' ? 'warn' : 'info'](
        { engine: record.id, from: before, to: record.health, reason: result.reason, detail: result.detail },
        'engine health',
      );
      const about = { engine: record.id };
      const { reason, detail } = result;
      if (record.health === 'unhealthy')
        events.emit('health.failed', { from: before, reason, detail }, about);
      else events.emit('health.recovered', { from: before }, about);
      onChange();
    } catch (error) {
      if (!signal.aborted)
        log.error({ err: error, engine: record.id }, 'probe failed by a mistake of acemux');
    }
  }
}

function isSameAddress(one: EngineAddress, other: EngineAddress): boolean {
  return one.host === other.host && one.port === other.port;
}
