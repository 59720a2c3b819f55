import type { Replies } from '../api/replies.ts';
import { counted, formatBytes, formatDuration, formatSeconds } from '../logic/format.ts';
import { ringPicture } from '../logic/ring.ts';
import { hueOf } from '../store/hues.ts';
import { texts } from '../texts.ts';
import { useWidth } from './measured.tsx';

type Session = Replies['GET /proxy/sessions/{id}'];

const BAND = 26;
const DOT_ROW = 12;

/** What is held of a stream, and where in it each viewer is. */
export function RingPicture({ session }: { readonly session: Session }) {
  const { frame, width } = useWidth();
  const { buffer, clients = [], timeshift } = session;
  if (!buffer) return null;
  const now = timeshift ? Date.parse(timeshift.newest_at) : 0;
  const timeshiftSeconds = timeshift?.oldest_at ? (now - Date.parse(timeshift.oldest_at)) / 1000 : 0;
  const picture = ringPicture({
    seconds: buffer.seconds,
    timeshiftSeconds,
    keyframesBehind: buffer.keyframes.map(({ seconds_behind_live }) => seconds_behind_live),
    viewers: clients.map(({ id, seconds_behind_live, state }) => ({
      id,
      behind: seconds_behind_live,
      state,
    })),
    width: width.value,
  });
  const top = picture.levels * DOT_ROW + 6;
  const height = top + BAND + 22;
  const summary = `${formatSeconds(buffer.seconds)} in memory (${formatBytes(buffer.memory_bytes)}), ${counted(buffer.keyframes.length, 'keyframe')}${
    timeshift ? `, ${formatDuration(timeshiftSeconds)} on disk (${formatBytes(timeshift.size_bytes)})` : ''
  }`;
  return (
    <div class="ring" ref={frame}>
      {width.value > 0 && (
        <svg
          width={width.value}
          height={height}
          viewBox={`0 0 ${width.value} ${height}`}
          role="img"
          aria-label={`${summary}, ${counted(clients.length, 'viewer')}`}
        >
          {picture.memoryX > 0 && (
            <rect class="ring-disk" x="0" y={top} width={picture.memoryX - 3} height={BAND} rx="3" />
          )}
          {picture.memoryX > 60 && (
            <text
              class="timeline-time"
              x="6"
              y={top + 17}
            >{`disk, ${formatDuration(timeshiftSeconds)}`}</text>
          )}
          <rect
            class={`ring-memory ${hueOf(session.container_id)}`}
            x={picture.memoryX}
            y={top}
            width={Math.max(1, width.value - picture.memoryX)}
            height={BAND}
            rx="3"
          />
          {picture.keyframes.map((x) => (
            <line
              key={x}
              class={`ring-keyframe ${hueOf(session.container_id)}`}
              x1={x}
              x2={x}
              y1={top}
              y2={top + BAND}
            />
          ))}
          <line
            class="ring-live"
            x1={width.value - 1}
            x2={width.value - 1}
            y1={top - 4}
            y2={top + BAND + 4}
          />
          {picture.viewers.map(({ id, x, level, state }) => (
            <circle
              key={id}
              class={`ring-viewer is-${state}`}
              cx={Math.min(width.value - 5, Math.max(5, x))}
              cy={top - 7 - level * DOT_ROW}
              r="4"
            />
          ))}
          {picture.more.map(({ x, count }) => (
            <text
              key={x}
              class="timeline-time"
              x={Math.min(width.value - 1, x)}
              y="11"
              text-anchor={x > width.value / 2 ? 'end' : 'start'}
            >
              {`+${count}`}
            </text>
          ))}
          {picture.ticks.map(({ x, seconds }, index) => (
            <text
              key={seconds}
              class="timeline-time"
              x={x}
              y={height - 4}
              text-anchor={index === 0 ? 'end' : x < 20 ? 'start' : 'middle'}
            >
              {index === 0 ? texts.stream.liveEdge : `−${seconds} s`}
            </text>
          ))}
        </svg>
      )}
      <p class="faint">{summary}</p>
    </div>
  );
}
