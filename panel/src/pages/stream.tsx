import { useRef } from 'preact/hooks';
import { get } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';
import { isUsable } from '../logic/condition.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
  formatSeconds,
  NOTHING,
} from '../logic/format.ts';
import { codecNames, formatSize } from '../logic/media.ts';
import { type Timeline, type TimelineEvent, timelineOf } from '../logic/timeline.ts';
import { Chart } from '../parts/chart.tsx';
import { EventLine } from '../parts/event-line.tsx';
import { RingPicture } from '../parts/ring-picture.tsx';
import { TimelinePicture } from '../parts/timeline-picture.tsx';
import { EngineName, engineNameOf, Moment, StateMark, streamNameOf } from '../parts/words.tsx';
import { Player } from '../player/player.tsx';
import { ReadyLinks } from '../player/ready-links.tsx';
import { perform, question } from '../store/acts.ts';
import { reasonOf } from '../store/condition.ts';
import { type Happening, happenings, nowMs, overview, type Stream } from '../store/live.ts';
import { showsActs } from '../store/me.ts';
import { useResource } from '../store/resource.ts';
import { texts } from '../texts.ts';
import { StreamLimits } from './stream-limits.tsx';
import { StreamViewers } from './stream-viewers.tsx';

type Session = Replies['GET /proxy/sessions/{id}'];
type Sample = Replies['GET /streams/{id}/stats'][number];

const EVENTS_MAX = 1_000;
const LATEST_SHOWN = 12;
const HASH = /^[0-9a-f]{40}$/i;

/** One stream: by its session, or by its 40 digits: then the newest session of these. */
export function StreamPage({ id }: { readonly id: string }) {
  const found = overview.value?.streams.findLast((stream) =>
    HASH.test(id)
      ? stream.stream_id === id.toLowerCase() || stream.infohash === id.toLowerCase()
      : stream.id === id,
  );
  // A stream that was ended long ago is not in the overview: then its page stays as long as it is open.
  const last = useRef(found);
  if (found) last.current = found;
  const stream = last.current;
  if (!overview.value)
    return (
      <p class="page faint" role="status">
        {texts.connection.connecting}
      </p>
    );
  if (!stream) return <PastStream name={id.toLowerCase()} />;
  return <KnownStream key={stream.id} stream={stream} />;
}

function Unknown() {
  return (
    <div class="page">
      <h1>{texts.stream.unknown}</h1>
      <p class="faint">{texts.stream.unknownHint}</p>
    </div>
  );
}

/** A stream that was ended long ago: what the history and the events have of it. */
function PastStream({ name }: { readonly name: string }) {
  const past = useResource(name, (signal) =>
    get('GET /history/streams/{id}', `/history/streams/${encodeURIComponent(name)}`, signal),
  );
  const page = past.value.value;
  if (!page) {
    return past.error.value ? (
      <Unknown />
    ) : (
      <p class="page faint" role="status">
        {texts.connection.connecting}
      </p>
    );
  }
  const { stream, events, clients, minutes } = page;
  const fromMs = Date.parse(stream.began_at);
  const toMs = stream.ended_at === null ? nowMs.value : Date.parse(stream.ended_at);
  const own = events.map(
    ({ id, at, type, message, engine }): TimelineEvent => ({
      id,
      ms: Date.parse(at),
      type,
      message,
      severity: 'info',
      engine,
      // What the history has of them is in the message.
      details: {},
    }),
  );
  const timeline = timelineOf(
    own.toSorted((one, other) => one.ms - other.ms),
    { fromMs, toMs, isOver: stream.ended_at !== null, engineNow: undefined },
  );
  return (
    <div class="page stream">
      <header class="stream-head">
        <h1 class="stream-title">{streamNameOf(stream.stream_id)}</h1>
        <p class="mono faint wrap">{stream.stream_id}</p>
      </header>
      <dl class="facts">
        <Fact label={texts.stream.started}>
          <Moment at={stream.started_at ?? stream.began_at} />
        </Fact>
        <Fact label={texts.stream.ended}>
          <Moment at={stream.ended_at} />
        </Fact>
        <Fact label={texts.stream.received}>{formatBytes(stream.bytes_in)}</Fact>
        <Fact label={texts.stream.sent}>{formatBytes(stream.bytes_out)}</Fact>
        <Fact label={texts.streams.columns.viewers}>{formatCount(clients.length)}</Fact>
        {stream.error !== null && (
          <Fact label={texts.stream.why}>{reasonOf(stream.error)?.what ?? stream.error}</Fact>
        )}
      </dl>
      <section aria-labelledby="timeline">
        <h2 id="timeline">{texts.stream.timeline}</h2>
        <TimelinePicture timeline={timeline} fromMs={fromMs} toMs={toMs} />
      </section>
      {minutes.length > 1 && (
        <Chart
          label={texts.streams.columns.viewers}
          curve={{
            times: minutes.map(({ at }) => Date.parse(at) / 1000),
            values: minutes.map((minute) => minute.clients),
          }}
          unit="count"
          token="--hue-a"
        />
      )}
    </div>
  );
}

function KnownStream({ stream }: { readonly stream: Stream }) {
  const { id, stream_id: streamId } = stream;
  const isOver = stream.state === 'ended';
  const events = useResource(
    id,
    (signal) => get('GET /events', `/events?session=${streamId}&limit=${EVENTS_MAX}`, signal),
    {
      changesWith: ({ stream_id }) => stream_id === streamId,
    },
  );
  const samples = useResource(
    id,
    (signal) => get('GET /streams/{id}/stats', `/streams/${id}/stats`, signal),
    isOver ? {} : { everyMs: 4_000 },
  );
  const session = useResource(
    id,
    (signal) => get('GET /proxy/sessions/{id}', `/proxy/sessions/${streamId}`, signal),
    {
      changesWith: ({ stream_id }) => stream_id === streamId,
      ...(!isOver && { everyMs: 2_000 }),
    },
  );
  const told = session.value.value;
  // Another session of the same stream may have followed.
  const detail = told && (told.session_id === undefined || told.session_id === id) ? told : undefined;
  const list = events.value.value ?? happenings.value.filter(({ stream_id }) => stream_id === streamId);
  const fromMs = Date.parse(stream.created_at);
  const toMs = stream.ended_at === null ? nowMs.value : Date.parse(stream.ended_at);
  const own = list.filter(
    ({ timestamp }) => Date.parse(timestamp) >= fromMs - 5 && Date.parse(timestamp) <= toMs + 5,
  );
  const timeline = timelineOf(own.toReversed().map(timelineEventOf), {
    fromMs,
    toMs,
    isOver,
    engineNow: stream.container_id ?? undefined,
  });
  return (
    <div class="page stream">
      <Head stream={stream} />
      <Facts stream={stream} detail={detail} />
      <section aria-labelledby="timeline">
        <h2 id="timeline">{texts.stream.timeline}</h2>
        <TimelinePicture timeline={timeline} fromMs={fromMs} toMs={toMs} />
        <Held timeline={timeline} />
      </section>
      {detail?.buffer && !isOver && (
        <section aria-labelledby="ring">
          <h2 id="ring" title={texts.stream.ringHint}>
            {texts.stream.ring}
          </h2>
          <RingPicture session={detail} />
        </section>
      )}
      {detail?.clients && !isOver && (
        <section aria-labelledby="viewers">
          <h2 id="viewers">{texts.stream.viewers}</h2>
          <StreamViewers clients={detail.clients} />
        </section>
      )}
      <div class="columns">
        {isOver ? <div /> : <PlayHere stream={stream} />}
        <div class="stack is-apart">
          <SourceCharts samples={samples.value.value ?? []} />
          {detail?.settings && !isOver && showsActs.value && (
            <section aria-labelledby="limits" class="stack">
              <h2 id="limits">{texts.stream.limits}</h2>
              <StreamLimits id={id} session={detail} onChanged={session.again} />
            </section>
          )}
        </div>
      </div>
      <section aria-labelledby="stream-events">
        <h2 id="stream-events">{texts.pages.events}</h2>
        <div class="event-list">
          {own.slice(0, LATEST_SHOWN).map((event) => (
            <EventLine key={event.id} event={event} />
          ))}
        </div>
      </section>
    </div>
  );
}

function timelineEventOf(event: Happening): TimelineEvent {
  const { id, timestamp, type, message, severity, container_id, details } = event;
  return { id, ms: Date.parse(timestamp), type, message, severity, engine: container_id, details };
}

function Head({ stream }: { readonly stream: Stream }) {
  const { id, state, client_count: viewers, container_id: engine, stream_id: streamId } = stream;
  const stop = (): void => {
    question.value = {
      title: texts.confirm.stopTitle,
      consequence: texts.confirm.stopStream(viewers),
      action: texts.stream.stop,
      isDangerous: viewers > 0,
      run: async () =>
        void (await perform('DELETE', `/streams/${encodeURIComponent(id)}`, texts.done.stopped)),
    };
  };
  const move = (): void => {
    question.value = {
      title: texts.confirm.moveTitle,
      consequence: texts.confirm.move(viewers),
      action: texts.stream.move,
      isDangerous: false,
      choices: [
        { value: '', label: texts.stream.anyEngine },
        ...(overview.value?.engines ?? [])
          .filter((each) => isUsable(each) && each.container_id !== engine)
          .map(({ container_id, container_name }) => ({ value: container_id, label: container_name })),
      ],
      run: async (to) =>
        void (await perform(
          'POST',
          `/streams/${encodeURIComponent(id)}/move`,
          texts.done.moved,
          to === '' || to === undefined ? {} : { container_id: to },
        )),
    };
  };
  return (
    <header class="page-head">
      <div class="stream-head">
        <h1 class="stream-title" title={streamId}>
          {streamNameOf(streamId)}
        </h1>
        <p class="mono faint wrap">{streamId}</p>
      </div>
      {state !== 'ended' && showsActs.value && (
        <div class="actions">
          {engine !== null && (
            <button type="button" class="button" onClick={move}>
              {texts.stream.move}
            </button>
          )}
          <button type="button" class="button is-danger" onClick={stop}>
            {texts.stream.stop}
          </button>
        </div>
      )}
    </header>
  );
}

interface FactsProps {
  readonly stream: Stream;
  readonly detail: Session | undefined;
}

function Facts({ stream, detail }: FactsProps) {
  const media = detail?.media;
  const picture =
    media && media.width !== null
      ? `${formatSize(media)}${media.frames_per_second ? `, ${Math.round(media.frames_per_second * 100) / 100} fps` : ''}`
      : undefined;
  const codecs = media && codecNames(media.streams.flatMap(({ codec }) => (codec === null ? [] : [codec])));
  const to = stream.ended_at === null ? nowMs.value : Date.parse(stream.ended_at);
  const from = Date.parse(stream.started_at ?? stream.created_at);
  return (
    <dl class="facts">
      <Fact label={texts.streams.columns.state}>
        <StateMark state={stream.state} />
      </Fact>
      <Fact label={texts.streams.columns.viewers}>
        {formatCount(stream.client_count)}
        {stream.paused_count > 0 ? ` ${texts.stream.paused(stream.paused_count)}` : ''}
      </Fact>
      <Fact label={texts.streams.columns.engine}>
        {stream.state === 'ended' ? NOTHING : <EngineName id={stream.container_id} />}
      </Fact>
      <Fact label={texts.stream.bitrate}>
        {formatRate(media?.bytes_per_second ?? stream.media_bytes_per_second)}
      </Fact>
      {picture !== undefined && (
        <Fact label={texts.streams.columns.media}>
          {picture}
          {codecs ? ` · ${codecs}` : ''}
        </Fact>
      )}
      {media && media.gop_seconds !== null && (
        <Fact label={texts.stream.gop}>{formatSeconds(media.gop_seconds)}</Fact>
      )}
      {detail?.standby_container_id && (
        <Fact label={texts.stream.standby}>
          <EngineName id={detail.standby_container_id} />
        </Fact>
      )}
      <Fact label={texts.stream.sent}>{formatBytes(stream.bytes_out)}</Fact>
      <Fact label={texts.streams.columns.uptime}>{formatDuration((to - from) / 1000)}</Fact>
      <Fact label={texts.streams.columns.splices}>{formatCount(stream.splices)}</Fact>
      <Fact label={texts.stream.started}>
        <Moment at={stream.started_at ?? stream.created_at} />
      </Fact>
      {stream.ended_at !== null && (
        <Fact label={texts.stream.ended}>
          <Moment at={stream.ended_at} />
        </Fact>
      )}
      {stream.reason !== null && (
        <Fact label={texts.stream.why}>{reasonOf(stream.reason)?.what ?? stream.reason}</Fact>
      )}
    </dl>
  );
}

export function Fact({
  label,
  children,
}: {
  readonly label: string;
  readonly children: preact.ComponentChildren;
}) {
  return (
    <div class="fact">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The same in words: who can't see the picture reads when there was no source, and what brought another. */
function Held({ timeline }: { readonly timeline: Timeline }) {
  const gaps = timeline.spans.filter(({ engine }, index) => engine === undefined && index > 0);
  const splices = timeline.marks.filter(({ kind }) => kind === 'splice');
  if (gaps.length === 0 && splices.length === 0) return null;
  return (
    <ul class="held">
      {splices.slice(-4).map(({ ms, event }) => {
        const { from_engine: from, gap_seconds: gap, kind } = event.details;
        const to = event.engine === null ? '' : engineNameOf(event.engine);
        return (
          <li key={event.id}>
            <Moment at={ms} />
            {typeof from === 'string' ? `${engineNameOf(from)} → ${to}` : to}
            <span class="faint">
              {typeof kind === 'string' ? kind.replaceAll('-', ' ') : ''}
              {texts.stream.missing(typeof gap === 'number' ? gap : 0)}
            </span>
          </li>
        );
      })}
      {gaps.slice(-4).map(({ fromMs, toMs: endMs }) => (
        <li key={fromMs}>
          <Moment at={fromMs} />
          {texts.stream.heldFor(formatSeconds((endMs - fromMs) / 1000))}
        </li>
      ))}
    </ul>
  );
}

function PlayHere({ stream }: { readonly stream: Stream }) {
  const kind = stream.key_type === 'infohash' ? 'infohash' : 'id';
  return (
    <div class="stack">
      <h2>{texts.stream.play}</h2>
      <Player kind={kind} hash={stream.stream_id} />
      <ReadyLinks kind={kind} hash={stream.stream_id} />
    </div>
  );
}

function SourceCharts({ samples }: { readonly samples: readonly Sample[] }) {
  if (samples.length < 2) return <div />;
  const times = samples.map(({ ts }) => Date.parse(ts) / 1000);
  return (
    <section aria-labelledby="source" class="stack">
      <h2 id="source">{texts.stream.source}</h2>
      <Chart
        label={texts.stream.speed}
        curve={{ times, values: samples.map(({ speed_down }) => speed_down * 1000) }}
        unit="rate"
        token="--hue-a"
      />
      <Chart
        label={texts.stream.peers}
        curve={{ times, values: samples.map(({ peers }) => peers) }}
        unit="count"
        token="--hue-b"
      />
    </section>
  );
}
