import { formatBytes, formatRate, formatSeconds } from './format.ts';

/** An event's details end its sentence, in brackets; here they are told apart. */
const SENTENCE = /^(.*?[.!?]) \(.*\)$/s;

export function sentenceOf(message: string): string {
  return SENTENCE.exec(message)?.[1] ?? message;
}

/** The details of an event as people read them: words, units, and engines by their names. */
export function detailsText(
  details: Readonly<Record<string, unknown>>,
  engineNameOf: (id: string) => string,
): string {
  return Object.entries(details)
    .flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [detailText(name, value, engineNameOf)],
    )
    .join(', ');
}

function detailText(name: string, value: unknown, engineNameOf: (id: string) => string): string {
  if (typeof value === 'boolean') {
    const what = wordsOf(name.replace(/^is_/, ''));
    return value ? what : `not ${what}`;
  }
  if (typeof value === 'number') {
    const [, stem = name, unit] = /^(.*?)_(bytes_per_second|bytes|seconds)$/.exec(name) ?? [];
    const number =
      unit === 'bytes_per_second'
        ? formatRate(value)
        : unit === 'bytes'
          ? formatBytes(value)
          : unit === 'seconds'
            ? formatSigned(value)
            : String(value);
    return `${wordsOf(stem)} ${number}`;
  }
  if (Array.isArray(value)) {
    const parts = value.map((each) => (name === 'engines' ? engineNameOf(String(each)) : String(each)));
    return `${wordsOf(name)} ${parts.join(' ')}`;
  }
  const stem = /^(.*)_engine$/.exec(name)?.[1];
  return stem === undefined
    ? `${wordsOf(name)} ${String(value)}`
    : `${wordsOf(stem)} ${engineNameOf(String(value))}`;
}

/** A lag may be the other way round. */
function formatSigned(seconds: number): string {
  return seconds < 0 ? `−${formatSeconds(-seconds)}` : formatSeconds(seconds);
}

function wordsOf(name: string): string {
  return name.replaceAll('_', ' ');
}
