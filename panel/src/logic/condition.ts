import type { Replies } from '../api/replies.ts';
import { texts } from '../texts.ts';
import { counted } from './format.ts';

type Overview = Replies['GET /overview'];
type Stream = Overview['streams'][number];
type Engine = Overview['engines'][number];
type Status = Replies['GET /orchestrator/status'];

export type Gravity = 'well' | 'watch' | 'trouble';

export interface Problem {
  readonly gravity: 'watch' | 'trouble';
  /** Of the same problem of the same thing, always the same. */
  readonly key: string;
  readonly what: string;
  readonly todo: string;
  /** A place of the panel that shows more. */
  readonly link?: string;
}

export interface Condition {
  readonly gravity: Gravity;
  /** One sentence. */
  readonly headline: string;
  readonly problems: readonly Problem[];
}

/** Sentences about a reason code, from the table that docs/reasons.md is made of. */
export type ReasonSentences = (code: string) => { readonly what: string; readonly todo: string } | undefined;

/** Not having more engines than there may be is no problem. */
const NO_PROBLEM: ReadonlySet<string> = new Set(['max_replicas', 'provider_fixed']);

/** Is it well? And if not, what is wrong, the gravest first, and what is there to do? */
export function conditionOf(
  overview: Overview,
  status: Status | undefined,
  reason: ReasonSentences,
): Condition {
  const { engines, streams } = overview;
  const playing = streams.filter(isActive);
  const problems = [
    ...phaseProblems(overview),
    ...vpnProblems(engines),
    ...playing.flatMap((stream) => streamProblems(stream, reason)),
    ...engines.flatMap(engineProblems),
    ...statusProblems(status, engines.length),
  ].toSorted((one, other) => Number(other.gravity === 'trouble') - Number(one.gravity === 'trouble'));
  const gravity = problems.some((each) => each.gravity === 'trouble')
    ? 'trouble'
    : problems.length > 0
      ? 'watch'
      : 'well';
  return { gravity, headline: headlineOf(gravity, playing, engines, problems.length), problems };
}

export function isActive({ state }: Pick<Stream, 'state'>): boolean {
  return state !== 'ended';
}

/** Whether a start may be given to it. */
export function isUsable({ state }: Pick<Engine, 'state'>): boolean {
  return state === 'healthy' || state === 'degraded';
}

function headlineOf(
  gravity: Gravity,
  playing: readonly Stream[],
  engines: readonly Engine[],
  problemCount: number,
): string {
  if (engines.length === 0) return texts.headline.noEngines;
  const viewers = playing.reduce((sum, { client_count }) => sum + client_count, 0);
  const free = engines.filter((engine) => isUsable(engine) && engine.stream_count === 0).length;
  const facts = [
    playing.length === 0
      ? texts.headline.nobody
      : texts.headline.watching(counted(viewers, 'viewer'), counted(playing.length, 'stream')),
    texts.headline.free(free, engines.length),
  ].join(', ');
  if (gravity === 'well') return texts.headline.well(facts);
  return texts.headline.notWell(problemCount, facts);
}

function phaseProblems({ phase }: Overview): Problem[] {
  if (phase === 'draining') return [{ gravity: 'trouble', key: 'phase', ...texts.problems.draining }];
  return [];
}

function vpnProblems(engines: readonly Engine[]): Problem[] {
  const down = Map.groupBy(
    engines.filter(({ vpn_state }) => vpn_state === 'down'),
    ({ vpn_container }) => vpn_container ?? '',
  );
  return [...down].map(([name, behind]) => ({
    gravity: 'trouble',
    key: `vpn ${name}`,
    what: texts.problems.vpnDown(name, counted(behind.length, 'engine')),
    todo: texts.problems.vpnTodo,
    link: '#/vpn',
  }));
}

function engineProblems(engine: Engine): Problem[] {
  const link = `#/engines/${encodeURIComponent(engine.container_id)}`;
  const { container_name: name, detail } = engine;
  if (engine.vpn_state === 'down') return [];
  if (engine.state === 'unhealthy') {
    return [
      {
        gravity: 'trouble',
        key: `engine ${engine.container_id}`,
        what: texts.problems.engineUnhealthy(name, detail),
        todo: texts.problems.engineTodo,
        link,
      },
    ];
  }
  if (engine.state === 'degraded' || engine.suspected) {
    return [
      {
        gravity: 'watch',
        key: `engine ${engine.container_id}`,
        what: texts.problems.engineDegraded(name, detail),
        todo: texts.problems.degradedTodo,
        link,
      },
    ];
  }
  return [];
}

function streamProblems(stream: Stream, reason: ReasonSentences): Problem[] {
  const link = `#/streams/${encodeURIComponent(stream.id)}`;
  const name = stream.stream_id;
  const held = stream.state === 'playing' && stream.container_id === null;
  const problems: Problem[] = held
    ? [
        {
          gravity: 'trouble',
          key: `held ${stream.id}`,
          what: texts.problems.held(name, counted(stream.client_count, 'viewer')),
          todo: texts.problems.heldTodo,
          link,
        },
      ]
    : [];
  for (const code of stream.warnings) {
    const sentences = reason(code);
    problems.push({
      gravity: 'watch',
      key: `${code} ${stream.id}`,
      what: texts.problems.streamWarning(name, sentences?.what ?? code),
      todo: sentences?.todo ?? '',
      link,
    });
  }
  return problems;
}

function statusProblems(status: Status | undefined, engineCount: number): Problem[] {
  if (!status) return [];
  const { can_start_stream: start, provisioning } = status;
  const blocked = provisioning.blocked_reason_details;
  const problems: Problem[] = [];
  if (!start.now && engineCount > 0 && start.reason !== 'draining') {
    problems.push({
      gravity: 'trouble',
      key: 'start',
      what: texts.problems.noStart(start.detail ?? start.reason ?? ''),
      todo: texts.problems.noStartTodo(start.eta_seconds),
      link: '#/engines',
    });
  }
  if (blocked && !NO_PROBLEM.has(blocked.reason) && blocked.message !== start.detail) {
    problems.push({
      gravity: 'watch',
      key: 'blocked',
      what: texts.problems.blocked(blocked.message),
      todo: texts.problems.blockedTodo(blocked.recovery_eta_seconds),
      link: '#/engines',
    });
  }
  return problems;
}
