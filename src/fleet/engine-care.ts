import type { Clock } from '../base/clock.ts';
import { AcemuxError, reasonOf } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';
import type { EngineRecord } from './engine-record.ts';
import type { FleetWitness } from './fleet-witness.ts';
import type { DrainWhy, EngineView, RemoveWhy } from './reconciler/plan-types.ts';
import { type EngineRegistry, nameOf } from './registry.ts';

export interface EngineCareDeps {
  readonly registry: EngineRegistry;
  /** An engine was drained, or is not any more. */
  readonly onChange: () => void;
  readonly witness: FleetWitness;
  readonly clock: Clock;
  readonly log: Log;
}

/** `busy`: it has got a stream meanwhile, and stays. */
export type RemoveOutcome = 'removed' | 'busy' | 'failed' | 'unknown';

/** A removal that failed is tried again after this, milliseconds. */
const REMOVE_AGAIN_MS = 10_000;

/** Takes engines out of use and back into it. What it does is decided by the reconciler, or by the operator. */
export class EngineCare {
  readonly #deps: EngineCareDeps;
  /** When a removal that failed may be tried again, monotonic. */
  readonly #againMs = new WeakMap<EngineRecord, number>();

  constructor(deps: EngineCareDeps) {
    this.#deps = deps;
  }

  /**
   * Gives an engine no new streams, and moves those it has to others, as far as others have places. False: there is no
   * such engine, or, where only an empty one may be drained, it has got a stream: the placement wins.
   */
  drain(engineId: string, why: DrainWhy, onlyIfEmpty = false): boolean {
    const { registry, witness, log, onChange } = this.#deps;
    const record = registry.get(engineId);
    if (!record || (onlyIfEmpty && record.streams > 0)) return false;
    if (record.drainWhy === why) return true;
    record.drainWhy = why;
    log.info({ engine: engineId, why, streams: record.streams }, 'engine draining');
    witness({ kind: 'draining', engine: nameOf(record), why, streams: record.streams });
    registry.settle(record);
    onChange();
    if (record.streams === 0) registry.tellDrained(record);
    return true;
  }

  /** Puts a drained engine back into use. False: there is no such engine, or it is being removed already. */
  undrain(engineId: string): boolean {
    const { registry, witness, log, onChange } = this.#deps;
    const record = registry.get(engineId);
    if (!record || record.isRemoving) return false;
    if (record.drainWhy === undefined) return true;
    record.drainWhy = undefined;
    log.info({ engine: engineId }, 'engine is in use again');
    witness({ kind: 'undrained', engine: nameOf(record) });
    registry.settle(record);
    onChange();
    return true;
  }

  /** Has a working engine replaced by a new one. False: there is no such engine. */
  requestRestart(engineId: string): boolean {
    const record = this.#deps.registry.get(engineId);
    if (!record) return false;
    record.isToRestart = true;
    this.#deps.onChange();
    return true;
  }

  /** Removes an engine, unless it has got a stream by now and is not to be removed with its streams. Never rejects. */
  async remove(
    engineId: string,
    why: RemoveWhy,
    signal: AbortSignal,
    withStreams = false,
  ): Promise<RemoveOutcome> {
    const { registry, witness, log, clock } = this.#deps;
    const record = registry.get(engineId);
    const provider = record && registry.feedOf(record)?.provider;
    if (!record || !provider) return 'unknown';
    if (record.streams > 0 && !withStreams) return 'busy';
    if (record.isRemoving) return 'removed';
    // From here on nothing is put on it any more: in this very turn.
    record.isRemoving = true;
    const engine = nameOf(record);
    for (const { leaving } of record.places) leaving.abort();
    try {
      await provider.remove(engineId, signal);
      log.info({ engine: engineId, why }, 'engine removed');
      witness({ kind: 'removed', engine, why });
      registry.end(record);
      return 'removed';
    } catch (error) {
      record.isRemoving = false;
      this.#againMs.set(record, clock.nowMs() + REMOVE_AGAIN_MS);
      if (signal.aborted) return 'failed';
      const { message: detail } = asError(error);
      const reason = reasonOf(error);
      log.warn({ err: error, engine: engineId, why, reason }, 'engine could not be removed');
      witness({ kind: 'remove_failed', engine, why, reason, detail });
      return 'failed';
    }
  }

  /** The engines of providers that make some, as the reconciler sees them. */
  views(): readonly EngineView[] {
    const { registry, clock } = this.#deps;
    const nowMs = clock.nowMs();
    return registry.engines
      .filter((record) => registry.feedOf(record)?.provider.creates === true)
      .map((record) => this.#viewOf(record, nowMs));
  }

  #viewOf(record: EngineRecord, nowMs: number): EngineView {
    const { container } = record.observed;
    return {
      id: record.id,
      pool: record.pool,
      condition: record.isUnwell ? 'unwell' : record.api.kind === 'unknown' ? 'starting' : 'ready',
      unwellSinceMs: record.unwellSinceMs,
      wasReady: record.wasReady,
      streams: record.streams,
      idleSinceMs: record.streams > 0 ? undefined : record.idleSinceMs,
      createdAtMs: record.createdAtMs,
      drainWhy: record.drainWhy,
      isRemoving: record.isRemoving || nowMs < (this.#againMs.get(record) ?? 0),
      isManual: container?.isManual === true,
      isCutOff: container?.isCutOff === true,
      specHash: container?.specHash,
      vpn: record.observed.vpn,
      forwardedPort: container?.forwardedPort,
      memoryBytes: record.memoryBytes,
      isToRestart: record.isToRestart,
    };
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new AcemuxError('internal', String(error));
}
