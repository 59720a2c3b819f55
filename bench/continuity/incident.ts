// Whose time it is while a stream has no source: the new engine's, or acemux's.
import type { JournalEntry } from '../../src/simulator/journal.ts';

/** When acemux's connections stood, milliseconds since the Unix epoch, by their local ports. */
export type Connects = ReadonlyMap<number, readonly number[]>;

/** One stream's start on the engine that goes on with it. */
export interface Incident {
  /** When acemux sent the request, milliseconds since the Unix epoch. */
  readonly askedAtMs: number;
  /**
   * What the engine took to the first byte of media: from each of the three requests, sent, to its answer. Time in which the
   * engine had answered and the next request was still to come is not in it.
   */
  readonly engineMs: number;
  /** Between those: an answer had come, and acemux had not asked the next thing. */
  readonly betweenMs: number;
  /** When the first byte of media left the engine, milliseconds since the Unix epoch. */
  readonly firstByteAtMs: number;
}

interface Exchange {
  readonly sentMs: number;
  readonly answeredMs: number;
}

export function readConnects(text: string): Connects {
  const connects = new Map<number, number[]>();
  for (const line of text.split('\n')) {
    const [port, atMs] = line.split(' ').map(Number);
    if (port === undefined || atMs === undefined) continue;
    const known = connects.get(port);
    if (known) known.push(atMs);
    else connects.set(port, [atMs]);
  }
  return connects;
}

/** Of each stream, by its infohash, the first start after `sinceMs` that brought media. */
export function incidentsOf(
  journal: readonly JournalEntry[],
  connects: Connects,
  sinceMs: number,
): ReadonlyMap<string, Incident> {
  const asked = journal.filter(({ wallTime }) => Date.parse(wallTime) >= sinceMs);
  const incidents = new Map<string, Incident>();
  for (const [at, entry] of asked.entries()) {
    const infohash = /^\/content\/([0-9a-f]{40})\//.exec(entry.path)?.[1];
    if (infohash === undefined || incidents.has(infohash)) continue;
    const before = asked.slice(0, at).filter(({ target }) => target.includes(infohash));
    const start = before.findLast(({ route }) => route === 'start');
    const redirect = before.findLast(({ route }) => route === 'redirect');
    const exchanges = [
      exchangeOf(start, start?.answer.beganWallMs, connects),
      exchangeOf(redirect, redirect?.answer.beganWallMs, connects),
      exchangeOf(entry, entry.answer.mediaWallMs, connects),
    ].filter((each) => each !== undefined);
    const [first, second, third] = exchanges;
    if (!first || !second || !third) continue;
    incidents.set(infohash, {
      askedAtMs: first.sentMs,
      engineMs: exchanges.reduce((sum, { sentMs, answeredMs }) => sum + answeredMs - sentMs, 0),
      betweenMs: second.sentMs - first.answeredMs + third.sentMs - second.answeredMs,
      firstByteAtMs: third.answeredMs,
    });
  }
  return incidents;
}

function exchangeOf(
  entry: JournalEntry | undefined,
  answeredMs: number | undefined,
  connects: Connects,
): Exchange | undefined {
  if (!entry || answeredMs === undefined) return undefined;
  const readMs = Date.parse(entry.wallTime);
  // A port may have been used before. Clocks are told in whole milliseconds.
  const sentMs = connects.get(entry.remotePort)?.findLast((atMs) => atMs <= readMs + 1);
  return { sentMs: Math.min(sentMs ?? readMs, readMs), answeredMs };
}
