/** The last 24 hours, where acemux keeps them. */
export function DayChart() {
  return null;
}
