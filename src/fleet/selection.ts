/** What the choice of an engine looks at. */
export interface Candidate {
  readonly id: string;
  /** Whether new streams may be put on it at all, full or not. */
  readonly isUsable: boolean;
  /** It is taken where there is no other: held to be the cause of failures, shaky, or behind a VPN that is in doubt. */
  readonly isLastResort: boolean;
  readonly forwarded: boolean;
  /** The VPN it is behind; undefined: none. */
  readonly vpn: string | undefined;
  /** Failures of its own in the last five minutes, ten at most. */
  readonly failuresLately: number;
  /** Places taken on it, those included whose start is under way. */
  readonly streams: number;
  /** Whether a start is under way on it of which nobody knows yet which broadcast it is. */
  readonly isStartingUnknown: boolean;
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
  /** No other engine than this one will do; undefined: any. */
  readonly onlyEngine?: string | undefined;
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
 * Among usable engines with a free place the one with the highest score; of equals the one chosen longest ago, then the
 * first. Those of last resort come last, and are taken where there is no other.
 *
 * No broadcast is ever put twice on one engine, nor two starts of unknown broadcasts at once, which might turn out to
 * be the same (DESIGN invariant 1); a start of an unknown one goes where nothing plays that it could harm, if it can.
 */
export function chooseEngine<T extends Candidate>(
  candidates: readonly T[],
  wish: Wish,
  rules: SelectionRules,
): Selection<T> {
  const { infohash } = wish;
  let furthest = 0;
  let best: T | undefined;
  let bestScore = 0;
  const onVpn = streamsByVpn(candidates);
  for (const engine of candidates) {
    const obstacle = obstacleOf(engine, wish, rules);
    furthest = Math.max(furthest, obstacle === undefined ? 0 : OBSTACLES.indexOf(obstacle));
    if (obstacle !== undefined) continue;
    const score = totalOf(scoreEngine(engine, wish, rules, onVpn));
    if (!best || isBetter(engine, score, best, bestScore, wish)) {
      best = engine;
      bestScore = score;
    }
  }
  if (best) return { kind: 'chosen', engine: best };
  if (candidates.length === 0) return { kind: 'none', reason: 'no_engines_configured' };
  switch (OBSTACLES[furthest]) {
    case 'busy':
      return { kind: 'none', reason: infohash === undefined ? 'unknown_start' : 'infohash_in_use' };
    case 'full':
      return { kind: 'none', reason: 'no_capacity' };
    default:
      return { kind: 'none', reason: 'no_engine_available' };
  }
}

/** Why an engine is no candidate, in the order in which it is asked: the later, the nearer it came. */
const OBSTACLES = ['excluded', 'unusable', 'full', 'busy'] as const;

/**
 * `excluded`: tried already. `unusable`: not healthy, drained, or without a network. `full`: it has as many streams as it
 * may. `busy`: it plays this very broadcast, or has a start under way of which nobody knows which one it is.
 */
export type Obstacle = (typeof OBSTACLES)[number];

function obstacleOf(
  engine: Candidate,
  { exclude, infohash, onlyEngine }: Wish,
  rules: SelectionRules,
): Obstacle | undefined {
  const isMeant = onlyEngine === undefined || engine.id === onlyEngine;
  if (!isMeant || exclude.has(engine.id)) return 'excluded';
  if (!engine.isUsable) return 'unusable';
  if (engine.streams >= rules.maxStreamsPerEngine) return 'full';
  const isTaken = infohash === undefined ? engine.isStartingUnknown : engine.plays(infohash);
  return isTaken ? 'busy' : undefined;
}

/** Of the usable engines the one with the fewest streams, those of last resort last; of equals the first. A full one can be asked, too. */
export function toConsult<T extends Pick<Candidate, 'isUsable' | 'streams' | 'isLastResort'>>(
  candidates: readonly T[],
): T | undefined {
  const [first] = candidates
    .filter(({ isUsable }) => isUsable)
    .toSorted(
      (one, other) => Number(one.isLastResort) - Number(other.isLastResort) || one.streams - other.streams,
    );
  return first;
}

/** What a score is made of; the highest sum wins. */
export interface ScoreParts {
  /** +1000 for a forwarded engine while it carries few streams. */
  readonly forwarded: number;
  /** −10 for each stream. */
  readonly streams: number;
  /** −1 for each stream behind the same VPN. */
  readonly vpn: number;
  /** −50 for each of its own failures in the last five minutes, ten at most. */
  readonly failures: number;
  /** +5 where the broadcast was played lately. */
  readonly played: number;
  /** +2 for the engine that the viewer comes from. */
  readonly preferred: number;
}

export function scoreEngine(
  engine: Pick<Candidate, 'id' | 'forwarded' | 'streams' | 'vpn' | 'failuresLately' | 'hasPlayedLately'>,
  wish: Pick<Wish, 'infohash' | 'preferredEngine'>,
  { forwardedPreferredStreams }: Pick<SelectionRules, 'forwardedPreferredStreams'>,
  streamsOnVpn: ReadonlyMap<string, number>,
): ScoreParts {
  const { infohash, preferredEngine } = wish;
  const { streams, vpn } = engine;
  const isPreferred =
    engine.forwarded && (forwardedPreferredStreams === 0 || streams < forwardedPreferredStreams);
  return {
    forwarded: isPreferred ? 1_000 : 0,
    streams: -10 * streams,
    vpn: vpn === undefined ? 0 : -(streamsOnVpn.get(vpn) ?? 0),
    failures: -50 * Math.min(engine.failuresLately, 10),
    played: infohash !== undefined && engine.hasPlayedLately(infohash) ? 5 : 0,
    preferred: engine.id === preferredEngine ? 2 : 0,
  };
}

/** One engine, and what speaks for and against it. */
export interface Explanation {
  readonly id: string;
  /** Undefined: it is a candidate. */
  readonly obstacle: Obstacle | undefined;
  readonly isLastResort: boolean;
  readonly score: number;
  readonly parts: ScoreParts;
  readonly isChosen: boolean;
}

/** Why each engine would be chosen, or not, for this wish. */
export function explainChoice(
  candidates: readonly Candidate[],
  wish: Wish,
  rules: SelectionRules,
): readonly Explanation[] {
  const selection = chooseEngine(candidates, wish, rules);
  const onVpn = streamsByVpn(candidates);
  return candidates.map((engine) => {
    const parts = scoreEngine(engine, wish, rules, onVpn);
    return {
      id: engine.id,
      obstacle: obstacleOf(engine, wish, rules),
      isLastResort: isLast(engine, wish),
      score: totalOf(parts),
      parts,
      isChosen: selection.kind === 'chosen' && selection.engine === engine,
    };
  });
}

function isBetter(engine: Candidate, score: number, than: Candidate, itsScore: number, wish: Wish): boolean {
  if (isLast(engine, wish) !== isLast(than, wish)) return isLast(than, wish);
  const isBusy = engine.streams > 0;
  if (wish.infohash === undefined && isBusy !== than.streams > 0) return !isBusy;
  return score > itsScore || (score === itsScore && engine.lastChosen < than.lastChosen);
}

function isLast({ id, isLastResort }: Candidate, { lastEngine }: Wish): boolean {
  return isLastResort || id === lastEngine;
}

function totalOf({ forwarded, streams, vpn, failures, played, preferred }: ScoreParts): number {
  return forwarded + streams + vpn + failures + played + preferred;
}

function streamsByVpn(candidates: readonly Candidate[]): ReadonlyMap<string, number> {
  const streams = new Map<string, number>();
  for (const { vpn, streams: own } of candidates) {
    if (vpn !== undefined) streams.set(vpn, (streams.get(vpn) ?? 0) + own);
  }
  return streams;
}
