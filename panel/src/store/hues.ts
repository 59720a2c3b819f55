/** Each engine has one colour, everywhere and for as long as the page is open: in the order in which they were seen. */
const HUES = 8;
const KNOWN_MAX = 10_000;
const indexes = new Map<string, number>();

/** A class of the style sheet. */
export function hueOf(engine: string | null | undefined): string {
  if (engine === null || engine === undefined) return 'hue-none';
  let index = indexes.get(engine);
  if (index === undefined) {
    index = indexes.size;
    if (indexes.size < KNOWN_MAX) indexes.set(engine, index);
  }
  return `hue-${index % HUES}`;
}
