/** A text in so many letters: names of one kind differ at their ends, so of a long one both ends are shown. */
export function cutMiddle(text: string, lettersMax: number): string {
  if (text.length <= lettersMax) return text;
  const end = Math.floor((lettersMax - 1) / 3);
  return `${text.slice(0, lettersMax - 1 - end)}…${end === 0 ? '' : text.slice(-end)}`;
}
