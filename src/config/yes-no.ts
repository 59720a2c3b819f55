import { parsed, refused, type ValueType } from './value-type.ts';

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

/** Yes or no, in the words that environments use for it. */
export function yesNo(): ValueType<boolean> {
  return {
    description: '`true` or `false`',
    example: 'true',
    schema: { anyOf: [{ type: 'boolean' }, { enum: [...WORDS.keys()] }] },
    parse(raw) {
      const value =
        typeof raw === 'boolean'
          ? raw
          : typeof raw === 'string' || typeof raw === 'number'
            ? WORDS.get(String(raw).trim().toLowerCase())
            : undefined;
      return value === undefined ? refused('true or false') : parsed(value);
    },
    print: (value) => value,
  };
}
