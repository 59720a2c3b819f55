import { shownValue } from './value-type.ts';

/** A field that a text may name once only was given twice. */
export interface RepeatedField {
  readonly repeated: string;
}

/**
 * The fields of one item of a list: of an object its own; of a text as `FIRST?field=value&…` what stands before the
 * question mark as the field `first`, and those behind it as an address has them.
 */
export function queryFields(item: unknown, first: string): ReadonlyMap<string, unknown> | RepeatedField {
  if (typeof item === 'object' && item !== null) return new Map(Object.entries(item));
  const text = shownValue(item).trim();
  const queryAt = text.indexOf('?');
  const query = [...new URLSearchParams(queryAt < 0 ? '' : text.slice(queryAt + 1))];
  const fields = new Map<string, unknown>([[first, queryAt < 0 ? text : text.slice(0, queryAt)]]);
  for (const [name, value] of query) {
    if (fields.has(name)) return { repeated: name };
    fields.set(name, value);
  }
  return fields;
}
