// What is demanded of a cell.
import type { CellResult, Seen } from './cell.ts';

/** What an engine gives a new reader at once; a gap that is longer can't be closed by the same engine. */
const BURST_MS = 20_000;
const TOLERANCE_MS = 200;
/** Silence is suspect when it is four times as long as the longest one before, and within these (docs/continuity.md). */
const SUSPECT_FACTOR = 4;
const SUSPECT_MIN_MS = 2_000;
const SUSPECT_MAX_MS = 5_000;
/** An only engine is given up after so long, and if it says that data come in. */
const CONDEMNED_MS = 15_000;
const CONDEMNED_AT_WORK_MS = 30_000;
/** Sources are judged four times a second. */
const TICK_MS = 250;
const HOT_GAP_MS = 300;
const STANDBY_WINDOW_MS = 500;

export interface Verdict {
  /** What a viewer's gap may be, milliseconds: of the viewer in the middle. Each has its own, for each had an engine's own start. */
  readonly gapMs: number;
  /** How much longer a viewer's gap was than it may be, at p99; negative: shorter. Milliseconds. */
  readonly overMs: number;
  /** Whether no picture may be lost or repeated. */
  readonly losesNothing: boolean;
  /** What was missed, in words; empty: nothing. */
  readonly missed: readonly string[];
}

export function judge(cell: CellResult): Verdict {
  const bars = cell.viewers.map((seen) => gapBarMs(cell, seen));
  const gapMs = percentile(bars, 0.5);
  const overMs = percentile(
    cell.viewers.map((seen) => seen.gapMs - gapBarMs(cell, seen)),
    0.99,
  );
  const losesNothing = gapMs < BURST_MS;
  const missed = [
    ...(cell.disconnects > 0 ? ['disconnects'] : []),
    ...(overMs > 0 ? ['gap'] : []),
    ...(losesNothing && cell.lost > 0 ? ['lost'] : []),
    ...(losesNothing && cell.repeated > 0 ? ['repeated'] : []),
    ...(cell.problems.length > 0 ? ['unannounced break'] : []),
  ];
  return { gapMs, overMs, losesNothing, missed };
}

function gapBarMs(cell: CellResult, { engineMs = 0 }: Seen): number {
  const { fault, mode, outageMs } = cell;
  if (mode.playsAlong && fault.notice === 'at once') return HOT_GAP_MS + STANDBY_WINDOW_MS;
  // The other engine's live edge is so far behind that of the one that failed; its burst is older than that.
  const lagMs = mode.hasSpare ? mode.lagSeconds * 1000 : outageMs;
  return noticedMs(cell) + engineMs + lagMs + TOLERANCE_MS;
}

function noticedMs({ fault, mode, longestGapBeforeMs }: CellResult): number {
  switch (fault.notice) {
    case 'at once':
    case 'health':
      return 0;
    case 'silence':
    case 'silence at work': {
      const condemnedMs = fault.notice === 'silence' ? CONDEMNED_MS : CONDEMNED_AT_WORK_MS;
      const suspectMs = Math.max(SUSPECT_MIN_MS, SUSPECT_FACTOR * longestGapBeforeMs);
      return TICK_MS + (mode.hasSpare ? Math.min(SUSPECT_MAX_MS, suspectMs) : condemnedMs);
    }
  }
}

/** The least value that so large a share of all is not above. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}
