import { looseText } from './loose-json.ts';

const TEXT_LENGTH_MAX = 300;

/**
 * A publisher's text, fit to be passed on: on one line, short, and without addresses. It may be anything, also an
 * advertisement; where the engine is, is nobody's business (reference 2.8, 10.27).
 */
export function textOf(value: unknown, root: URL): string {
  const text = looseText(value) ?? '';
  return text
    .slice(0, TEXT_LENGTH_MAX)
    .replace(/[a-z][a-z0-9+.-]*:\/\/\S+/gi, '')
    .replaceAll(`${root.hostname}:${root.port || '80'}`, '')
    .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .toWellFormed()
    .trim();
}
