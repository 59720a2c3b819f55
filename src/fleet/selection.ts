import type { Health } from './health/verdict.ts';

/** What the choice of an engine looks at. */
export interface Candidate {
  readonly id: string;
  readonly health: Health;
  readonly forwarded: boolean;
  /** Places taken on it, those included whose start is under way. */
  readonly streams: number;
  /** Grows with every choice; the engine chosen longest ago has the smallest. 0: never chosen. */
  readonly lastChosen: number;
}

export interface SelectionRules {
  /** MAX_STREAMS_PER_ENGINE */
  readonly maxStreamsPerEngine: number;
  /** FORWARDED_PREFERRED_STREAMS; 0: a forwarded engine is always preferred. */
  readonly forwardedPreferredStreams: number;
  /** Ids of engines that were tried already. */
  readonly exclude: ReadonlySet<string>;
}

export type RefusalReason = 'no_engines_configured' | 'no_engine_available' | 'no_capacity';

export type Selection<T> =
  | { readonly kind: 'chosen'; readonly engine: T }
  | { readonly kind: 'none'; readonly reason: RefusalReason };

/**
 * The seed's rule: among healthy engines with a free place the one with the highest score; of equals the one
 * chosen longest ago, then the first.
 */
export function chooseEngine<T extends Candidate>(
  candidates: readonly T[],
  rules: SelectionRules,
): Selection<T> {
  if (candidates.length === 0) return { kind: 'none', reason: 'no_engines_configured' };
  const usable = candidates.filter((engine) => engine.health === 'healthy' && !rules.exclude.has(engine.id));
  if (usable.length === 0) return { kind: 'none', reason: 'no_engine_available' };
  let best: T | undefined;
  for (const engine of usable) {
    if (engine.streams >= rules.maxStreamsPerEngine) continue;
    if (!best || isBetter(engine, best, rules)) best = engine;
  }
  return best ? { kind: 'chosen', engine: best } : { kind: 'none', reason: 'no_capacity' };
}

/** Of the healthy engines the one with the fewest streams; of equals the first. A full one can be asked, too. */
export function toConsult<T extends Pick<Candidate, 'health' | 'streams'>>(
  candidates: readonly T[],
): T | undefined {
  const healthy = candidates.filter(({ health }) => health === 'healthy');
  const [first] = healthy.toSorted((one, other) => one.streams - other.streams);
  return first;
}

/** +1000 for a forwarded engine while it carries few streams, −10 for each stream. */
export function scoreEngine(
  engine: Pick<Candidate, 'forwarded' | 'streams'>,
  rules: Pick<SelectionRules, 'forwardedPreferredStreams'>,
): number {
  const { forwardedPreferredStreams } = rules;
  const isPreferred =
    engine.forwarded && (forwardedPreferredStreams === 0 || engine.streams < forwardedPreferredStreams);
  return (isPreferred ? 1_000 : 0) - 10 * engine.streams;
}

function isBetter(engine: Candidate, than: Candidate, rules: SelectionRules): boolean {
  const lead = scoreEngine(engine, rules) - scoreEngine(than, rules);
  return lead > 0 || (lead === 0 && engine.lastChosen < than.lastChosen);
}
