import assert from 'node:assert/strict';
import type { Clock } from '../base/clock.ts';
import { REASONS } from '../base/reasons.ts';
import type { EngineAddress } from '../engine/types.ts';
import type { Log } from '../telemetry/log.ts';
import { EngineRecord, type FleetClient } from './engine-record.ts';
import type { EngineName, FleetWitness } from './fleet-witness.ts';
import { stateOf } from './health/engine-state.ts';
import { HealthWatch } from './health/health-watch.ts';
import type { Suspicion } from './health/suspicion.ts';
import { ProviderFeed } from './provider-feed.ts';
import type { EngineExit, EngineProvider, ObservedEngine } from './providers/provider.ts';
import type { VpnState } from './reconciler/plan-types.ts';

export interface RegistryDeps {
  readonly providers: readonly EngineProvider[];
  /** Builds the client of one engine; the registry closes it. */
  readonly createClient: (address: EngineAddress) => FleetClient;
  /** Something changed that a choice may depend on: an engine came, went, healed or failed. */
  readonly onChange: () => void;
  readonly witness: FleetWitness;
  /** Between two probes of an engine, milliseconds. */
  readonly checkIntervalMs: number;
  /** Between two listings of a provider that does not tell of changes, milliseconds. */
  readonly listIntervalMs: number;
  /** So many misses in a row turn a healthy engine unhealthy. */
  readonly failureThreshold: number;
  readonly startupTimeoutMs: number;
  readonly suspicion: Suspicion;
  readonly vpnStateOf: (vpn: string) => VpnState | undefined;
  /** Broadcasts that an engine played for the process before this one. */
  readonly playedAt: (address: EngineAddress) => readonly string[];
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Ids of engines that have ended are remembered, lest a listing that was under way bring them back. */
const ENDED_KEPT = 1_000;

/**
 * The engines known now, each with its client, its health and what was counted of it. The providers say which there are;
 * what this holds is a picture of that, never the truth about it.
 */
export class EngineRegistry {
  readonly feeds: readonly ProviderFeed[];
  readonly #deps: RegistryDeps;
  readonly #watch: HealthWatch;
  readonly #engines = new Map<string, EngineRecord>();
  /** The same, made anew when one comes or goes: every choice looks at it. */
  #list: readonly EngineRecord[] = [];
  /** Engines that their provider no longer has, while a stream still uses them. */
  readonly #departed = new Set<EngineRecord>();
  readonly #closing = new Set<Promise<void>>();
  readonly #feedOf = new WeakMap<EngineRecord, ProviderFeed>();
  readonly #ended = new Set<string>();
  #isStarted = false;
  #isStopped = false;

  constructor(deps: RegistryDeps) {
    this.#deps = deps;
    const { clock, log, checkIntervalMs, failureThreshold, random } = deps;
    this.#watch = new HealthWatch({
      checkIntervalMs,
      failureThreshold,
      onProbed: (record) => {
        if (this.settle(record)) deps.onChange();
      },
      random,
      clock,
      log,
    });
    this.feeds = deps.providers.map((provider, index) => this.#feedFrom(provider, index));
  }

  start(): void {
    assert(!this.#isStarted, 'EngineRegistry.start() is called once');
    this.#isStarted = true;
    for (const feed of this.feeds) feed.start();
    // Without providers there is nothing to wait for.
    if (this.feeds.length === 0) this.#deps.onChange();
  }

  /** Ends probes and closes all clients. The providers are their owner's to stop. */
  /** Probes since the beginning, by what they found. */
  get probeCounts(): { readonly hit: number; readonly miss: number } {
    return this.#watch.counts;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.feeds.map((feed) => feed.stop()));
    await this.#watch.stop();
    for (const record of [...this.#engines.values(), ...this.#departed]) this.#close(record);
    await Promise.all(this.#closing);
  }

  /** Whether every provider has been asked once which engines it has. */
  get isListed(): boolean {
    return this.#isStarted && this.feeds.every(({ isAsked }) => isAsked);
  }

  /** In the providers' order. */
  get engines(): readonly EngineRecord[] {
    return this.#list;
  }

  /** Engines that their provider no longer has, while a stream still uses them. */
  get departed(): ReadonlySet<EngineRecord> {
    return this.#departed;
  }

  get(id: string): EngineRecord | undefined {
    return this.#engines.get(id);
  }

  feedOf(record: EngineRecord): ProviderFeed | undefined {
    return this.#feedOf.get(record);
  }

  /** Asks an engine at once how it is; while a probe of it is under way, that one counts. Never rejects. */
  probeNow(record: EngineRecord): Promise<void> {
    return this.#watch.probeNow(record);
  }

  /** To be told when the last stream has left an engine: one that has gone meanwhile is let go. */
  onIdle(record: EngineRecord): void {
    record.idleSinceMs = this.#deps.clock.nowMs();
    if (this.#departed.delete(record)) this.#close(record);
    else if (record.drainWhy !== undefined) this.tellDrained(record);
  }

  /** To be told when a drained engine has no stream any more. */
  tellDrained(record: EngineRecord): void {
    const { drainWhy: why } = record;
    assert(why !== undefined);
    this.#deps.log.info({ engine: record.id, why }, 'engine drained');
    this.#deps.witness({ kind: 'drained', engine: nameOf(record), why });
  }

  /** An engine has ended, or was removed: it is gone at once, whatever a listing under way may say. */
  end(record: EngineRecord): void {
    this.#ended.add(record.id);
    const [oldest] = this.#ended;
    if (this.#ended.size > ENDED_KEPT && oldest !== undefined) this.#ended.delete(oldest);
    this.#letGo(record);
    this.#deps.onChange();
  }

  /** The one place where an engine's state changes; tells whether it did. */
  settle(record: EngineRecord): boolean {
    const { clock, log, witness } = this.#deps;
    const { state: from } = record;
    const wasUnwell = record.unwellSinceMs !== undefined;
    if (record.isUnwell) record.unwellSinceMs ??= clock.nowMs();
    else record.unwellSinceMs = undefined;
    const to = stateOf(record.facts);
    if (to === from) return wasUnwell !== (record.unwellSinceMs !== undefined);
    record.state = to;
    record.stateSinceMs = clock.wallMs();
    const { healthDetail: detail, healthReason: reason } = record;
    log[to === 'unhealthy' ? 'warn' : 'info'](
      { engine: record.id, from, to, reason, detail },
      'engine state',
    );
    witness({ kind: 'state', engine: nameOf(record), from, to, reason, detail });
    return true;
  }

  #feedFrom(provider: EngineProvider, index: number): ProviderFeed {
    const { clock, log, listIntervalMs, checkIntervalMs, witness, providers } = this.#deps;
    const same = providers.slice(0, index).filter((other) => shownName(other) === shownName(provider)).length;
    const name = `${shownName(provider)}${same > 0 ? `-${same + 1}` : ''}`;
    const feed: ProviderFeed = new ProviderFeed({
      provider,
      name,
      onList: (observed) => this.#take(feed, observed),
      onAway: () => this.#lose(feed),
      onExit: (exit) => this.#onExit(exit),
      onProgress: (progress) => witness({ kind: 'image', pool: name, progress }),
      onLeftAlone: (container) => witness({ kind: 'left_alone', pool: name, container }),
      intervalMs: provider.watch ? checkIntervalMs : listIntervalMs,
      clock,
      log,
    });
    return feed;
  }

  #take(feed: ProviderFeed, observed: readonly ObservedEngine[]): void {
    const present = observed.filter(({ id }) => !this.#ended.has(id));
    const ids = new Set(present.map(({ id }) => id));
    let isChanged = false;
    for (const record of this.engines) {
      if (this.#feedOf.get(record) !== feed || ids.has(record.id)) continue;
      this.#letGo(record);
      isChanged = true;
    }
    for (const engine of present) if (this.#see(feed, engine)) isChanged = true;
    // The first time even nothing is news: whoever waits for an engine knows now that there is none.
    if (isChanged || !this.#areAllTold) this.#deps.onChange();
    this.#areAllTold = this.isListed;
  }

  #areAllTold = false;

  /** What a provider can't tell of may have changed meanwhile: its engines stay as they were, and are taken last. */
  #lose(feed: ProviderFeed): void {
    for (const record of this.engines) {
      if (this.#feedOf.get(record) !== feed) continue;
      record.isUnseen = true;
      this.settle(record);
    }
    this.#areAllTold = this.isListed;
    this.#deps.onChange();
  }

  #onExit(exit: EngineExit): void {
    const record = this.#engines.get(exit.id);
    const { log } = this.#deps;
    const { exitCode, wasOutOfMemory, logTail, ranForMs } = exit;
    const reason = exitReason(exit);
    const { todo } = REASONS[reason];
    log.warn(
      { engine: exit.id, reason, exitCode, wasOutOfMemory, ranForMs, logTail, todo },
      'engine ended by itself',
    );
    if (!record) {
      // It ended before it was ever listed.
      const engine = { id: exit.id, name: exit.name, pool: '', vpn: undefined };
      this.#deps.witness({ kind: 'gone', engine, reason, exit, streams: 0 });
      this.#ended.add(exit.id);
      return;
    }
    record.exit = exit;
    this.end(record);
  }

  /** Tells whether something changed that a choice may depend on. */
  #see(feed: ProviderFeed, observed: ObservedEngine): boolean {
    const { clock, log, createClient, suspicion, witness, vpnStateOf, startupTimeoutMs } = this.#deps;
    const known = this.#engines.get(observed.id);
    if (known && isSameAddress(known.observed.address, observed.address)) {
      known.observed = observed;
      known.isUnseen = false;
      known.lastSeenAtMs = clock.wallMs();
      return this.settle(known);
    }
    if (known) this.#letGo(known); // Its process is another one now.
    const returned = this.#takeBack(feed, observed);
    if (returned) {
      this.#watch.begin(returned);
      return true;
    }
    const record = new EngineRecord(observed, {
      provider: feed.provider.kind,
      pool: feed.name,
      isCreated: feed.provider.creates,
      client: createClient(observed.address),
      clock,
      suspicion,
      vpnStateOf,
      startupTimeoutMs,
    });
    for (const infohash of this.#deps.playedAt(observed.address)) record.notePlayed(infohash);
    this.#engines.set(observed.id, record);
    this.#list = [...this.#engines.values()];
    this.#feedOf.set(record, feed);
    log.info({ engine: observed.id, engineName: observed.name, provider: feed.name }, 'engine appeared');
    witness({ kind: 'appeared', engine: nameOf(record), isBack: false });
    this.#watch.begin(record);
    return true;
  }

  /** An engine that was away while streams went on there: they still count. Undefined: there is no such. */
  #takeBack(feed: ProviderFeed, observed: ObservedEngine): EngineRecord | undefined {
    for (const record of this.#departed) {
      if (record.id !== observed.id || !isSameAddress(record.observed.address, observed.address)) continue;
      this.#departed.delete(record);
      this.#engines.set(record.id, record);
      this.#list = [...this.#engines.values()];
      this.#feedOf.set(record, feed);
      record.observed = observed;
      record.isGone = false;
      record.lastSeenAtMs = this.#deps.clock.wallMs();
      this.#deps.log.info({ engine: record.id, streams: record.streams }, 'engine is back');
      this.#deps.witness({ kind: 'appeared', engine: nameOf(record), isBack: true });
      this.settle(record);
      return record;
    }
    return undefined;
  }

  #letGo(record: EngineRecord): void {
    if (!this.#engines.delete(record.id)) return;
    this.#list = [...this.#engines.values()];
    this.#watch.forget(record);
    this.#deps.suspicion.forget(record.id);
    record.isGone = true;
    const { exit, streams } = record;
    this.#deps.log.info({ engine: record.id, streams }, 'engine gone');
    this.settle(record);
    const reason = exit && exitReason(exit);
    this.#deps.witness({ kind: 'gone', engine: nameOf(record), reason, exit, streams });
    if (streams > 0) this.#departed.add(record);
    else this.#close(record);
  }

  #close(record: EngineRecord): void {
    const closed = record.client.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  /** Whether it has been stopped, so that nothing more is to be begun. */
  get isStopped(): boolean {
    return this.#isStopped;
  }
}

export function nameOf({ id, observed, pool }: EngineRecord): EngineName {
  return { id, name: observed.name, pool, vpn: observed.vpn };
}

function shownName({ name, kind }: EngineProvider): string {
  return name ?? kind;
}

function exitReason({ wasOutOfMemory }: EngineExit): 'engine_out_of_memory' | 'engine_exited' {
  return wasOutOfMemory ? 'engine_out_of_memory' : 'engine_exited';
}

function isSameAddress(one: EngineAddress, other: EngineAddress): boolean {
  return one.host === other.host && one.port === other.port;
}
