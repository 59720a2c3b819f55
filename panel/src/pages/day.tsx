import { get } from '../api/call.ts';
import { formatCount, formatRate } from '../logic/format.ts';
import { Chart } from '../parts/chart.tsx';
import { useResource } from '../store/resource.ts';
import { texts } from '../texts.ts';

/** Below this there is a dot, and no picture. */
const POINTS_MIN = 3;
const EVERY_MS = 60_000;

/** The last 24 hours, as acemux has stored them. */
export function DayChart() {
  const day = useResource(
    'day',
    (signal) => get('GET /history/timeline', '/history/timeline?hours=24', signal),
    {
      everyMs: EVERY_MS,
    },
  );
  const points = day.value.value?.points ?? [];
  if (points.length < POINTS_MIN) return null;
  const times = points.map(({ at }) => Date.parse(at) / 1000);
  const { numbers, overview } = texts;
  return (
    <section aria-labelledby="day">
      <h2 id="day">{overview.day}</h2>
      <div class="day">
        <Chart
          label={numbers.viewers}
          times={times}
          series={[
            { label: numbers.viewers, values: points.map(({ clients }) => clients), token: '--hue-a' },
          ]}
          format={formatCount}
        />
        <Chart
          label={numbers.egress}
          times={times}
          series={[
            {
              label: numbers.egress,
              values: points.map(({ egress_bytes_per_second: egress }) => egress),
              token: '--hue-b',
            },
          ]}
          format={formatRate}
        />
        <Chart
          label={overview.engines}
          times={times}
          series={[
            {
              label: overview.engines,
              values: points.map(({ healthy_engines: healthy }) => healthy),
              token: '--hue-c-line',
            },
          ]}
          format={formatCount}
        />
      </div>
    </section>
  );
}
