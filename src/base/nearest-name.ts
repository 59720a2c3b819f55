/**
 * The name that was probably meant: the one of `known` that needs the fewest single-character changes
 * (capitals aside) to become `given`; undefined when even that one is far off.
 */
export function nearestName(given: string, known: Iterable<string>): string | undefined {
  const wanted = given.toLowerCase();
  let nearest: string | undefined;
  // A third of the letters wrong is still a typing error; more is another word.
  let distanceMax = Math.max(1, Math.floor(wanted.length / 3));
  for (const name of known) {
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance > distanceMax || (nearest !== undefined && distance === distanceMax)) continue;
    nearest = name;
    distanceMax = distance;
  }
  return nearest;
}

/**
 * How many characters must be inserted, removed, replaced or swapped with their neighbour to turn `from` into
 * `to` (the optimal string alignment distance).
 */
export function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = previous[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1);
      let distance = Math.min(previous[column]! + 1, current[column - 1]! + 1, replaced);
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) distance = Math.min(distance, beforePrevious[column - 2]! + 1);
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length]!;
}
