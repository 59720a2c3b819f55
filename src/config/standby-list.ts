import { listItems } from './texts.ts';
import { parsed, refused, shownValue, type ValueType } from './value-type.ts';

/** How a stream is insured against the loss of its engine. */
export type StandbyWord = 'off' | 'warm' | 'hot';

const WORDS: readonly StandbyWord[] = ['off', 'warm', 'hot'];
const FORM = /^([0-9a-f]{40})=(off|warm|hot)$/;

/** Streams that are insured otherwise than the rest: text with commas, or a YAML list. */
export function standbyList(): ValueType<ReadonlyMap<string, StandbyWord>> {
  const problem = `a list of HASH=MODE: the 40 hex digits of an id or infohash, and one of ${WORDS.join(', ')}`;
  return {
    description: '`HASH=MODE` with MODE one of `off`, `warm`, `hot`; comma-separated or a YAML list',
    example: `${'0123456789'.repeat(4)}=hot`,
    schema: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    parse(raw) {
      const items = listItems(raw);
      if (!items) return refused(problem);
      const modes = new Map<string, StandbyWord>();
      for (const item of items) {
        const [, hash, word] = FORM.exec(shownValue(item).trim().toLowerCase()) ?? [];
        const mode = WORDS.find((each) => each === word);
        if (hash === undefined || !mode) return refused(`${problem}; "${shownValue(item)}" is not`);
        modes.set(hash, mode);
      }
      return parsed(modes);
    },
    print: (modes) => [...modes].map(([hash, mode]) => `${hash}=${mode}`),
  };
}
