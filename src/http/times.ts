/** ISO 8601, UTC, of a wall clock in milliseconds: the form of every time in a reply (DESIGN 2.4). */
export function timeOf(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
