import { useSignal } from '@preact/signals';
import { detailsText, sentenceOf } from '../logic/event-details.ts';
import { formatBoth, formatSeconds, formatTime, formatUtc } from '../logic/format.ts';
import { clusterMarks, type Mark, type Timeline, ticksOf } from '../logic/timeline.ts';
import { hueOf } from '../store/hues.ts';
import { texts } from '../texts.ts';
import { useWidth } from './measured.tsx';
import { engineNameOf } from './words.tsx';

const BAND_Y = 30;
const BAND = 34;
const VIEWERS_Y = BAND_Y + BAND + 10;
const VIEWERS = 34;
const HEIGHT = VIEWERS_Y + VIEWERS + 24;
const MARK_DISTANCE = 14;
const NAME_ROOM = 70;

interface TimelineProps {
  readonly timeline: Timeline;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A band for each source, marks above it, viewers below. */
export function TimelinePicture({ timeline, fromMs, toMs }: TimelineProps) {
  const { frame, width } = useWidth();
  const chosen = useSignal<number | undefined>(undefined);

  const lengthMs = Math.max(1_000, toMs - fromMs);
  const xOf = (ms: number): number => ((ms - fromMs) / lengthMs) * width.value;
  const clusters = clusterMarks(timeline.marks, xOf, MARK_DISTANCE);
  const shown = chosen.value === undefined ? undefined : clusters[chosen.value];
  const peak = Math.max(1, ...timeline.viewers.map(({ count }) => count));
  const move = (step: number): void => {
    if (clusters.length === 0) return;
    const from = chosen.value ?? (step > 0 ? -1 : clusters.length);
    chosen.value = Math.min(clusters.length - 1, Math.max(0, from + step));
  };
  return (
    <div class="timeline" ref={frame}>
      {width.value > 0 && (
        <svg
          width={width.value}
          height={HEIGHT}
          viewBox={`0 0 ${width.value} ${HEIGHT}`}
          role="group"
          aria-label={texts.stream.timeline}
        >
          {ticksOf(fromMs, toMs, Math.floor(width.value / 110), new Date(toMs).getTimezoneOffset()).map(
            (ms) => (
              <g key={ms}>
                <line class="timeline-tick" x1={xOf(ms)} x2={xOf(ms)} y1={BAND_Y} y2={VIEWERS_Y + VIEWERS} />
                <text
                  class="timeline-time"
                  x={Math.min(xOf(ms), width.value - 26)}
                  y={HEIGHT - 6}
                  text-anchor="middle"
                >
                  {formatTime(ms, toMs)}
                </text>
              </g>
            ),
          )}
          {timeline.spans.map((span, index) => {
            const x = xOf(span.fromMs);
            const spanWidth = Math.max(1.5, xOf(span.toMs) - x);
            const name = span.engine === undefined ? texts.stream.noSource : engineNameOf(span.engine);
            const letters = Math.floor((spanWidth - 16) / 7);
            return (
              <g
                key={`${span.fromMs} ${span.engine ?? ''}`}
                class={
                  span.engine !== undefined
                    ? 'timeline-span'
                    : index === 0
                      ? 'timeline-gap is-start'
                      : 'timeline-gap'
                }
                data-engine={span.engine ?? ''}
              >
                <rect
                  class={`timeline-band ${hueOf(span.engine)}`}
                  x={x}
                  y={BAND_Y}
                  width={spanWidth}
                  height={BAND}
                  rx={Math.min(3, spanWidth / 2)}
                >
                  <title>{`${name}: ${formatBoth(span.fromMs, toMs)}, ${formatSeconds((span.toMs - span.fromMs) / 1000)}`}</title>
                </rect>
                {spanWidth > NAME_ROOM && (
                  <text class="timeline-name" x={x + 9} y={BAND_Y + 21}>
                    {name.length > letters ? `${name.slice(0, letters - 1)}…` : name}
                  </text>
                )}
              </g>
            );
          })}
          <path class="timeline-viewers" d={viewersPath(timeline, xOf, width.value, peak)} />
          {timeline.viewers.length > 0 && (
            <text class="timeline-time" x={width.value - 4} y={VIEWERS_Y + VIEWERS - 5} text-anchor="end">
              {texts.stream.peak(peak)}
            </text>
          )}
          {clusters.map(({ x, kind, marks: [first] }, index) => (
            <g
              key={first?.event.id}
              class={`timeline-mark is-${kind}${index === chosen.value ? ' is-chosen' : ''}`}
              data-kind={kind}
            >
              {kind !== 'viewer' && <line x1={x} x2={x} y1="20" y2={BAND_Y + BAND + 4} />}
              <MarkShape x={x} kind={kind} />
              {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys of the frame do the same */}
              <rect
                class="timeline-touch"
                x={x - 9}
                y="0"
                width="18"
                height={BAND_Y + BAND}
                onMouseEnter={() => {
                  chosen.value = index;
                }}
                onClick={() => {
                  chosen.value = index;
                }}
              />
            </g>
          ))}
        </svg>
      )}
      <div
        class="timeline-reading"
        role="group"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys go from mark to mark
        tabIndex={0}
        aria-label={texts.stream.timelineHint}
        onKeyDown={(event) => {
          if (event.key === 'ArrowRight') move(1);
          else if (event.key === 'ArrowLeft') move(-1);
          else return;
          event.preventDefault();
        }}
      >
        <div aria-live="polite">
          {shown ? (
            shown.marks.slice(0, 5).map((mark) => <Reading key={mark.event.id} mark={mark} toMs={toMs} />)
          ) : (
            <span class="faint">{texts.stream.timelineHint}</span>
          )}
          {shown && shown.marks.length > 5 && <p class="faint">{`+${shown.marks.length - 5}`}</p>}
        </div>
      </div>
    </div>
  );
}

function Reading({ mark: { event, ms }, toMs }: { readonly mark: Mark; readonly toMs: number }) {
  const details = detailsText(event.details, engineNameOf);
  return (
    <p>
      <time dateTime={new Date(ms).toISOString()} title={formatUtc(ms)}>
        {formatTime(ms, toMs)}
      </time>{' '}
      {details === '' ? (
        event.message
      ) : (
        <>
          {sentenceOf(event.message)} <span class="faint">{details}</span>
        </>
      )}
    </p>
  );
}

/** Each kind has a shape, so that colour alone says nothing. */
function MarkShape({ x, kind }: { readonly x: number; readonly kind: string }) {
  if (kind === 'splice')
    return (
      <path
        d={`M${x - 6} 8L${x} 14L${x + 6} 8M${x - 6} 20L${x} 14L${x + 6} 20`}
        class="timeline-shape is-line"
      />
    );
  if (kind === 'failure')
    return <path d={`M${x - 5} 9L${x + 5} 19M${x + 5} 9L${x - 5} 19`} class="timeline-shape is-line" />;
  if (kind === 'trouble') return <path d={`M${x} 7.5L${x + 6} 19H${x - 6}Z`} class="timeline-shape" />;
  if (kind === 'note')
    return <rect x={x - 3.5} y={10.5} width="7" height="7" rx="1" class="timeline-shape" />;
  return <circle cx={x} cy={14} r="3" class="timeline-shape" />;
}

function viewersPath(
  { viewers }: Timeline,
  xOf: (ms: number) => number,
  width: number,
  peak: number,
): string {
  if (viewers.length === 0) return '';
  const bottom = VIEWERS_Y + VIEWERS;
  const yOf = (count: number): number => bottom - (count / peak) * VIEWERS;
  let path = `M0 ${bottom}`;
  for (const { ms, count } of viewers) path += `H${xOf(ms).toFixed(1)}V${yOf(count).toFixed(1)}`;
  return `${path}H${width}V${bottom}Z`;
}

/** How long a stream had no source, all times together. */
export function heldSecondsOf({ spans }: Timeline): number {
  return spans
    .filter(({ engine }, index) => engine === undefined && index > 0)
    .reduce((sum, { fromMs, toMs }) => sum + (toMs - fromMs) / 1000, 0);
}
