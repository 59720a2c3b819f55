import type { ReasonCode } from '../../base/reasons.ts';

/** How long a suspicion lasts that nothing has disproved, milliseconds. */
const SUSPICION_MS = 5 * 60_000;
/** Failures of so many different streams, with no success between, speak against the engine. */
const STREAMS_FAILED = 3;
/** How long a failed start can still turn out to be the engine's fault, milliseconds. */
const MEANWHILE_MS = 2 * 60_000;
/** Failed starts that are remembered for that, of one engine. */
const FAILED_STARTS_MAX = 50;

/** What is said of the content, or of an acemux that has ended, not of the engine: it never counts by its own number. */
const OF_THE_CONTENT: ReadonlySet<ReasonCode> = new Set([
  'content_unknown',
  'engine_occupied',
  'zero_peers',
  'paid_option_missing',
  'foreign_redirect',
  'vod_not_yet',
  'hls_unsupported',
  'not_mpegts',
  'content_scrambled',
]);

/**
 * Whether a failure may speak against the engine by its number. A start that brought no byte does so only where another engine
 * delivers the same: a dead channel brings none from any engine that is asked.
 */
export function maySpeakAgainst(
  { reason, hadPlayed }: { readonly reason: ReasonCode; readonly hadPlayed: boolean },
  playsElsewhere: boolean,
): boolean {
  return reason === 'no_media' && !hadPlayed ? playsElsewhere : !OF_THE_CONTENT.has(reason);
}

interface EngineHistory {
  /** Streams whose start failed here since it last delivered anything, with the time of the latest failure. */
  readonly failedStarts: Map<string, number>;
  /** Those of them that the engine itself may be to blame for. */
  readonly unexplained: Set<string>;
  suspectedAtMs: number | undefined;
}

/**
 * Whose fault it is, the content's or the engine's. A dead channel fails on every engine, and must leave all of them
 * as they were; so an engine is suspected only if
 * - another engine delivered the same stream meanwhile,
 * - or three different streams failed on it with no success between, for reasons that are not the content's,
 * - or a stream that was playing on it died while others elsewhere went on.
 *
 * A stream that is delivered clears its engine. Being suspected ranks an engine last, and nothing else.
 */
export class Suspicion {
  readonly #records = new Map<string, EngineHistory>();

  /** A start of `stream` failed. `playsElsewhere`: another engine delivers this same stream. */
  startFailed(
    engineId: string,
    stream: string,
    reason: ReasonCode,
    playsElsewhere: boolean,
    nowMs: number,
  ): void {
    const record = this.#recordOf(engineId);
    record.failedStarts.delete(stream);
    record.failedStarts.set(stream, nowMs);
    const oldest = record.failedStarts.keys().next();
    if (record.failedStarts.size > FAILED_STARTS_MAX && !oldest.done)
      record.failedStarts.delete(oldest.value);
    if (!OF_THE_CONTENT.has(reason) && record.unexplained.size < STREAMS_FAILED) {
      record.unexplained.add(stream);
    }
    if (playsElsewhere || record.unexplained.size >= STREAMS_FAILED) record.suspectedAtMs = nowMs;
  }

  /** `stream` was delivered: its engine is cleared, and those that failed with it meanwhile are not. */
  delivered(engineId: string, stream: string, nowMs: number): void {
    this.#records.delete(engineId);
    for (const record of this.#records.values()) {
      const failedAtMs = record.failedStarts.get(stream);
      if (failedAtMs !== undefined && nowMs - failedAtMs <= MEANWHILE_MS) record.suspectedAtMs = nowMs;
    }
  }

  /** A stream that was playing died. `othersGoOn`: streams on other engines play. */
  diedPlaying(engineId: string, othersGoOn: boolean, nowMs: number): void {
    if (othersGoOn) this.#recordOf(engineId).suspectedAtMs = nowMs;
  }

  isSuspected(engineId: string, nowMs: number): boolean {
    const suspectedAtMs = this.#records.get(engineId)?.suspectedAtMs;
    return suspectedAtMs !== undefined && nowMs - suspectedAtMs < SUSPICION_MS;
  }

  /** The engine is gone. */
  forget(engineId: string): void {
    this.#records.delete(engineId);
  }

  #recordOf(engineId: string): EngineHistory {
    const known = this.#records.get(engineId);
    if (known) return known;
    const record: EngineHistory = {
      failedStarts: new Map(),
      unexplained: new Set(),
      suspectedAtMs: undefined,
    };
    this.#records.set(engineId, record);
    return record;
  }
}
