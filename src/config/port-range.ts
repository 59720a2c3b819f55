import { parsed, refused, shownValue, type ValueType } from './value-type.ts';

/** The first and the last port of a range. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Ports as `19000-19499`; undefined if it is not that. */
export function readPortRange(raw: unknown): PortRange | undefined {
  const match = /^\s*(\d{1,5})\s*-\s*(\d{1,5})\s*$/.exec(shownValue(raw));
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  return match && first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

export function printPortRange({ first, last }: PortRange): string {
  return `${first}-${last}`;
}

/** A range of ports. */
export function portRange(): ValueType<PortRange> {
  return {
    description: 'ports, `FIRST-LAST`',
    example: '19000-19499',
    schema: { type: 'string', pattern: '^\\s*\\d{1,5}\\s*-\\s*\\d{1,5}\\s*$' },
    parse(raw) {
      const range = readPortRange(raw);
      return range ? parsed(range) : refused('a range of ports from 1 to 65535, FIRST-LAST');
    },
    print: printPortRange,
  };
}
