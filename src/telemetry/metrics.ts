import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ReasonCode } from '../base/reasons.ts';
import { declared, gauge, labelledGauge } from './declared-metric.ts';
import type { EventType } from './events/event.ts';
import type { LoopDelayFigures, LoopDelayReader } from './loop-delay.ts';
import { type OrchestratorSources, registerOrchestratorMetrics } from './orchestrator-metrics.ts';
import { StageMetrics, type StageSources } from './stage-metrics.ts';

/**
 * What prom-client would tell of the event loop: its timer cannot be shared with others who want to know, so it is set to fire every
 * 24 days, and `acemux_loop_delay_seconds` tells it instead.
 */
const REPLACED_METRIC = /^nodejs_eventloop_lag_/;
const NEVER_MS = 2 ** 31 - 1;

/** Metrics of Node's that go through all sockets at each scrape, to tell what `process_open_fds` and our own tell as well. */
const HANDLE_METRIC = /^nodejs_active_/;

export interface MetricsDeps {
  /** Taken at each scrape. */
  readonly loopDelay: LoopDelayReader;
  /** Asked at each scrape. */
  readonly sessionsActive: () => number;
  /** Asked at each scrape. */
  readonly clientsActive: () => number;
  /** Asked at each scrape. */
  readonly clientsPaused: () => number;
  /** Asked at each scrape. */
  readonly bufferBytes: () => number;
  /** Asked at each scrape. */
  readonly timeshiftBytes: () => number;
  /** Asked at each scrape. */
  readonly fleetStatus: () => FleetNumbers;
  /** Asked at each scrape. */
  readonly storeHealth: () => { readonly problem: unknown; readonly waiting: number; readonly lost: number };
  /** The state of each engine; asked at each scrape. */
  readonly engineStates: () => readonly string[];
  /** What there is too much of; asked at each scrape. */
  readonly overloadCauses: () => readonly string[];
  readonly stages: StageSources;
  readonly orchestrator: OrchestratorSources;
}

/** All that there may be too much of, as access/overload has it. */
const OVERLOAD_CAUSES = ['event_loop', 'open_files', 'buffer_memory', 'egress'] as const;

/** Of a process that was not looked at yet. */
const NO_DELAY: LoopDelayFigures = { p50Ms: 0, p99Ms: 0, maxMs: 0 };

/** What is shown of the fleet. */
export interface FleetNumbers {
  readonly wanted: number;
  readonly waiting: number;
  readonly block: unknown;
  readonly engines: { readonly creating: number };
  readonly breakers: ReadonlyMap<string, { readonly kind: string }>;
}

/** What happens in the fleet, as far as it is counted. */
export interface CountedHappening {
  readonly kind: string;
  readonly reason?: ReasonCode | undefined;
  readonly exit?: unknown;
}

/** Which happenings are actions, and how they went. */
const ACTIONS: ReadonlyMap<string, { readonly action: string; readonly outcome: 'ok' | 'failed' }> = new Map([
  ['created', { action: 'create', outcome: 'ok' }],
  ['create_failed', { action: 'create', outcome: 'failed' }],
  ['draining', { action: 'drain', outcome: 'ok' }],
  ['undrained', { action: 'undrain', outcome: 'ok' }],
  ['removed', { action: 'remove', outcome: 'ok' }],
  ['remove_failed', { action: 'remove', outcome: 'failed' }],
]);

/**
 * Counts what happens, and shows it to Prometheus. Has the methods of `SessionObserver` (session/ports.ts) and of what
 * http asks for; app.ts connects them. Each instance has a registry of its own.
 */
export class Metrics {
  readonly #registry = new Registry();
  /** To be told what happens to sessions, too. */
  readonly stages: StageMetrics;
  readonly #sessions: Counter;
  readonly #clients: Counter;
  /** Not yet shown. Counted at each write to each viewer, so it is a plain number until somebody looks. */
  #newBytes = 0;
  readonly #durations: Histogram;
  readonly #sessionEnds: Counter;
  readonly #clientEnds: Counter;
  readonly #skips: Counter;
  readonly #failures: Counter;
  readonly #hedges: Counter;
  readonly #hedgesWon: Counter;
  readonly #splices: Counter;
  readonly #standbySwitches: Counter;
  readonly #standbyDifferences: Counter;
  readonly #warnings: Counter;
  readonly #refusals: Counter;
  readonly #fleetActions: Counter;
  readonly #engineExits: Counter;
  readonly #events: Counter;
  readonly #webhooks: Counter;

  /** How often somebody has looked. */
  #scrapes = 0;

  constructor(deps: MetricsDeps) {
    const { sessionsActive, clientsActive, clientsPaused, bufferBytes, timeshiftBytes } = deps;
    const registers = [this.#registry];
    const { stages, orchestrator } = deps;
    this.stages = new StageMetrics({ ...stages, streams: this.#oncePerScrape(stages.streams) }, registers);
    const stats = this.#oncePerScrape(orchestrator.stats);
    const orchestratorEngines = this.#oncePerScrape(orchestrator.engines);
    registerOrchestratorMetrics({ ...orchestrator, stats, engines: orchestratorEngines }, registers);
    this.#sessions = new Counter({ ...declared('proxy_sessions_total'), registers });
    gauge('proxy_sessions_active', sessionsActive, registers);
    this.#clients = new Counter({ ...declared('proxy_clients_total'), registers });
    const bytes: Counter = new Counter({
      ...declared('proxy_bytes_streamed_total'),
      registers,
      collect: () => {
        bytes.inc(this.#newBytes);
        this.#newBytes = 0;
      },
    });
    this.#durations = new Histogram({ ...declared('proxy_session_duration_seconds'), registers });
    gauge('acemux_clients_active', clientsActive, registers);
    gauge('acemux_clients_paused', clientsPaused, registers);
    gauge('acemux_buffer_bytes', bufferBytes, registers);
    gauge('acemux_timeshift_bytes', timeshiftBytes, registers);
    this.#sessionEnds = new Counter({ ...declared('acemux_sessions_ended_total'), registers });
    this.#clientEnds = new Counter({ ...declared('acemux_clients_ended_total'), registers });
    this.#skips = new Counter({ ...declared('acemux_client_skips_total'), registers });
    this.#failures = new Counter({ ...declared('acemux_failures_total'), registers });
    this.#hedges = new Counter({ ...declared('acemux_hedges_total'), registers });
    this.#hedgesWon = new Counter({ ...declared('acemux_hedges_won_total'), registers });
    this.#splices = new Counter({ ...declared('acemux_splices_total'), registers });
    this.#standbyDifferences = new Counter({ ...declared('acemux_standby_differences_total'), registers });
    this.#standbySwitches = new Counter({ ...declared('acemux_standby_switches_total'), registers });
    this.#warnings = new Counter({ ...declared('acemux_session_warnings_total'), registers });
    this.#refusals = new Counter({ ...declared('acemux_http_refusals_total'), registers });
    const { engineStates } = deps;
    const fleetStatus = this.#oncePerScrape(deps.fleetStatus);
    const engines: Gauge = new Gauge({
      ...declared('acemux_engines'),
      registers,
      collect: () => {
        engines.reset();
        for (const state of ['starting', 'healthy', 'degraded', 'unhealthy', 'draining'])
          engines.set({ state }, 0);
        for (const state of engineStates()) engines.inc({ state });
      },
    });
    const overloaded: Gauge = new Gauge({
      ...declared('acemux_overloaded'),
      registers,
      collect: () => {
        const causes = deps.overloadCauses();
        for (const cause of OVERLOAD_CAUSES) overloaded.set({ cause }, causes.includes(cause) ? 1 : 0);
      },
    });
    gauge('acemux_engines_wanted', () => fleetStatus().wanted, registers);
    gauge('acemux_engines_creating', () => fleetStatus().engines.creating, registers);
    gauge('acemux_starts_waiting', () => fleetStatus().waiting, registers);
    gauge('acemux_engine_creation_blocked', () => (fleetStatus().block === undefined ? 0 : 1), registers);
    gauge(
      'acemux_engine_breaker_open',
      () => [...fleetStatus().breakers.values()].filter(({ kind }) => kind === 'open').length,
      registers,
    );
    labelledGauge(
      'acemux_loop_delay_seconds',
      'quantile',
      () => {
        const { p50Ms, p99Ms, maxMs } = deps.loopDelay.take() ?? NO_DELAY;
        return { '0.5': p50Ms / 1000, '0.99': p99Ms / 1000, '1': maxMs / 1000 };
      },
      registers,
    );
    const { storeHealth } = deps;
    gauge('acemux_store_degraded', () => (storeHealth().problem === undefined ? 0 : 1), registers);
    gauge('acemux_store_waiting', () => storeHealth().waiting, registers);
    gauge('acemux_store_lost', () => storeHealth().lost, registers);
    this.#fleetActions = new Counter({ ...declared('acemux_fleet_actions_total'), registers });
    this.#engineExits = new Counter({ ...declared('acemux_engine_exits_total'), registers });
    this.#webhooks = new Counter({ ...declared('acemux_webhooks_total'), registers });
    this.#events = new Counter({ ...declared('acemux_events_total'), registers });
  }

  /** Begins to watch the process (CPU, memory, event loop). Without this there are only our own metrics. */
  start(): void {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: NEVER_MS });
    for (const { name } of this.#registry.getMetricsAsArray()) {
      if (REPLACED_METRIC.test(name) || HANDLE_METRIC.test(name)) this.#registry.removeSingleMetric(name);
    }
  }

  /** Forgets everything. */
  stop(): void {
    this.#registry.clear();
  }

  /** The media type of `render`'s text. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the text format of Prometheus. */
  render(): Promise<string> {
    this.#scrapes++;
    return this.#registry.metrics();
  }

  /** Several metrics come of one look, which may go over all sessions; a scrape asks all metrics before it waits for anything. */
  #oncePerScrape<Seen>(look: () => Seen): () => Seen {
    let last: { readonly scrape: number; readonly seen: Seen } | undefined;
    return () => {
      if (last?.scrape !== this.#scrapes) last = { scrape: this.#scrapes, seen: look() };
      return last.seen;
    };
  }

  sessionStarted(): void {
    this.#sessions.inc();
  }

  sessionEnded(reason: ReasonCode, durationSeconds: number): void {
    this.#sessionEnds.inc({ reason });
    this.#durations.observe(durationSeconds);
  }

  clientJoined(): void {
    this.#clients.inc();
  }

  clientLeft(reason: ReasonCode): void {
    this.#clientEnds.inc({ reason });
  }

  clientSkipped(): void {
    this.#skips.inc();
  }

  bytesStreamed(bytes: number): void {
    this.#newBytes += bytes;
  }

  hedgeBegun(): void {
    this.#hedges.inc();
  }

  hedgeWon(): void {
    this.#hedgesWon.inc();
  }

  attemptFailed(reason: ReasonCode): void {
    this.#failures.inc({ reason });
  }

  sourceSpliced({ kind }: { readonly kind: string }): void {
    this.#splices.inc({ kind });
  }

  standbySwitched(why: 'damaged' | 'silent'): void {
    this.#standbySwitches.inc({ why });
  }

  standbyDiffered(count: number): void {
    this.#standbyDifferences.inc(count);
  }

  sessionWarned(reason: ReasonCode): void {
    this.#warnings.inc({ reason });
  }

  fleetHappened({ kind, reason, exit }: CountedHappening): void {
    const action = ACTIONS.get(kind);
    if (action) this.#fleetActions.inc({ ...action });
    if (kind === 'gone' && exit !== undefined && reason !== undefined) this.#engineExits.inc({ reason });
  }

  requestRefused(reason: ReasonCode): void {
    this.#refusals.inc({ reason });
  }

  webhookOver(outcome: string): void {
    this.#webhooks.inc({ outcome });
  }

  eventHappened(type: EventType): void {
    this.#events.inc({ type });
  }
}
