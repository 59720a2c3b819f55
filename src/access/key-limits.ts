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

/** What a program or a configuration may have written; its names are those of JSON and YAML. */
export interface WrittenLimits {
  readonly streams_max?: number;
  readonly viewers_max?: number;
  readonly starts_per_minute?: number;
  readonly bytes_per_second?: number;
  readonly on_limit?: 'replace_oldest' | 'refuse';
}

/** The same limits by our names; undefined if none is set. */
export function limitsOf(written: WrittenLimits | undefined): KeyLimits | undefined {
  if (!written || Object.keys(written).length === 0) return undefined;
  return {
    streamsMax: written.streams_max,
    viewersMax: written.viewers_max,
    startsPerMinute: written.starts_per_minute,
    bytesPerSecond: written.bytes_per_second,
    onLimit: written.on_limit,
  };
}

/** As programs read them: what is not set is left out. */
export function writtenLimitsOf(limits: KeyLimits | undefined): WrittenLimits {
  const { bytesPerSecond, onLimit, startsPerMinute, streamsMax, viewersMax } = limits ?? {};
  return {
    ...(streamsMax !== undefined && { streams_max: streamsMax }),
    ...(viewersMax !== undefined && { viewers_max: viewersMax }),
    ...(startsPerMinute !== undefined && { starts_per_minute: startsPerMinute }),
    ...(bytesPerSecond !== undefined && { bytes_per_second: bytesPerSecond }),
    ...(onLimit !== undefined && { on_limit: onLimit }),
  };
}

/** Limits as a store gives them back: undefined where there are none, null for what acemux has not written. */
export function keptLimitsOf(kept: unknown): KeyLimits | undefined | null {
  if (kept === undefined || kept === null) return undefined;
  if (typeof kept !== 'object') return null;
  const { bytesPerSecond, onLimit, startsPerMinute, streamsMax, viewersMax, ...more } = {
    ...NO_LIMITS,
    ...kept,
  };
  const limits = { streamsMax, viewersMax, startsPerMinute, bytesPerSecond, onLimit };
  return Object.keys(more).length === 0 && isKeyLimits(limits) ? limits : null;
}

const NO_LIMITS: Readonly<Record<keyof KeyLimits, unknown>> = {
  streamsMax: undefined,
  viewersMax: undefined,
  startsPerMinute: undefined,
  bytesPerSecond: undefined,
  onLimit: undefined,
};

/** Whether what was read from outside is a limits object: whole numbers from 1 on, and words that there are. */
export function isKeyLimits(
  limits: Readonly<Record<keyof KeyLimits, unknown>>,
): limits is { readonly [Name in keyof KeyLimits]-?: KeyLimits[Name] } {
  const { onLimit, ...counts } = limits;
  const isCount = (value: unknown): boolean =>
    value === undefined || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1);
  return (
    Object.values(counts).every(isCount) &&
    (onLimit === undefined || onLimit === 'replace_oldest' || onLimit === 'refuse')
  );
}
