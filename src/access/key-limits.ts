/** What one key may take at most, all who use it together; what is undefined has no limit of its own. */
export interface KeyLimits {
  /** Different streams at once. */
  readonly streamsMax?: number | undefined;
  /** Viewers at once. */
  readonly viewersMax?: number | undefined;
  readonly startsPerMinute?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  /** What happens at `streamsMax`: the oldest of the key's streams ends, or the new one is refused. */
  readonly onLimit?: 'replace_oldest' | 'refuse' | undefined;
}
