/** What one engine may cost us: times on the injected clock, sizes of what it sends. */
export interface EngineLimits {
  /** TCP connect. */
  readonly connectTimeoutMs: number;
  /** Whole reply of a start; an unknown infohash takes an engine about 28 s (reference 4.2). */
  readonly startReplyTimeoutMs: number;
  readonly statTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** Version and network status. */
  readonly probeTimeoutMs: number;
  /** What is in a content, and searching; an unknown content takes an engine about 5 s (reference 4.2). */
  readonly contentTimeoutMs: number;
  /** Body of a JSON reply. */
  readonly replyBytesMax: number;
  /** Header block of any reply. */
  readonly headerBytesMax: number;
  /** Redirects between the playback URL and the media. */
  readonly redirectsMax: number;
}

export const DEFAULT_ENGINE_LIMITS: EngineLimits = {
  connectTimeoutMs: 3_000,
  startReplyTimeoutMs: 35_000,
  statTimeoutMs: 3_000,
  stopTimeoutMs: 3_000,
  probeTimeoutMs: 5_000,
  contentTimeoutMs: 10_000,
  replyBytesMax: 512 * 1024,
  headerBytesMax: 16 * 1024,
  redirectsMax: 5,
};
