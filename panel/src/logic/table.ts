/** Sorting that stays: rows that are equal keep an order of their own, so that a table does not jump while it lives. */
export type Order = { readonly column: string; readonly isDescending: boolean };

export function sortedBy<Row>(
  rows: readonly Row[],
  { column, isDescending }: Order,
  cellOf: (row: Row, column: string) => string | number,
  idOf: (row: Row) => string,
): Row[] {
  const direction = isDescending ? -1 : 1;
  return rows.toSorted((one, other) => {
    const [a, b] = [cellOf(one, column), cellOf(other, column)];
    const compared =
      typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
    return compared * direction || idOf(one).localeCompare(idOf(other));
  });
}

/** What is asked for stands in one of the texts; several words must all be found. */
export function contains(texts: readonly (string | null | undefined)[], wanted: string): boolean {
  const all = texts
    .filter((text) => text !== null && text !== undefined)
    .join('\n')
    .toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
