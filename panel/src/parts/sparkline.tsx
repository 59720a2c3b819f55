import { sparklinePath, thinned } from '../logic/sparkline.ts';

const WIDTH = 160;
const HEIGHT = 36;
const POINTS = 80;
/** So few are not stretched over the whole width. */
const POINTS_MIN = 24;

/** A curve without axes; what it shows stands beside it as a number. */
export function Sparkline({
  values,
  height = HEIGHT,
}: {
  readonly values: readonly number[];
  readonly height?: number;
}) {
  const points = thinned(values, POINTS);
  const line = sparklinePath(points, WIDTH, height, Math.max(POINTS_MIN, points.length));
  const first = /^M([\d.]+)/.exec(line)?.[1] ?? WIDTH;
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {line !== '' && <path class="sparkline-area" d={`${line}V${height}H${first}Z`} />}
      <path class="sparkline-line" d={line} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** How much of something is taken, as cells. */
export function LoadBar({
  used,
  max,
  label,
}: {
  readonly used: number;
  readonly max: number;
  readonly label: string;
}) {
  const cells = max > 0 && max <= 24 ? max : 0;
  return (
    <span class="load" role="img" aria-label={label} title={label}>
      {cells > 0 ? (
        Array.from({ length: cells }, (_, index) => (
          <i key={index} class={index < used ? 'load-cell is-used' : 'load-cell'} />
        ))
      ) : (
        <i class="load-bar">
          <i style={{ width: `${Math.min(100, (100 * used) / Math.max(1, max))}%` }} />
        </i>
      )}
    </span>
  );
}
