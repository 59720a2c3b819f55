// npm run bench:continuity [-- --streams N --faults A,B… --modes A,B… --logs FOLDER]
// What viewers see when the engine of their stream fails: acemux and simulated engines as processes of their own, many
// streams side by side, each with one viewer; the packets tell which pictures were lost or came twice.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import {
  CONTINUITY_USAGE,
  type ContinuityArguments,
  parseContinuityArguments,
} from './continuity/arguments.ts';
import { type CellOptions, type CellResult, runCell } from './continuity/cell.ts';
import { renderCells } from './continuity/report.ts';
import type { FaultStory, ModeStory } from './continuity/story.ts';
import { leaveNothing, temporaryFolder } from './processes.ts';

async function measure(asked: ContinuityArguments): Promise<readonly CellResult[]> {
  const { streams, faults, modes, logFolder } = asked;
  const cells: CellResult[] = [];
  for (const mode of modes) {
    const configFile = mode.configuration === undefined ? undefined : writeConfiguration(mode.configuration);
    const refusal = configFile === undefined ? undefined : refusalOf(configFile);
    if (refusal !== undefined) {
      process.stdout.write(`${mode.name} is left out: ${refusal}\n`);
      continue;
    }
    for (const fault of faults) {
      if (!makesSense(fault, mode)) continue;
      process.stderr.write(`… ${fault.name}, ${mode.name}\n`);
      const cell = await tryCell({ fault, mode, streams, configFile });
      if (cell === undefined) continue;
      cells.push(cell);
      if (logFolder !== undefined) leaveLog(logFolder, cell);
    }
  }
  return cells;
}

/** On a busy machine a stream may move before it is to; what fails twice does not take the other cells with it. */
async function tryCell(options: CellOptions, isLastTry = false): Promise<CellResult | undefined> {
  try {
    return await runCell(options);
  } catch (error) {
    if (!isLastTry) return await tryCell(options, true);
    const why = error instanceof Error ? error.message : String(error);
    process.stdout.write(`${options.fault.name}, ${options.mode.name} was not measured: ${why}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

/** An only engine that refuses new connections does no harm to what it plays. */
function makesSense(fault: FaultStory, mode: ModeStory): boolean {
  return mode.hasSpare || fault.notice !== 'health';
}

function writeConfiguration(text: string): string {
  const file = path.join(temporaryFolder(), 'acemux.yaml');
  writeFileSync(file, text);
  return file;
}

/** What acemux has against a configuration, in its own words. */
function refusalOf(configFile: string): string | undefined {
  const launcher = path.join(import.meta.dirname, '../bin/acemux.mjs');
  const { status, stderr } = spawnSync(process.execPath, [launcher, 'config', '--config', configFile]);
  return status === 0 ? undefined : stderr.toString().trim().replaceAll(/\s+/g, ' ');
}

function leaveLog(folder: string, { fault, mode, log }: CellResult): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${fault.name}.${mode.name}.log`), `${log.join('\n')}\n`);
}

leaveNothing();
try {
  const asked = parseContinuityArguments(process.argv.slice(2));
  const cells = await measure(asked);
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}`;
  process.stdout.write(`${asked.streams} streams of 1 Mb/s in each row; ${machine}\n\n${renderCells(cells)}`);
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  process.stderr.write(`${error.message}\n\n${CONTINUITY_USAGE}`);
  process.exitCode = 2;
}
