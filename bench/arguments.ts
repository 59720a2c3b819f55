// What a benchmark was asked for on its command line.

export interface FanoutArguments {
  /** The first is measured most thoroughly; the others show how cost grows. */
  readonly viewers: readonly number[];
  readonly seconds: number;
  readonly megabits: number;
  readonly rounds: number;
}

export const USAGE = `Usage: npm run bench:fanout [-- VIEWERS[,VIEWERS…] [SECONDS [MEGABITS [ROUNDS]]]]

  VIEWERS    how many watch; the first number is held against the bars, the others show how cost grows
             (default 500,1000,2000)
  SECONDS    how long each run is measured, after all have come (default 10)
  MEGABITS   of the stream, per second (default 8)
  ROUNDS     how often acemux and the limits take turns at the first number; medians are shown (default 3)
`;

/** @throws RangeError that names what is wrong */
export function parseArguments(given: readonly string[]): FanoutArguments {
  if (given.length > 4) throw new RangeError(`"${given[4]}" is one argument too many.`);
  const [viewers = '500,1000,2000', seconds = '10', megabits = '8', rounds = '3'] = given;
  return {
    viewers: viewers.split(',').map((each) => wholeNumber('VIEWERS', each, 10, 20_000)),
    seconds: wholeNumber('SECONDS', seconds, 1, 30),
    megabits: wholeNumber('MEGABITS', megabits, 1, 100),
    rounds: wholeNumber('ROUNDS', rounds, 1, 20),
  };
}

/** @throws RangeError that names what is wrong */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new RangeError(`${name} is a whole number from ${min} to ${max}, not "${text}".`);
}
