// The tables that a run of the benchmark of continuity prints.
import { table } from '../report.ts';
import { judge, percentile } from './bars.ts';
import type { CellResult } from './cell.ts';

const HEAD = [
  'fault, mode',
  'disconnects',
  'gap p50 ms',
  'p99 ms',
  'bar',
  'engine: byte',
  'burst',
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
    const { gapMs, losesNothing, missed } = judge(cell);
    const pictures = (count: number): string => `${count}${losesNothing ? '' : ' (no bar)'}`;
    return [
      nameOf(cell),
      String(cell.disconnects),
      percentile(cell.gapsMs, 0.5).toFixed(0),
      percentile(cell.gapsMs, 0.99).toFixed(0),
      `≤ ${gapMs.toFixed(0)}`,
      cell.bareEngine.firstByteMs.toFixed(0),
      cell.bareEngine.burstMs.toFixed(0),
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
  return `${table([HEAD, ...rows])}\n${notes.join('')}`;
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
