import { get } from '../api/call.ts';
import { isActive } from '../logic/condition.ts';
import { formatBytes, NOTHING } from '../logic/format.ts';
import { EventLine } from '../parts/event-line.tsx';
import { LoadBar } from '../parts/sparkline.tsx';
import { StreamTable } from '../parts/stream-table.tsx';
import { Moment, StateMark } from '../parts/words.tsx';
import { reasonOf } from '../store/condition.ts';
import { hueOf } from '../store/hues.ts';
import { overview } from '../store/live.ts';
import { useResource } from '../store/resource.ts';
import { texts } from '../texts.ts';
import { EngineActions } from './engine-actions.tsx';
import { concernsEngines, ProbeStrip, sinceText, useStats, viewersOn } from './engines.tsx';
import { PageIsComing } from './overview.tsx';
import { Fact } from './stream.tsx';

const EVENTS = 40;

/** One engine: how it is, why, and what it carries. */
export function EnginePage({ id }: { readonly id: string }) {
  const found = useResource(
    id,
    (signal) => get('GET /engines/{id}', `/engines/${encodeURIComponent(id)}`, signal),
    {
      changesWith: concernsEngines,
      everyMs: 10_000,
    },
  );
  const events = useResource(
    id,
    (signal) => get('GET /events', `/events?engine=${encodeURIComponent(id)}&limit=${EVENTS}`, signal),
    {
      changesWith: ({ container_id }) => container_id === id,
    },
  );
  const stats = useStats().value.value?.[id];
  const engine = found.value.value?.engine;
  const list = events.value.value ?? [];
  if (!engine) {
    return found.error.value ? (
      <div class="page">
        <h1>{id}</h1>
        <p class="problem-text">{found.error.value.message}</p>
        <div class="event-list">
          {list.map((event) => (
            <EventLine key={event.id} event={event} />
          ))}
        </div>
      </div>
    ) : (
      <PageIsComing />
    );
  }
  const live = overview.value?.engines.find(({ container_id }) => container_id === id);
  const taken = live?.stream_count ?? engine.stream_count;
  const max = overview.value?.streams_per_engine_max ?? 0;
  const streams =
    overview.value?.streams.filter((stream) => isActive(stream) && stream.container_id === id) ?? [];
  const { container, last_failure: failure } = engine;
  return (
    <div class={`page engine ${hueOf(id)}`}>
      <header class="page-head">
        <div>
          <h1 class="engine-title">
            <span class={`chip ${hueOf(id)}`} aria-hidden="true" />
            {engine.container_name}
          </h1>
          <p class="faint">{sinceText(engine)}</p>
        </div>
        <EngineActions engine={engine} viewers={viewersOn(id)} streams={taken} />
      </header>
      {(engine.detail !== null || engine.suspected || engine.unseen) && (
        <p class="problem-text">
          {[engine.detail, engine.suspected && texts.engines.suspected, engine.unseen && texts.engines.unseen]
            .filter(Boolean)
            .join(' ')}
        </p>
      )}
      <LoadBar used={taken} max={max} label={texts.engines.streams(taken, max)} />
      <dl class="facts">
        <Fact label={texts.streams.columns.state}>
          <StateMark state={live?.state ?? engine.state} />
        </Fact>
        <Fact label={texts.pages.streams}>{texts.engines.streams(taken, max)}</Fact>
        <Fact label={texts.engines.address}>
          <span class="mono">{`${engine.host}:${engine.port}`}</span>
        </Fact>
        <Fact label={texts.engines.version}>{engine.version ?? NOTHING}</Fact>
        <Fact label={texts.engines.provider}>{engine.provider}</Fact>
        <Fact label={texts.engines.outcome}>
          {texts.engines.outcomeText(engine.successes, engine.failures)}
        </Fact>
        {engine.vpn_container !== null && (
          <Fact label={texts.engines.vpn}>
            <span class="pair">
              <span>{engine.vpn_container}</span>
              {engine.vpn_state !== null && <StateMark state={engine.vpn_state} />}
            </span>
          </Fact>
        )}
        {engine.forwarded_port !== null && <Fact label={texts.engines.port}>{engine.forwarded_port}</Fact>}
        {container && (
          <Fact label={texts.engines.container}>
            <span class="wrap">{container.image || NOTHING}</span>
          </Fact>
        )}
        {stats && (
          <Fact label={texts.engines.memory}>
            {formatBytes(stats.memory_usage)}
            {stats.memory_limit ? ` of ${formatBytes(stats.memory_limit)}` : ''}
          </Fact>
        )}
        {stats && (
          <Fact label={texts.engines.cpu}>
            {stats.cpu_percent === null ? NOTHING : `${stats.cpu_percent.toFixed(0)} %`}
          </Fact>
        )}
        {failure && (
          <Fact label={texts.engines.lastFailure}>
            {reasonOf(failure.reason)?.what ?? failure.reason} <Moment at={failure.at} />
          </Fact>
        )}
      </dl>
      <section aria-labelledby="probes">
        <h2 id="probes">{texts.engines.probes}</h2>
        <ProbeStrip engine={engine} />
      </section>
      {streams.length > 0 && (
        <section aria-labelledby="engine-streams">
          <h2 id="engine-streams">{texts.pages.streams}</h2>
          <StreamTable streams={streams} isShort />
        </section>
      )}
      <section aria-labelledby="engine-events">
        <h2 id="engine-events">{texts.pages.events}</h2>
        <div class="event-list">
          {list.map((event) => (
            <EventLine key={event.id} event={event} />
          ))}
        </div>
      </section>
    </div>
  );
}
