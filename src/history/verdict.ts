/** What is known of the time that somebody asks about. Times are wall clock, milliseconds. */
export interface Facts {
  readonly atMs: number;
  /** The stream's minutes around then; none: it did not play. */
  readonly stream: readonly StreamFact[];
  /** The viewer's; none: nobody was found, or its output can't tell (HLS). */
  readonly viewer: readonly ViewerFact[];
  /** How the stream's other viewers did in the same minutes. */
  readonly others: { readonly count: number; readonly troubled: number };
  readonly process: readonly ProcessFact[];
  /** Of the stream, the viewer, engines, VPNs and acemux around then, oldest first. */
  readonly events: readonly EventFact[];
}

export interface StreamFact {
  readonly atMs: number;
  readonly engine: string | undefined;
  readonly ingestBytes: number;
  readonly longestGapMs: number;
  readonly peers: number | undefined;
  readonly speedBytesPerSecond: number | undefined;
}

export interface ViewerFact {
  readonly atMs: number;
  readonly longestGapMs: number | undefined;
  readonly lagMs: number | undefined;
  readonly skips: number;
  readonly nullMs: number | undefined;
  readonly blockedMs: number;
}

export interface ProcessFact {
  readonly atMs: number;
  readonly loopDelayMs: number;
}

export interface EventFact {
  readonly id: number;
  readonly atMs: number;
  readonly type: string;
  readonly engine: string | undefined;
  readonly reason: string | undefined;
  /** The event as a sentence. */
  readonly message: string;
}

/** Why it froze: one of these. */
export const VERDICTS = {
  nothing_known: {
    what: 'acemux knows nothing of that time: no such stream or viewer is in its history.',
    todo: 'Check the time, its zone (TZ) and the names; `/history/streams` lists what was played. HISTORY_DAYS says how far back it goes.',
  },
  acemux_overloaded: {
    what: 'acemux itself was too busy to deliver in time.',
    todo: 'Give it more CPU, or fewer viewers (limits); look at what else runs on that machine.',
  },
  vpn_down: {
    what: 'The VPN that the engine is behind was down.',
    todo: '`/vpn/status` and the VPN’s own log say more; a second VPN lets streams move.',
  },
  engine_failed: {
    what: 'The engine failed, and the stream went on at another one.',
    todo: 'If one engine does so again and again, look at its log and its memory. STANDBY=hot hides such moments.',
  },
  swarm_starved: {
    what: 'The broadcast’s swarm did not bring enough: no engine could deliver more.',
    todo: 'Nothing here mends that: choose another source of the channel, or give engines a forwarded port.',
  },
  viewer_link_slow: {
    what: 'The stream came well, and this viewer’s connection did not take it fast enough.',
    todo: 'Look at the viewer’s network (Wi-Fi, power line) or its player; a stream of a lower bit rate fits.',
  },
  delivered_steadily: {
    what: 'acemux delivered steadily all the time.',
    todo: 'Look at the player: its buffer, its decoder, its device.',
  },
} as const;

export type VerdictWord = keyof typeof VERDICTS;

/** One thing that speaks for a verdict. */
export interface Evidence {
  readonly atMs: number;
  /** A sentence for people. */
  readonly text: string;
  /** The event that it is, if it is one. */
  readonly eventId: number | undefined;
}

export interface Verdict {
  readonly word: VerdictWord;
  readonly evidence: readonly Evidence[];
}

/** A viewer's player has a reserve (PREBUFFER_SECONDS): what is shorter than this is not seen. */
const SEEN_GAP_MS = 3_000;
/** A stream that had no gap as long as this came well. */
const STEADY_GAP_MS = 2_500;
const BLOCKED_MS = 2_000;
/** An event loop that is late by so much holds everybody up. */
const LATE_MS = 1_000;
/** Minutes are written with their beginning: what is further apart than this has nothing to do with each other. */
const OVERLAP_MS = 60_000;
/** An engine that was asked has at least so long to accept the connection: only a loop that is later takes that from it. */
const SHORTEST_DEADLINE_MS = 3_000;

const MOVES = new Set(['stream.spliced', 'stream.standby_switched', 'stream.source_over']);
const EVICTIONS = new Set(['client_stalled', 'client_vanished', 'client_too_slow']);
const OVERLOADS = new Set(['overloaded', 'memory']);
/** With these an engine says that the swarm has nothing, or delivers less than there is to see. */
const STARVATION = new Set(['zero_peers', 'no_media', 'source_slow', 'source_silent', 'source_stuck']);

/**
 * Why a stream froze for a viewer, from what was written down then. Pure. What holds everybody up comes first, if it lasted long
 * enough, then what holds up the stream, then what holds up the viewer; and if nothing did, it is the player's.
 */
export function judge(facts: Facts): Verdict {
  const { stream, viewer, events } = facts;
  if (stream.length === 0 && viewer.length === 0 && events.length === 0) {
    return { word: 'nothing_known', evidence: [] };
  }
  const trouble = [...streamTrouble(facts), ...viewerTrouble(facts)];
  const late = overload(facts);
  const isTroubled = trouble.length > 0 || events.some(isEndOfSupply);
  if (!isTroubled) return verdict('delivered_steadily', steadiness(facts));
  const all = [...late, ...trouble];
  if (late.length > 0 && !outlastsLateness(facts)) return verdict('acemux_overloaded', all);
  const streamSuffered = streamTrouble(facts).length > 0 || events.some(isEndOfSupply);
  if (streamSuffered) return whySupplyFailed(facts, all);
  const slow = slowLink(facts);
  if (slow.length > 0) return verdict('viewer_link_slow', [...late, ...slow, ...steadiness(facts)]);
  return whySupplyFailed(facts, all);
}

/**
 * Whether something took longer than acemux's own lateness can have made it: what is left of a pause without the lateness
 * would have been seen as well. Data waits for a late loop and is read in its next turn, so a pause by lateness is no
 * longer than one turn; the minute of a pause is that of its end, or those that it goes on in.
 */
function outlastsLateness(facts: Facts): boolean {
  const { stream, viewer, events } = facts;
  const rest = (atMs: number, ms: number): number => ms - latenessAround(facts, atMs);
  if (stream.some(({ atMs, longestGapMs }) => rest(atMs, longestGapMs) >= STEADY_GAP_MS)) return true;
  const ends = events.filter(isEndOfSupply);
  if (ends.some((end) => !isOverload(end) && latenessAround(facts, end.atMs) < SHORTEST_DEADLINE_MS))
    return true;
  // Who refuses others may be slow to those that it has, late or not.
  if (events.some(isOverload)) return false;
  return viewer.some(({ atMs, blockedMs }) => rest(atMs, blockedMs) >= BLOCKED_MS);
}

/** The longest that acemux was late in the minutes that may overlap with what happened then, milliseconds. */
function latenessAround({ process }: Facts, atMs: number): number {
  const near = process.filter((each) => Math.abs(each.atMs - atMs) <= OVERLAP_MS);
  return Math.max(0, ...near.map(({ loopDelayMs }) => loopDelayMs));
}

function whySupplyFailed(facts: Facts, trouble: readonly Evidence[]): Verdict {
  const { events } = facts;
  const vpn = events.filter(({ type }) => type === 'vpn.disconnected' || type === 'vpn.engine_cut_off');
  const moves = events.filter(({ type }) => MOVES.has(type));
  if (vpn.length > 0) return verdict('vpn_down', [...vpn.map(told), ...moves.map(told), ...trouble]);
  const starving = starvation(facts);
  const wentOn = events.some(({ type }) => type === 'stream.spliced' || type === 'stream.standby_switched');
  const engineDied = events.some(
    ({ type, reason }) =>
      type === 'engine.gone' ||
      type === 'health.failed' ||
      (type === 'stream.source_over' && !STARVATION.has(reason ?? '')),
  );
  if (wentOn && (engineDied || !othersStarved(facts))) {
    const why = events.filter(({ type }) => type === 'engine.gone' || type === 'health.failed');
    return verdict('engine_failed', [...why.map(told), ...moves.map(told), ...trouble]);
  }
  if (engineDied && starving.length === 0) {
    return verdict('engine_failed', [...events.filter(isOfTheEngine).map(told), ...trouble]);
  }
  if (starving.length > 0 || streamTrouble(facts).length > 0) {
    return verdict('swarm_starved', [...starving, ...moves.map(told), ...trouble]);
  }
  // A gap at the viewer only, that its connection is not known to be to blame for.
  return verdict(slowLink(facts).length > 0 ? 'viewer_link_slow' : 'delivered_steadily', trouble);
}

function isOfTheEngine({ type }: EventFact): boolean {
  return type === 'engine.gone' || type === 'health.failed' || MOVES.has(type);
}

/** Nobody went on with it. */
function isEndOfSupply({ type }: EventFact): boolean {
  return type === 'stream.retry_budget_spent' || type === 'stream.failed';
}

function streamTrouble({ stream }: Facts): Evidence[] {
  return stream
    .filter(({ longestGapMs }) => longestGapMs >= STEADY_GAP_MS)
    .map(({ atMs, longestGapMs, engine }) =>
      seen(atMs, `Nothing came from ${engine ?? 'any engine'} for ${seconds(longestGapMs)}.`),
    );
}

function viewerTrouble({ viewer, events }: Facts): Evidence[] {
  const evicted = events.filter(({ type }) => type === 'client.evicted').map(told);
  return viewer
    .flatMap(({ atMs, longestGapMs = 0, skips, nullMs = 0 }) => [
      ...(longestGapMs >= SEEN_GAP_MS
        ? [seen(atMs, `The viewer got no media for ${seconds(longestGapMs)}.`)]
        : []),
      ...(nullMs >= SEEN_GAP_MS ? [seen(atMs, `The pause was filled for ${seconds(nullMs)}.`)] : []),
      ...(skips > 0 ? [seen(atMs, `The viewer skipped to newer pictures ${times(skips)}.`)] : []),
    ])
    .concat(evicted);
}

/** The viewer's connection took too little of what there was, and the others' did not. */
function slowLink({ viewer, events, others }: Facts): Evidence[] {
  // What is wrong for most of them is not the line of one.
  if (others.count > 0 && others.troubled * 2 > others.count) return [];
  const blocked = viewer
    .filter(({ blockedMs }) => blockedMs >= BLOCKED_MS)
    .map(({ atMs, blockedMs }) => seen(atMs, `Its connection took nothing for ${seconds(blockedMs)}.`));
  const skipped = viewer
    .filter(({ skips }) => skips > 0)
    .map(({ atMs, skips }) => seen(atMs, `It fell behind and skipped ${times(skips)}.`));
  const evicted = events.filter(
    ({ type, reason }) => type === 'client.evicted' && EVICTIONS.has(reason ?? ''),
  );
  const all = [...blocked, ...skipped, ...evicted.map(told)];
  if (all.length === 0 || others.count === 0) return all;
  const text = `Of ${others.count} other viewers of the stream ${others.troubled} had trouble then.`;
  return [...all, seen(all[0]?.atMs ?? 0, text)];
}

function overload({ process, events }: Facts): Evidence[] {
  const late = process
    .filter(({ loopDelayMs }) => loopDelayMs >= LATE_MS)
    .map(({ atMs, loopDelayMs }) => seen(atMs, `acemux was ${seconds(loopDelayMs)} late with its work.`));
  return [...late, ...events.filter(isOverload).map(told)];
}

function isOverload({ reason }: EventFact): boolean {
  return OVERLOADS.has(reason ?? '');
}

/** Whether other engines than the one in use had nothing either, or that one had nobody to get it from. */
function othersStarved({ stream, events }: Facts): boolean {
  return (
    stream.some(
      ({ peers, longestGapMs }) => peers !== undefined && peers <= 1 && longestGapMs >= STEADY_GAP_MS,
    ) ||
    events.some(
      ({ type, reason }) =>
        STARVATION.has(reason ?? '') && (type === 'stream.attempt_failed' || type === 'stream.failed'),
    )
  );
}

function starvation({ stream, events }: Facts): Evidence[] {
  const poor = stream
    .filter(({ peers, longestGapMs }) => peers !== undefined && peers <= 1 && longestGapMs >= STEADY_GAP_MS)
    .map(({ atMs, peers }) => seen(atMs, `The engine had ${peers === 0 ? 'no peers' : 'one peer'}.`));
  const said = events.filter(
    ({ type, reason }) =>
      STARVATION.has(reason ?? '') &&
      ['stream.source_over', 'stream.source_suspected', 'stream.attempt_failed', 'stream.failed'].includes(
        type,
      ),
  );
  return [...poor, ...said.map(told)];
}

function steadiness({ stream, viewer }: Facts): Evidence[] {
  return [
    ...stream.map(({ atMs, ingestBytes, longestGapMs }) =>
      seen(
        atMs,
        `${megabytes(ingestBytes)} came in that minute; the longest pause was ${seconds(longestGapMs)}.`,
      ),
    ),
    ...viewer
      .filter(({ longestGapMs }) => longestGapMs !== undefined)
      .map(({ atMs, longestGapMs }) =>
        seen(atMs, `The viewer was sent media with no pause longer than ${seconds(longestGapMs ?? 0)}.`),
      ),
  ];
}

function verdict(word: VerdictWord, evidence: readonly Evidence[]): Verdict {
  const unique = new Map(evidence.map((each) => [`${each.atMs} ${each.text}`, each]));
  return { word, evidence: [...unique.values()].sort((one, other) => one.atMs - other.atMs) };
}

function seen(atMs: number, text: string): Evidence {
  return { atMs, text, eventId: undefined };
}

function told({ id, atMs, message }: EventFact): Evidence {
  return { atMs, text: message, eventId: id };
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
