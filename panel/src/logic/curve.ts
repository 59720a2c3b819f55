/** What a curve over time is drawn from. Times are seconds since 1970, ascending. */
export interface Curve {
  readonly times: readonly number[];
  /** Null where nothing is known: the curve has a gap there. */
  readonly values: readonly (number | null)[];
}

export interface Point {
  readonly at: number;
  readonly value: number;
}

/**
 * The curve of points that should come every `stepSeconds`. Where some are missing it is broken, for nothing is known of that
 * time; the last one is left out while its time is not over, for it holds less than the others.
 */
export function curveOf(points: readonly Point[], stepSeconds: number, nowSeconds: number): Curve {
  const whole = points.filter(({ at }) => at + stepSeconds <= nowSeconds);
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (const { at, value } of whole) {
    const before = times.at(-1);
    if (before !== undefined && at - before > 1.5 * stepSeconds) {
      times.push(before + stepSeconds);
      values.push(null);
    }
    times.push(at);
    values.push(value);
  }
  return { times, values };
}

/** The highest or the lowest point, the latest of several. */
export function extremeOf({ times, values }: Curve, end: 'highest' | 'lowest'): Point | undefined {
  let found: Point | undefined;
  for (const [index, value] of values.entries()) {
    const at = times[index];
    if (value === null || at === undefined) continue;
    const before = found?.value ?? value;
    if (end === 'highest' ? value >= before : value <= before) found = { at, value };
  }
  return found;
}

/** The last point that is known. */
export function latestOf({ times, values }: Curve): Point | undefined {
  const index = values.findLastIndex((value) => value !== null);
  const [at, value] = [times[index], values[index]];
  return at === undefined || value === undefined || value === null ? undefined : { at, value };
}
