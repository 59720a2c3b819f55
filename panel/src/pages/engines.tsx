import { get } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';
import { isActive } from '../logic/condition.ts';
import { counted, formatBoth, formatBytes, formatDuration, formatSeconds, NOTHING } from '../logic/format.ts';
import { LoadBar } from '../parts/sparkline.tsx';
import { byName, TopologyPicture } from '../parts/topology-picture.tsx';
import { StateMark } from '../parts/words.tsx';
import { perform } from '../store/acts.ts';
import { loadStatus, status } from '../store/condition.ts';
import { hueOf } from '../store/hues.ts';
import { type Happening, nowMs, overview } from '../store/live.ts';
import { showsActs } from '../store/me.ts';
import { type Resource, useResource } from '../store/resource.ts';
import { linkTo } from '../store/route.ts';
import { texts } from '../texts.ts';
import { EngineActions } from './engine-actions.tsx';
import { PageIsComing } from './overview.tsx';
import { Scale } from './scale.tsx';

export type EngineState = Replies['GET /engines'][number];
type Stats = Replies['GET /engines/stats/all'];

/** One that nobody has played: how each engine stands for whatever comes. */
const ANY_STREAM = '0'.repeat(40);
const CONCERNS_ENGINES =
  /^(?:engine|health|vpn|fleet)\.|^stream\.(?:started|spliced|ended|attempt_failed|source_over)$/;

export function concernsEngines({ type }: Happening): boolean {
  return CONCERNS_ENGINES.test(type);
}

export function useEngines(): Resource<Replies['GET /engines']> {
  return useResource('engines', (signal) => get('GET /engines', `/engines?explain=${ANY_STREAM}`, signal), {
    changesWith: concernsEngines,
    everyMs: 10_000,
  });
}

export function useStats(): Resource<Stats> {
  return useResource('stats', (signal) => get('GET /engines/stats/all', '/engines/stats/all', signal), {
    everyMs: 5_000,
  });
}

/** All engines: what each carries, how it is, and what can be done with it. */
export function EnginesPage() {
  const engines = useEngines();
  const stats = useStats();
  const list = engines.value.value;
  if (!list || !overview.value) return <PageIsComing />;
  const provisioning = status.value?.provisioning;
  return (
    <div class="page">
      <div class="page-head">
        <h1>{texts.pages.engines}</h1>
        <div class="actions">
          {provisioning && provisioning.circuit_breaker_state !== 'closed' && showsActs.value && (
            <button type="button" class="button" onClick={() => void resetBreaker()}>
              {texts.engines.resetBreaker}
            </button>
          )}
          <Scale />
          {provisioning?.can_provision && showsActs.value && (
            <button
              type="button"
              class="button is-primary"
              onClick={() => void perform('POST', '/provision', texts.done.added, {})}
            >
              {texts.engines.add}
            </button>
          )}
        </div>
      </div>
      {provisioning?.blocked_reason && <p class="faint">{provisioning.blocked_reason}</p>}
      <section aria-labelledby="load">
        <h2 id="load">{texts.engines.topology}</h2>
        <TopologyPicture />
      </section>
      {list.length === 0 ? (
        <p class="empty">{texts.engines.none}</p>
      ) : (
        <div class="engine-cards">
          {list.toSorted(byName).map((engine) => (
            <EngineCard
              key={engine.container_id}
              engine={engine}
              stats={stats.value.value?.[engine.container_id]}
            />
          ))}
        </div>
      )}
    </div>
  );
}

async function resetBreaker(): Promise<void> {
  if (await perform('POST', '/health/circuit-breaker/reset', texts.engines.breakerReset)) await loadStatus();
}

interface EngineCardProps {
  readonly engine: EngineState;
  readonly stats: Stats[string] | undefined;
}

function EngineCard({ engine, stats }: EngineCardProps) {
  const { container_id: id, container_name: name } = engine;
  // What changes every moment comes with the overview.
  const live = overview.value?.engines.find(({ container_id }) => container_id === id);
  const taken = live?.stream_count ?? engine.stream_count;
  const max = overview.value?.streams_per_engine_max ?? 0;
  const viewers = viewersOn(id);
  return (
    <article class={`engine-card ${hueOf(id)} ${live === undefined ? 'is-gone' : ''}`} data-engine={id}>
      <header>
        <h3>
          <a href={linkTo('engines', id)}>{name}</a>
        </h3>
        <StateMark state={live?.state ?? engine.state} />
      </header>
      <LoadBar used={taken} max={max} label={texts.engines.streams(taken, max)} />
      <p class="engine-load">
        {texts.engines.streams(taken, max)} <span class="faint">{counted(viewers, 'viewer')}</span>
      </p>
      {(live?.detail ?? engine.detail) && <p class="problem-text">{live?.detail ?? engine.detail}</p>}
      {engine.suspected && <p class="problem-text">{texts.engines.suspected}</p>}
      {engine.unseen && <p class="problem-text">{texts.engines.unseen}</p>}
      <dl class="facts is-small">
        <div class="fact">
          <dt>{texts.engines.address}</dt>
          <dd class="mono">{`${engine.host}:${engine.port}`}</dd>
        </div>
        <div class="fact">
          <dt>{texts.engines.version}</dt>
          <dd>{engine.version ?? NOTHING}</dd>
        </div>
        {scoreText(engine) !== undefined && (
          <div class="fact is-wide">
            <dt>{texts.engines.score}</dt>
            <dd>{scoreText(engine)}</dd>
          </div>
        )}
        {engine.vpn_container !== null && (
          <div class="fact">
            <dt>{texts.engines.vpn}</dt>
            <dd>{engine.vpn_container}</dd>
          </div>
        )}
        {engine.forwarded_port !== null && (
          <div class="fact">
            <dt>{texts.engines.port}</dt>
            <dd>{engine.forwarded_port}</dd>
          </div>
        )}
        {stats && (
          <div class="fact">
            <dt>{texts.engines.memory}</dt>
            <dd>
              {formatBytes(stats.memory_usage)}
              {stats.memory_limit ? ` of ${formatBytes(stats.memory_limit)}` : ''}
            </dd>
          </div>
        )}
        {stats && (
          <div class="fact">
            <dt>{texts.engines.cpu}</dt>
            <dd>{stats.cpu_percent === null ? NOTHING : `${stats.cpu_percent.toFixed(0)} %`}</dd>
          </div>
        )}
      </dl>
      <ProbeStrip engine={engine} />
      <EngineActions engine={engine} viewers={viewers} streams={taken} />
    </article>
  );
}

export function viewersOn(id: string): number {
  return (overview.value?.streams ?? [])
    .filter((stream) => isActive(stream) && stream.container_id === id)
    .reduce((sum, { client_count }) => sum + client_count, 0);
}

/** Its latest probes, oldest first: a bar as high as it took, a mark where it was missed. */
export function ProbeStrip({ engine }: { readonly engine: EngineState }) {
  const { probes } = engine;
  if (probes.length === 0) return null;
  const slowest = Math.max(0.2, ...probes.map(({ took_seconds }) => took_seconds));
  const misses = probes.filter(({ verdict }) => verdict !== 'hit').length;
  return (
    <div
      class="probes"
      role="img"
      aria-label={`${texts.engines.probes}: ${probes.length - misses} of ${probes.length}`}
    >
      {probes.map((probe) => {
        const isHit = probe.verdict === 'hit';
        const title = isHit
          ? texts.engines.probeHit(formatSeconds(probe.took_seconds))
          : texts.engines.probeMiss(probe.detail ?? probe.reason ?? '');
        return (
          <i
            key={probe.at}
            class={isHit ? 'probe' : 'probe is-miss'}
            style={{ height: isHit ? `${Math.max(18, (100 * probe.took_seconds) / slowest)}%` : '100%' }}
            title={`${formatBoth(Date.parse(probe.at), nowMs.value)}: ${title}`}
          />
        );
      })}
    </div>
  );
}

/** How it stands for a new stream, and what of. */
export function scoreText({ explanation }: EngineState): string | undefined {
  if (!explanation) return undefined;
  const { score, parts, obstacle, is_chosen: isChosen } = explanation;
  const words = texts.engines.scoreParts;
  const why = Object.entries(parts)
    .filter(([, value]) => value !== 0)
    .map(
      ([name, value]) =>
        `${words[name as keyof typeof words] ?? name} ${value > 0 ? '+' : '−'}${Math.abs(Math.round(value * 100) / 100)}`,
    );
  const end =
    obstacle !== null ? texts.engines.obstacle(obstacle) : isChosen ? texts.engines.chosen : undefined;
  const total = String(Math.round(score * 100) / 100).replace('-', '−');
  return [why.length > 0 ? `${total} (${why.join(', ')})` : total, end].filter(Boolean).join(', ');
}

export function sinceText(engine: Pick<EngineState, 'state' | 'state_since'>): string {
  return texts.engines.since(
    texts.states[engine.state] ?? engine.state,
    formatDuration((nowMs.value - Date.parse(engine.state_since)) / 1000),
  );
}
