// What the benchmark of continuity was asked for on its command line.
import { parseArgs } from 'node:util';
import { wholeNumber } from '../arguments.ts';
import { FAULTS, type FaultStory, MODES, type ModeStory } from './story.ts';

export interface ContinuityArguments {
  readonly streams: number;
  readonly faults: readonly FaultStory[];
  readonly modes: readonly ModeStory[];
  /** Where acemux's log of each cell is left. */
  readonly logFolder: string | undefined;
}

export const CONTINUITY_USAGE = `Usage: npm run bench:continuity [-- OPTIONS]

  --streams N      how many streams play side by side in each cell, each with one viewer (default 20)
  --faults A,B…    of ${FAULTS.map(({ name }) => name).join(', ')} (default: all)
  --modes A,B…     of ${MODES.map(({ name }) => name).join(', ')} (default: all)
  --logs FOLDER    leaves what acemux logged in each cell there
`;

/** @throws RangeError that names what is wrong */
export function parseContinuityArguments(given: readonly string[]): ContinuityArguments {
  const { streams = '20', faults, modes, logs } = readOptions(given);
  return {
    streams: wholeNumber('--streams', streams, 1, 100),
    faults: chosen('--faults', faults, FAULTS),
    modes: chosen('--modes', modes, MODES),
    logFolder: logs,
  };
}

function readOptions(given: readonly string[]): Record<string, string | undefined> {
  const text = { type: 'string' } as const;
  const options = { streams: text, faults: text, modes: text, logs: text };
  try {
    return parseArgs({ args: [...given], options }).values;
  } catch (error) {
    throw new RangeError(error instanceof Error ? error.message : String(error));
  }
}

function chosen<Story extends { readonly name: string }>(
  option: string,
  names: string | undefined,
  all: readonly Story[],
): readonly Story[] {
  if (names === undefined) return all;
  return names.split(',').map((wanted) => {
    const story = all.find(({ name }) => name === wanted);
    if (story) return story;
    throw new RangeError(`${option} are of ${all.map(({ name }) => name).join(', ')}, not "${wanted}".`);
  });
}
