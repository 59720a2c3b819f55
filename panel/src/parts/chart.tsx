import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { type Curve, extremeOf, latestOf, type Point } from '../logic/curve.ts';
import { formatCount, formatMinute, formatRate } from '../logic/format.ts';
import { isDark } from '../store/theme.ts';
import { texts } from '../texts.ts';
import { useWidth } from './measured.tsx';

const HEIGHT = 132;
/** Below so many seconds the axis of time has seconds. */
const FINE_SECONDS = 600;
/** Half of how wide a time is on the axis, pixels. */
const LABEL_HALF = 14;
const FINE_LABEL_HALF = 22;
const DECADES = Array.from({ length: 13 }, (_, power) => 10 ** power);
const STEPS = DECADES.flatMap((power) => [power, 2 * power, 5 * power]);

/** What a value means: how it is said, and which steps its axis may have. */
const UNITS = {
  count: { format: formatCount, steps: STEPS, gutter: 40 },
  // Bytes, said as bits: round bits make a readable axis.
  rate: { format: formatRate, steps: STEPS.map((bits) => bits / 8), gutter: 72 },
} as const;

interface ChartProps {
  /** What it shows; stands above it. */
  readonly label: string;
  readonly curve: Curve;
  readonly unit: keyof typeof UNITS;
  /** A custom property of the style sheet: its colour. */
  readonly token: string;
  /** Which end is told in words. */
  readonly tells?: 'highest' | 'lowest';
  /** Seconds since 1970 of the left and the right end; those of the curve if left out. */
  readonly span?: readonly [number, number];
}

/** A curve over time, with axes, and in words what it is now, was at most, and is under the pointer. */
export function Chart({ label, curve, unit, token, tells = 'highest', span }: ChartProps) {
  const { frame, width } = useWidth();
  const plot = useRef<uPlot | undefined>(undefined);
  const shown = useRef({ curve, span });
  shown.current = { curve, span };
  const pointed = useSignal<Point | undefined>(undefined);
  const { format, steps, gutter } = UNITS[unit];
  const data = (): uPlot.AlignedData => [[...shown.current.curve.times], [...shown.current.curve.values]];
  useEffect(() => {
    const element = frame.current;
    if (!element || width.value === 0) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--ink-3'),
      grid: { stroke: colour('--line-2'), width: 1 },
      ticks: { show: false },
      font: `11px ${colour('--sans')}`,
    };
    const made = new uPlot(
      {
        width: width.value,
        height: HEIGHT,
        padding: [10, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        hooks: {
          setCursor: [
            ({ cursor: { idx } }) => {
              const { times, values } = shown.current.curve;
              const [at, value] = [times[idx ?? -1], values[idx ?? -1]];
              pointed.value =
                at === undefined || value === undefined || value === null ? undefined : { at, value };
            },
          ],
        },
        scales: {
          x: { range: (_plot, first, last) => [...(shown.current.span ?? [first, last])] },
          y: { range: (_plot, _min, max) => [0, Math.max(steps[0] ?? 1, max * 1.1)] },
        },
        axes: [
          {
            ...axis,
            space: 56,
            size: 26,
            values: (plot, splits) => {
              const isFine = (splits.at(-1) ?? 0) - (splits[0] ?? 0) < FINE_SECONDS;
              // One at the very edge would be cut off in its middle.
              const roomEnds = width.value - gutter - (isFine ? FINE_LABEL_HALF : LABEL_HALF);
              return splits.map((second) =>
                plot.valToPos(second, 'x') > roomEnds ? null : formatMinute(second * 1000, isFine),
              );
            },
          },
          {
            ...axis,
            size: gutter,
            space: 30,
            incrs: [...steps],
            // What is zero needs no unit, and what is round no decimals.
            values: (_plot, splits) =>
              splits.map((value) => (value === 0 ? '0' : format(value).replace(/\.0+ /, ' '))),
          },
        ],
        series: [
          {},
          {
            stroke: colour(token),
            fill: `color-mix(in oklch, ${colour(token)} 12%, transparent)`,
            width: 1.5,
            points: { show: false },
          },
        ],
      },
      data(),
      element,
    );
    plot.current = made;
    return () => {
      plot.current = undefined;
      made.destroy();
    };
  }, [width.value, unit, token, isDark.value]);
  useEffect(() => plot.current?.setData(data()));
  return (
    <figure class="chart">
      <figcaption>
        <span>{label}</span>{' '}
        <span class="chart-reading">{readingOf(curve, pointed.value, tells, format)}</span>
      </figcaption>
      <div ref={frame} class="chart-frame" aria-hidden="true" />
    </figure>
  );
}

function readingOf(
  curve: Curve,
  pointed: Point | undefined,
  tells: 'highest' | 'lowest',
  format: (value: number | undefined) => string,
): string {
  if (pointed) return texts.chart.at(formatMinute(pointed.at * 1000), format(pointed.value));
  const [latest, extreme] = [latestOf(curve), extremeOf(curve, tells)];
  if (!latest || !extreme) return '';
  const sentence = tells === 'highest' ? texts.chart.most : texts.chart.least;
  return sentence(format(latest.value), format(extreme.value), formatMinute(extreme.at * 1000));
}
