import type { StandbyChoice } from './standby-mode.ts';

/** What one session may take: times in milliseconds, sizes in bytes. */
export interface SessionLimits extends StandbyChoice {
  /** EMPTY_STREAM_TIMEOUT */
  readonly firstByteTimeoutMs: number;
  /** START_TIMEOUT */
  readonly startTimeoutMs: number;
  /** HEDGE_AFTER; 0: never. */
  readonly hedgeAfterMs: number;
  /** RETRY_BUDGET */
  readonly retryBudgetMs: number;
  /** SPLICE_WAIT */
  readonly spliceWaitMs: number;
  /** STANDBY_WINDOW */
  readonly standbyWindowMs: number;
  /** STREAM_IDLE_TIMEOUT */
  readonly idleTimeoutMs: number;
  /** PREBUFFER_SECONDS */
  readonly prebufferMs: number;
  /** PREBUFFER_STREAMS: by id or infohash, milliseconds. */
  readonly prebufferStreams: ReadonlyMap<string, number>;
  /** STREAM_BUFFER_SECONDS */
  readonly bufferMs: number;
  /** STREAM_BUFFER_SIZE */
  readonly bufferBytes: number;
}
