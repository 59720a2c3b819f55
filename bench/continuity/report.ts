// The tables that a run of the benchmark of continuity prints.
import { table } from '../report.ts';
import { judge, percentile } from './bars.ts';
import type { CellResult, Shares } from './cell.ts';

const HEAD = [
  'fault, mode',
  'disconnects',
  'gap p50 ms',
  'p99 ms',
  'bar p50',
  'gap − bar p99',
  'lost',
  'repeated',
  'breaks',
  'CPU before',
  'from then on',
  'no core ms',
  '',
];

/** One row for each cell, and below what was missed. */
export function renderCells(cells: readonly CellResult[]): string {
  const rows = cells.map((cell) => {
    const { gapMs, overMs, losesNothing, missed } = judge(cell);
    const pictures = (count: number): string => `${count}${losesNothing ? '' : ' (no bar)'}`;
    return [
      nameOf(cell),
      String(cell.disconnects),
      ...p50AndP99(cell.viewers.map((seen) => seen.gapMs)),
      `≤ ${gapMs.toFixed(0)}`,
      overMs.toFixed(0),
      pictures(cell.lost),
      pictures(cell.repeated),
      String(cell.breaks),
      percent(cell.serverCoreShare.calm),
      percent(cell.serverCoreShare.after),
      cell.starvedMs.toFixed(0),
      missed.length === 0 ? 'pass' : 'FAIL',
    ];
  });
  const notes = cells.flatMap((cell) => notesOf(cell).map((note) => `${nameOf(cell)}: ${note}\n`));
  return `${table([HEAD, ...rows])}\n${notes.join('')}\n${renderShares(cells)}`;
}

const SHARES_HEAD = [
  'fault, mode',
  'streams',
  'blow → asked p50 ms',
  'p99',
  'last media → asked p50',
  'p99',
  'engine p50',
  'p99',
  'answered → asked on p50',
  'p99',
  'first byte → viewer p50',
  'p99',
  'bare engine: byte',
  'burst',
];

/** What the gaps were made of, where a start of the new engine was waited for: the engine's part is its own. */
function renderShares(cells: readonly CellResult[]): string {
  const rows = cells.map((cell) => {
    const waited = cell.viewers.filter(({ shares }) => shares !== undefined);
    const of = (read: (shares: Shares) => number): readonly string[] =>
      p50AndP99(waited.flatMap(({ shares }) => (shares ? [read(shares)] : [])));
    return [
      nameOf(cell),
      String(waited.length),
      ...of((shares) => shares.askedAfterBlowMs),
      ...of((shares) => shares.askedMs),
      ...p50AndP99(waited.map(({ engineMs = 0 }) => engineMs)),
      ...of((shares) => shares.betweenMs),
      ...of((shares) => shares.joinedMs),
      cell.bareEngine.firstByteMs.toFixed(0),
      cell.bareEngine.burstMs.toFixed(0),
    ];
  });
  return table([SHARES_HEAD, ...rows]);
}

function p50AndP99(values: readonly number[]): readonly string[] {
  if (values.length === 0) return ['', ''];
  return [percentile(values, 0.5).toFixed(0), percentile(values, 0.99).toFixed(0)];
}

function notesOf(cell: CellResult): string[] {
  const { missed } = judge(cell);
  const [problem] = cell.problems;
  return [
    ...(missed.length > 0 ? [`missed: ${missed.join(', ')}.`] : []),
    ...(problem === undefined ? [] : [`wrong in ${cell.problems.length} places, e.g. ${problem}.`]),
    ...(cell.stayed > 0 ? [`${cell.stayed} streams are still played by what was struck.`] : []),
  ];
}

function nameOf({ fault, mode }: CellResult): string {
  return `${fault.name}, ${mode.name}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
