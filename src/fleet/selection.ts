import type { Health } from './health/verdict.ts';

/** What the choice of an engine looks at. */
export interface Candidate {
  readonly id: string;
  readonly health: Health;
  readonly forwarded: boolean;
  /** Places taken on it, those included whose start is under way. */
  readonly streams: number;
  /** Whether a start is under way on it of which nobody knows yet which broadcast it is. */
  readonly isStartingUnknown: boolean;
  /** Whether it is held to be the cause of failures (see `Suspicion`): it is taken last. */
  readonly isSuspected: boolean;
  /** It gets no new streams. */
  readonly isDraining: boolean;
  /** Grows with every choice; the engine chosen longest ago has the smallest. 0: never chosen. */
  readonly lastChosen: number;
  /** Whether a place on it has this broadcast. */
  plays(infohash: string): boolean;
  /** Whether it played this broadcast lately: it knows peers of it. */
  hasPlayedLately(infohash: string): boolean;
}

/** What is wanted. */
export interface Wish {
  /** Ids of engines that were tried already. */
  readonly exclude: ReadonlySet<string>;
  /** The broadcast to be played; undefined: nobody knows yet which one the name means. */
  readonly infohash: string | undefined;
  /** The engine that this viewer's last stream was on; undefined: none. */
  readonly preferredEngine: string | undefined;
  /** The engine that has just lost the stream, which is taken last. */
  readonly lastEngine: string | undefined;
}

export interface SelectionRules {
  /** MAX_STREAMS_PER_ENGINE */
  readonly maxStreamsPerEngine: number;
  /** FORWARDED_PREFERRED_STREAMS; 0: a forwarded engine is always preferred. */
  readonly forwardedPreferredStreams: number;
}

/**
 * Why there is none. `unknown_start` and `infohash_in_use` are not shown to anybody: an engine would have room, but
 * has a start of an unknown broadcast under way, or this very broadcast.
 */
export type NoChoice =
  | 'no_engines_configured'
  | 'no_engine_available'
  | 'no_capacity'
  | 'unknown_start'
  | 'infohash_in_use';

export type Selection<T> =
  | { readonly kind: 'chosen'; readonly engine: T }
  | { readonly kind: 'none'; readonly reason: NoChoice };

/**
 * Among healthy engines with a free place the one with the highest score (the seed's rule); of equals the one chosen
 * longest ago, then the first. Suspected engines come last, and are taken where there is no other.
 *
 * No broadcast is ever put twice on one engine, nor two starts of unknown broadcasts at once, which might turn out to
 * be the same (DESIGN invariant 1); a start of an unknown one goes where nothing plays that it could harm, if it can.
 */
export function chooseEngine<T extends Candidate>(
  candidates: readonly T[],
  wish: Wish,
  rules: SelectionRules,
): Selection<T> {
  if (candidates.length === 0) return none('no_engines_configured');
  const usable = candidates.filter(
    ({ health, id, isDraining }) => health === 'healthy' && !isDraining && !wish.exclude.has(id),
  );
  if (usable.length === 0) return none('no_engine_available');
  const roomy = usable.filter((engine) => engine.streams < rules.maxStreamsPerEngine);
  if (roomy.length === 0) return none('no_capacity');
  const { infohash } = wish;
  const free = roomy.filter((engine) =>
    infohash === undefined ? !engine.isStartingUnknown : !engine.plays(infohash),
  );
  const [first, ...others] = free;
  if (!first) return none(infohash === undefined ? 'unknown_start' : 'infohash_in_use');
  const best = others.reduce((best, engine) => (isBetter(engine, best, wish, rules) ? engine : best), first);
  return { kind: 'chosen', engine: best };
}

/** Of the healthy engines the one with the fewest streams, suspected ones last; of equals the first. A full one can be asked, too. */
export function toConsult<T extends Pick<Candidate, 'health' | 'streams' | 'isSuspected'>>(
  candidates: readonly T[],
): T | undefined {
  const healthy = candidates.filter(({ health }) => health === 'healthy');
  const [first] = healthy.toSorted(
    (one, other) => Number(one.isSuspected) - Number(other.isSuspected) || one.streams - other.streams,
  );
  return first;
}

/**
 * +1000 for a forwarded engine while it carries few streams, −10 for each stream, +5 where the broadcast was played
 * lately, +2 for the engine that the viewer comes from.
 */
export function scoreEngine(
  engine: Pick<Candidate, 'id' | 'forwarded' | 'streams' | 'hasPlayedLately'>,
  wish: Pick<Wish, 'infohash' | 'preferredEngine'>,
  { forwardedPreferredStreams }: Pick<SelectionRules, 'forwardedPreferredStreams'>,
): number {
  const { infohash, preferredEngine } = wish;
  const isPreferred =
    engine.forwarded && (forwardedPreferredStreams === 0 || engine.streams < forwardedPreferredStreams);
  return (
    (isPreferred ? 1_000 : 0) -
    10 * engine.streams +
    (infohash !== undefined && engine.hasPlayedLately(infohash) ? 5 : 0) +
    (engine.id === preferredEngine ? 2 : 0)
  );
}

function isBetter(engine: Candidate, than: Candidate, wish: Wish, rules: SelectionRules): boolean {
  const isLast = ({ id, isSuspected }: Candidate): boolean => isSuspected || id === wish.lastEngine;
  if (isLast(engine) !== isLast(than)) return isLast(than);
  const isBusy = engine.streams > 0;
  if (wish.infohash === undefined && isBusy !== than.streams > 0) return !isBusy;
  const lead = scoreEngine(engine, wish, rules) - scoreEngine(than, wish, rules);
  return lead > 0 || (lead === 0 && engine.lastChosen < than.lastChosen);
}

function none<T>(reason: NoChoice): Selection<T> {
  return { kind: 'none', reason };
}
