// The tables that a run of the fan-out benchmark prints.
import type { Growth, Results, Round } from './fanout.ts';
import { median } from './first-viewer.ts';

/** A server that gets less than this of what it should send per second has fallen behind. */
const KEPT_UP_SHARE = 0.98;
/** A thread that works so much of the time can't do more. */
const BUSY_SHARE = 0.9;

interface Bar {
  readonly name: string;
  /** What counts, of several rounds their median; none where there is no bar. */
  readonly values: readonly number[];
  readonly bar: number | undefined;
  readonly digits: number;
  readonly unit: string;
}

/** The demands of the first number of viewers, each with its bar. */
export function renderBars({ asked, machine, growth, stalled, firstViewer }: Results): string {
  const [first] = growth;
  if (!first) return '';
  const { rounds } = first;
  const of = (read: (round: Round) => number): number[] => rounds.map(read);
  const readers = first.viewers - Math.round(first.viewers / 10);
  const bars: Bar[] = [
    bar('CPU per gigabyte, × the limit in Node', of(nodeRatio), 1.25, '', 2),
    bar('… × one that writes 256 KiB at once', of(largeBatchRatio), undefined, '', 2),
    bar(
      'loop delay p99',
      of(({ acemux }) => acemux.loopDelayMs.p99),
      20,
      'ms',
      1,
    ),
    bar(
      'loop delay p50',
      of(({ acemux }) => acemux.loopDelayMs.p50),
      undefined,
      'ms',
      1,
    ),
    bar(
      'loop delay, longest',
      of(({ acemux }) => acemux.loopDelayMs.max),
      undefined,
      'ms',
      0,
    ),
    bar(
      'later viewers, first byte p50',
      of(({ acemux }) => acemux.firstByteMsMedian),
      50,
      'ms',
      1,
    ),
    bar(
      'later viewers, first byte p99',
      of(({ acemux }) => acemux.firstByteMsP99),
      150,
      'ms',
      1,
    ),
    bar(
      '… that do not begin PAT, PMT, access point',
      of(({ acemux }) => acemux.wrongStarts),
      0,
      '',
      0,
    ),
    bar(
      '… without a first byte',
      of(({ acemux }) => first.viewers - acemux.started),
      0,
      '',
      0,
    ),
    bar(
      'longest gap',
      of(({ acemux }) => acemux.gapMsMax),
      1000,
      'ms',
      0,
    ),
    bar(
      'one in ten stalled: RSS without the ring',
      [stalled.residentMegabytes - stalled.bufferMegabytes],
      150,
      'MB',
      0,
    ),
    bar('… the ring', [stalled.bufferMegabytes], undefined, 'MB', 0),
    bar(`… longest gap of the ${readers} good ones`, [stalled.gapMsMax], 1000, 'ms', 0),
    bar('first viewer: added to the engine’s own time', [firstViewer.addedMs], 20, 'ms', 1),
    bar(
      '… by as many starts before, the first of the process',
      [firstViewer.addedMsWhenNew],
      undefined,
      'ms',
      1,
    ),
    bar('… the engine’s own time', [firstViewer.engineMs], undefined, 'ms', 1),
  ];
  if (rounds.every(({ cLimit }) => cLimit))
    bars.splice(2, 0, bar('CPU per gigabyte, × the limit in C', of(cRatio), undefined, '', 2));
  const title = `${first.viewers} viewers × ${asked.megabits} Mb/s; rounds of ${asked.seconds} s: ${rounds.length}; ${machine}`;
  const rows = bars.map(({ name, values, bar: most, digits, unit }) => {
    const seen = median(values);
    const spread =
      values.length > 1
        ? `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`
        : '';
    const verdict = most === undefined ? '' : seen <= most ? 'pass' : 'FAIL';
    const bound = most === undefined ? '' : `≤ ${most}`;
    return [name, bound, seen.toFixed(digits), spread, unit, verdict];
  });
  return `${title}\n\n${table([['', 'bar', 'median', 'range', '', ''], ...rows])}`;
}

/** How cost grows with the number of viewers, and what stopped it. */
export function renderGrowth({ asked, growth }: Results): string {
  const head = [
    'viewers',
    'CPU s/GB',
    'Node',
    'C',
    '× Node',
    '× C',
    'of the rate',
    'core',
    'sink',
    'loop p99 ms',
  ];
  const more = ['1st byte p50', 'p99 ms', 'gap ms', 'skips', 'lost', 'RSS MB'];
  const rows = growth.map(({ viewers, rounds }) => {
    const of = (read: (round: Round) => number, digits = 0): string => {
      const seen = median(rounds.map(read));
      return Number.isNaN(seen) ? '–' : seen.toFixed(digits);
    };
    return [
      String(viewers),
      of(({ acemux }) => acemux.cpuSecondsPerGigabyte, 3),
      of(nodeLimit, 3),
      of(({ cLimit }) => cLimit?.cpuSecondsPerGigabyte ?? Number.NaN, 3),
      of(nodeRatio, 2),
      of(cRatio, 2),
      `${of((round) => 100 * rateShare(round, viewers, asked.megabits))} %`,
      `${of(({ acemux }) => 100 * acemux.serverCoreShare)} %`,
      `${of(({ acemux }) => 100 * acemux.sinkCoreShare)} %`,
      of(({ acemux }) => acemux.loopDelayMs.p99, 1),
      of(({ acemux }) => acemux.firstByteMsMedian, 1),
      of(({ acemux }) => acemux.firstByteMsP99, 1),
      of(({ acemux }) => acemux.gapMsMax),
      of(({ acemux }) => acemux.skips),
      of(({ acemux }) => acemux.disconnected),
      of(({ acemux }) => acemux.residentMegabytes),
    ];
  });
  const words = growth.map((each) => `${each.viewers} viewers: ${whatStopped(each, asked.megabits)}\n`);
  return `${table([[...head, ...more], ...rows])}\n${words.join('')}`;
}

function whatStopped({ viewers, rounds }: Growth, megabits: number): string {
  const middle = (read: (round: Round) => number): number => median(rounds.map(read));
  const share = middle((round) => rateShare(round, viewers, megabits));
  const lost = middle(({ acemux }) => acemux.disconnected + acemux.skips);
  if (share >= KEPT_UP_SHARE && lost === 0) return 'kept up.';
  const server = middle(({ acemux }) => acemux.serverCoreShare);
  const sink = middle(({ acemux }) => acemux.sinkCoreShare);
  const full = server >= BUSY_SHARE ? 'the server’s one thread was full' : 'no thread was full';
  const reason = sink >= BUSY_SHARE ? 'the load itself was full' : full;
  return `fell behind to ${(100 * share).toFixed(0)} % of the rate; ${reason}.`;
}

function rateShare({ acemux }: Round, viewers: number, megabits: number): number {
  return acemux.bytes / (viewers * megabits * 125 * acemux.windowMs);
}

/** CPU seconds per gigabyte, the mean of what was measured before and after acemux. */
function nodeLimit({ nodeLimits }: Round): number {
  return nodeLimits.reduce((sum, each) => sum + each.cpuSecondsPerGigabyte, 0) / nodeLimits.length;
}

function nodeRatio(round: Round): number {
  return round.acemux.cpuSecondsPerGigabyte / nodeLimit(round);
}

function largeBatchRatio({ acemux, nodeLimitOfLargeBatches }: Round): number {
  return acemux.cpuSecondsPerGigabyte / nodeLimitOfLargeBatches.cpuSecondsPerGigabyte;
}

function cRatio({ acemux, cLimit }: Round): number {
  return acemux.cpuSecondsPerGigabyte / (cLimit?.cpuSecondsPerGigabyte ?? Number.NaN);
}

function bar(name: string, values: number[], most: number | undefined, unit: string, digits: number): Bar {
  return { name, values, bar: most, unit, digits };
}

/** Columns of text, the first one to the left. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}
