import { url } from '../api/call.ts';
import { type Condition, isActive } from '../logic/condition.ts';
import { counted, formatCount, formatDuration, formatRate } from '../logic/format.ts';
import { EventLine } from '../parts/event-line.tsx';
import { Icon } from '../parts/icons.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { StreamTable } from '../parts/stream-table.tsx';
import { TopologyPicture } from '../parts/topology-picture.tsx';
import { condition, status } from '../store/condition.ts';
import { happenings, overview, rates } from '../store/live.ts';
import { texts } from '../texts.ts';
import { DayChart } from './day.tsx';
import { FirstRun } from './first-run.tsx';
import { WhatHappened } from './what-happened.tsx';

const EVENTS_SHOWN = 8;
const PROBLEMS_SHOWN = 6;
/** What viewers do fills a list in no time, and is seen in the numbers. */
const QUIET_EVENTS = /^(?:client|request)\./;

/** Is it well, who watches what, and what has happened lately? */
export function OverviewPage() {
  const now = overview.value;
  const how = condition.value;
  if (!now || !how) return <PageIsComing />;
  if (now.engines.length === 0 && now.streams.length === 0) return <FirstRun />;
  const isIdle = !now.streams.some(isActive);
  return (
    <div class="page overview">
      <Headline how={how} />
      <Numbers />
      <section aria-labelledby="map">
        <h2 id="map">{texts.overview.map}</h2>
        <TopologyPicture />
        {isIdle && (
          <p class="faint">
            {texts.overview.quiet} <code>{`${url('/ace/getstream')}?id=…`}</code>
          </p>
        )}
      </section>
      {!isIdle && (
        <section aria-labelledby="streams">
          <h2 id="streams">{texts.pages.streams}</h2>
          <StreamTable streams={now.streams.filter(isActive)} isShort />
        </section>
      )}
      <DayChart />
      <div class="columns">
        <section aria-labelledby="events">
          <div class="section-head">
            <h2 id="events">{texts.overview.events}</h2>
            <a href="#/events">{texts.overview.allEvents}</a>
          </div>
          <div class="event-list">
            {happenings.value
              .filter(({ type }) => !QUIET_EVENTS.test(type))
              .slice(0, EVENTS_SHOWN)
              .map((event) => (
                <EventLine key={event.id} event={event} />
              ))}
          </div>
        </section>
        <WhatHappened />
      </div>
    </div>
  );
}

export function PageIsComing() {
  return (
    <div class="page">
      <p class="faint" role="status">
        {texts.connection.connecting}
      </p>
    </div>
  );
}

function Headline({ how }: { readonly how: Condition }) {
  const { headline, gravity, problems } = how;
  return (
    <section class={`headline tone-${gravity}`} aria-label={texts.parts.health}>
      <h1>{headline}</h1>
      {problems.length > 0 && (
        <ul class="problems">
          {problems.slice(0, PROBLEMS_SHOWN).map(({ key, what, todo, link, gravity: each }) => (
            <li key={key} class={`tone-${each}`}>
              <Icon name="warn" />
              <div>
                {link === undefined ? <strong>{what}</strong> : <a href={link}>{what}</a>}
                <span>{todo}</span>
              </div>
            </li>
          ))}
          {problems.length > PROBLEMS_SHOWN && (
            <li class="faint">{texts.problems.more(problems.length - PROBLEMS_SHOWN)}</li>
          )}
        </ul>
      )}
    </section>
  );
}

function Numbers() {
  const points = rates.points.value;
  const now = overview.value;
  const last = points.at(-1);
  const streams = now?.streams.filter(isActive) ?? [];
  const viewers = streams.reduce((sum, { client_count }) => sum + client_count, 0);
  const engines = now?.engines ?? [];
  const inUse = engines.filter(({ stream_count }) => stream_count > 0).length;
  const first = points[0];
  const span = first && last ? texts.numbers.since(formatDuration((last.ms - first.ms) / 1000)) : '';
  const places = status.value?.capacity.free_places;
  return (
    <section class="numbers" aria-label={texts.parts.numbers}>
      <Figure
        label={texts.numbers.viewers}
        value={formatCount(viewers)}
        values={points.map((point) => point.viewers)}
      />
      <Figure
        label={texts.numbers.streams}
        value={formatCount(streams.length)}
        values={points.map((point) => point.streams)}
      />
      <Figure
        label={texts.numbers.egress}
        value={formatRate(last?.egress)}
        note={`${texts.numbers.ingress.toLowerCase()} ${formatRate(last?.ingress)}`}
        values={points.map(({ egress }) => egress)}
      />
      <Figure
        label={texts.numbers.engines}
        value={`${inUse} of ${engines.length}`}
        {...(places !== undefined && { note: counted(places, 'free place') })}
        values={points.map(({ enginesInUse }) => enginesInUse)}
      />
      <p class="numbers-span faint">{span}</p>
    </section>
  );
}

interface FigureProps {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  readonly values: readonly number[];
}

function Figure({ label, value, note, values }: FigureProps) {
  return (
    <div class="figure">
      <div class="figure-words">
        <span class="figure-label">{label}</span>
        <span class="figure-value">{value}</span>
        <span class="figure-note">{note ?? ''}</span>
      </div>
      <Sparkline values={values} />
    </div>
  );
}
