import { duration, type Range } from './quantities.ts';
import { listItems } from './texts.ts';
import { parsed, refused, shownValue, type ValueType } from './value-type.ts';

const FORM = /^([0-9a-f]{40})=(.+)$/;

/** Times for single streams, in milliseconds: text with commas, or a YAML list. A bare number counts seconds. */
export function streamSeconds(rangeMs: Range): ValueType<ReadonlyMap<string, number>> {
  const time = duration(rangeMs);
  const problem = `a list of HASH=SECONDS: the 40 hex digits of an id or infohash, and ${time.description}`;
  return {
    description: `\`HASH=SECONDS\` with ${time.description}; comma-separated or a YAML list`,
    example: `${'0123456789'.repeat(4)}=${String(time.print(Math.min(rangeMs.max, 3_600_000)))}`,
    schema: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    parse(raw) {
      const items = listItems(raw);
      if (!items) return refused(problem);
      const times = new Map<string, number>();
      for (const item of items) {
        const [, hash, text] = FORM.exec(shownValue(item).trim().toLowerCase()) ?? [];
        const ms = time.parse(text);
        if (hash === undefined || !ms.ok) return refused(`${problem}; "${shownValue(item)}" is not`);
        times.set(hash, ms.value);
      }
      return parsed(times);
    },
    print: (times) => [...times].map(([hash, ms]) => `${hash}=${String(time.print(ms))}`),
  };
}
