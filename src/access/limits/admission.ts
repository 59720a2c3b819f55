import type { ReasonCode } from '../../base/reasons.ts';
import type { Share } from './shares.ts';

/** Somebody who watches now, or waits for it. */
export interface Present {
  /** The names of the shares that it is counted in. */
  readonly shares: ReadonlySet<string>;
  /** What it watches, by a name that no other stream has. */
  readonly stream: string;
  /** Since when, on the clock, milliseconds. */
  readonly sinceMs: number;
  /** Takes nothing now, and stays because what it needs next is kept (time-shift): it does not count. */
  readonly isPaused: boolean;
}

/** A stream that was asked for within the last minute. */
export interface StartNote {
  readonly stream: string;
  /** When it was asked for, on the clock, milliseconds. */
  readonly atMs: number;
  /** When it was asked for again; the same if it was not. */
  readonly lastMs: number;
}

export interface Newcomer {
  readonly shares: readonly Share[];
  readonly stream: string;
  /** The clock, milliseconds. */
  readonly nowMs: number;
  /** What was started by a share, by its name, the oldest first. */
  readonly starts: (share: string) => readonly StartNote[];
}

export type Admission<P> =
  /** `replaced` have to go for it. */
  | { readonly kind: 'admit'; readonly replaced: readonly P[] }
  | {
      readonly kind: 'refuse';
      readonly code: ReasonCode;
      readonly retryAfterSeconds: number | undefined;
      /** It is a question of who is there: the next moment may be another one. */
      readonly isCrowd: boolean;
    };

/** Starts are counted over so long. */
export const START_WINDOW_MS = 60_000;
/**
 * Whoever asks again for a stream within this time has not started another one: players open twice, and a recording is read in
 * parts. It is how long the least of the streams that were left stays open, so no engine is asked for that.
 */
export const SAME_START_MS = 10_000;

type Limited = 'streams' | 'viewers' | 'starts';

const CODES: Readonly<Record<Share['kind'], Readonly<Record<Limited, ReasonCode>>>> = {
  all: { streams: 'too_many_streams', viewers: 'too_many_viewers', starts: 'too_many_starts' },
  address: {
    streams: 'too_many_streams_of_address',
    viewers: 'too_many_viewers_of_address',
    starts: 'too_many_starts_of_address',
  },
  key: {
    streams: 'too_many_streams_of_key',
    viewers: 'too_many_viewers_of_key',
    starts: 'too_many_starts_of_key',
  },
};

/** Decides whether somebody may watch a stream, from who is there now. */
export function decideAdmission<P extends Present>(newcomer: Newcomer, present: readonly P[]): Admission<P> {
  const { nowMs, shares, starts, stream } = newcomer;
  const replaced = new Set<P>();
  for (const { kind, limits, name } of shares) {
    const { onLimit = 'replace_oldest', startsPerMinute, streamsMax, viewersMax } = limits;
    if (streamsMax === undefined && viewersMax === undefined && startsPerMinute === undefined) continue;
    const active = present.filter((each) => each.shares.has(name) && !each.isPaused && !replaced.has(each));
    const hasStream = active.some((each) => each.stream === stream);
    const refuse = (what: Limited, retryAfterSeconds?: number): Admission<P> => {
      return { kind: 'refuse', code: CODES[kind][what], retryAfterSeconds, isCrowd: what !== 'starts' };
    };

    if (startsPerMinute !== undefined && !hasStream) {
      const waitMs = waitForStart(starts(name), startsPerMinute, stream, nowMs);
      if (waitMs > 0) return refuse('starts', Math.ceil(waitMs / 1000));
    }
    const streams = oldestFirst(active);
    const surplus = streams.length + 1 - (streamsMax ?? Number.POSITIVE_INFINITY);
    if (!hasStream && surplus > 0) {
      if (kind !== 'key' || onLimit === 'refuse') return refuse('streams');
      const ending = streams.slice(0, surplus);
      for (const each of active) if (ending.includes(each.stream)) replaced.add(each);
    }
    const left = active.filter((each) => !replaced.has(each));
    if (viewersMax !== undefined && left.length >= viewersMax) return refuse('viewers');
  }
  return { kind: 'admit', replaced: [...replaced] };
}

/** How long until one more may be started, milliseconds; 0: now. */
function waitForStart(
  notes: readonly StartNote[],
  startsPerMinute: number,
  stream: string,
  nowMs: number,
): number {
  const recent = notes.filter(({ atMs }) => nowMs - atMs < START_WINDOW_MS);
  if (isSameStart(notes, stream, nowMs)) return 0;
  const leaving = recent[recent.length - startsPerMinute];
  return leaving ? leaving.atMs + START_WINDOW_MS - nowMs : 0;
}

/** Whether asking for a stream now is only asking again for one that has been started. */
export function isSameStart(notes: readonly StartNote[], stream: string, nowMs: number): boolean {
  return notes.some((note) => note.stream === stream && nowMs - note.lastMs < SAME_START_MS);
}

/** The streams that are watched, in the order in which they were begun to be. */
function oldestFirst(present: readonly Present[]): readonly string[] {
  const since = new Map<string, number>();
  for (const { sinceMs, stream } of present) {
    since.set(stream, Math.min(sinceMs, since.get(stream) ?? Number.POSITIVE_INFINITY));
  }
  return [...since].sort(([, one], [, other]) => one - other).map(([stream]) => stream);
}
