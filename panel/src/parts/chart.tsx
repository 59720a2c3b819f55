import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { isDark } from '../store/theme.ts';
import { useWidth } from './measured.tsx';

const HEIGHT = 130;

interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** A custom property of the style sheet: its colour. */
  readonly token: string;
}

interface ChartProps {
  /** What it shows, for who can't see it; stands above it. */
  readonly label: string;
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number | null | undefined) => string;
}

/** A curve over time, with axes, and a reading under the pointer. */
export function Chart({ label, times, series, format }: ChartProps) {
  const { frame, width } = useWidth();
  const plot = useRef<uPlot | undefined>(undefined);
  const data = (): uPlot.AlignedData => [[...times], ...series.map(({ values }) => [...values])];
  const names = series.map(({ label: name }) => name).join();
  useEffect(() => {
    const element = frame.current;
    if (!element || width.value === 0) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (token: string): string => style.getPropertyValue(token).trim();
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
        padding: [8, 4, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.15)] } },
        axes: [
          {
            ...axis,
            space: 90,
            values: (_plot, splits) =>
              splits.map((second) =>
                new Date(second * 1000).toLocaleTimeString('en-GB', {
                  hour: '2-digit',
                  minute: '2-digit',
                  ...(times.length > 1 &&
                    (times.at(-1) ?? 0) - (times[0] ?? 0) < 600 && { second: '2-digit' }),
                }),
              ),
          },
          { ...axis, size: 74, space: 34, values: (_plot, splits) => splits.map((value) => format(value)) },
        ],
        series: [
          {},
          ...series.map(({ label: name, token }) => ({
            label: name,
            stroke: colour(token),
            fill: `color-mix(in oklch, ${colour(token)} 12%, transparent)`,
            width: 1.5,
            points: { show: false },
          })),
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
  }, [width.value, names, isDark.value]);
  useEffect(() => plot.current?.setData(data()));
  return (
    <figure class="chart">
      <figcaption>{label}</figcaption>
      <div ref={frame} class="chart-frame" aria-hidden="true" />
    </figure>
  );
}
