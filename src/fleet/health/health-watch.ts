import type { Clock, Timer } from '../../base/clock.ts';
import type { Log } from '../../telemetry/log.ts';
import type { EngineRecord } from '../engine-record.ts';
import { judgeProbe } from './engine-state.ts';
import { probe } from './probe.ts';

export interface HealthWatchDeps {
  /** HEALTH_CHECK_INTERVAL, from the end of one probe of an engine to the next, milliseconds. */
  readonly checkIntervalMs: number;
  /** HEALTH_FAILURE_THRESHOLD */
  readonly failureThreshold: number;
  /** A probe of this engine is over, and what it found is in the record. */
  readonly onProbed: (record: EngineRecord) => void;
  /** From 0 to 1, for the jitter. */
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

/** An engine that may be starting is asked so often, so that who waits for it need not wait long, milliseconds. */
const STARTING_INTERVAL_MS = 500;
/** The interval is longer or shorter by up to so much of it, so that engines are not all asked at once. */
const JITTER = 0.1;

/** Asks engines again and again how they are: each by itself, never twice at a time. */
export class HealthWatch {
  readonly #deps: HealthWatchDeps;
  readonly #abort = new AbortController();
  /** Probes since the beginning, by what they found. */
  readonly counts = { hit: 0, miss: 0 };
  readonly #probes = new Map<EngineRecord, Promise<void>>();
  readonly #timers = new Map<EngineRecord, Timer>();

  constructor(deps: HealthWatchDeps) {
    this.#deps = deps;
  }

  /** Probes the engine at once, and from then on until it is forgotten. */
  begin(record: EngineRecord): void {
    void this.probeNow(record);
  }

  /** No more probes begin. */
  forget(record: EngineRecord): void {
    this.#timers.get(record)?.cancel();
    this.#timers.delete(record);
  }

  /** While a probe of it is under way, that one counts. Never rejects. */
  probeNow(record: EngineRecord): Promise<void> {
    if (this.#abort.signal.aborted || record.isGone) return Promise.resolve();
    const running = this.#probes.get(record);
    if (running !== undefined) return running;
    this.forget(record);
    const begun = this.#probe(record).finally(() => {
      this.#probes.delete(record);
      this.#schedule(record);
    });
    this.#probes.set(record, begun);
    return begun;
  }

  /** Ends probes under way. */
  async stop(): Promise<void> {
    this.#abort.abort();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await Promise.all(this.#probes.values());
  }

  #schedule(record: EngineRecord): void {
    if (this.#abort.signal.aborted || record.isGone) return;
    const { clock, checkIntervalMs, random } = this.#deps;
    const isStarting = record.api.kind === 'unknown';
    const intervalMs = isStarting
      ? Math.min(STARTING_INTERVAL_MS, checkIntervalMs)
      : checkIntervalMs * (1 - JITTER + 2 * JITTER * random());
    this.#timers.set(
      record,
      clock.startTimer(intervalMs, () => void this.probeNow(record)),
    );
  }

  async #probe(record: EngineRecord): Promise<void> {
    const { clock, log, failureThreshold, onProbed } = this.#deps;
    const { signal } = this.#abort;
    const beganMs = clock.nowMs();
    try {
      const { verdict, version, detail, reason, connected } = await probe(record.client, signal);
      record.api = judgeProbe(record.api, verdict, {
        failureThreshold,
        maybeStarting: record.maybeStarting,
      });
      if (verdict === 'hit') record.wasReady = true;
      record.version = version ?? record.version;
      record.healthDetail = detail;
      record.healthReason = reason;
      record.network = { isReachable: version !== undefined, connected, checkedAtMs: clock.nowMs() };
      record.lastCheckedAtMs = clock.wallMs();
      record.noteProbe({
        atMs: clock.wallMs(),
        verdict,
        reason,
        detail,
        tookMs: Math.round(clock.nowMs() - beganMs),
      });
      this.counts[verdict]++;
      onProbed(record);
    } catch (error) {
      if (!signal.aborted)
        log.error({ err: error, engine: record.id }, 'probe failed by a mistake of acemux');
    }
  }
}
