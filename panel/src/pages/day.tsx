import { get } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';
import { curveOf } from '../logic/curve.ts';
import { Chart } from '../parts/chart.tsx';
import { nowMs } from '../store/live.ts';
import { useResource } from '../store/resource.ts';
import { texts } from '../texts.ts';

type Point = Replies['GET /history/timeline']['points'][number];

/** Below this there is a dot, and no picture. */
const POINTS_MIN = 3;
const EVERY_MS = 60_000;
const HOURS = 24;

/** The last 24 hours, as acemux has stored them. */
export function DayChart() {
  const day = useResource(
    'day',
    (signal) => get('GET /history/timeline', `/history/timeline?hours=${HOURS}`, signal),
    { everyMs: EVERY_MS },
  );
  const { numbers, overview } = texts;
  const known = day.value.value;
  if (!known && !day.error.value) return null;
  return (
    <section aria-labelledby="day">
      <h2 id="day">{overview.day}</h2>
      {!known || known.points.length < POINTS_MIN ? (
        <p class="faint">{day.error.value?.message ?? overview.dayBegins}</p>
      ) : (
        <div class="day">
          <DayCurve day={known} label={numbers.viewers} token="--hue-a" of={({ clients }) => clients} />
          <DayCurve
            day={known}
            label={numbers.egress}
            token="--hue-b"
            of={(point) => point.egress_bytes_per_second}
            isRate
          />
          <DayCurve
            day={known}
            label={overview.engines}
            token="--hue-c-line"
            of={(point) => point.healthy_engines}
            tells="lowest"
          />
        </div>
      )}
    </section>
  );
}

interface DayCurveProps {
  readonly day: Replies['GET /history/timeline'];
  readonly label: string;
  readonly token: string;
  readonly of: (point: Point) => number;
  readonly isRate?: boolean;
  readonly tells?: 'highest' | 'lowest';
}

function DayCurve({ day, label, token, of, isRate = false, tells = 'highest' }: DayCurveProps) {
  const now = nowMs.peek() / 1000;
  const points = day.points.map((point) => ({ at: Date.parse(point.at) / 1000, value: of(point) }));
  return (
    <Chart
      label={label}
      curve={curveOf(points, day.step_seconds, now)}
      unit={isRate ? 'rate' : 'count'}
      token={token}
      tells={tells}
      span={[now - HOURS * 3600, now]}
    />
  );
}
