import { type Parsed, parsed, refused, type ValueType } from './value-type.ts';

/** The smallest and the largest value allowed, in the unit of the parsed value. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

interface Quantity extends Range {
  readonly noun: string;
  readonly forms: string;
  readonly pattern: string;
  /** How many of the value's units a bare number counts: 1,000 ms for a bare second. */
  readonly bareUnit: number;
  /** The value of a text that is not a bare number; undefined if it is not of this kind. */
  read(text: string): number | undefined;
  write(value: number): number | string;
}

function quantity(of: Quantity): ValueType<number> {
  const { min, max } = of;
  const range = `${of.write(min)} to ${of.write(max)}`;
  const description = `${of.noun}, ${range}`;
  const problem = `${of.noun} from ${of.write(min)} to ${of.write(max)} (${of.forms})`;
  return {
    description,
    example: String(of.write(min)),
    schema: {
      anyOf: [
        { type: 'number', minimum: min / of.bareUnit, maximum: max / of.bareUnit },
        { type: 'string', pattern: of.pattern },
      ],
    },
    parse(raw: unknown): Parsed<number> {
      const value = amountOf(raw, of);
      return value !== undefined && value >= min && value <= max ? parsed(value) : refused(problem);
    },
    print: (value) => of.write(value),
  };
}

function amountOf(raw: unknown, of: Quantity): number | undefined {
  if (typeof raw === 'number') return Math.round(raw * of.bareUnit);
  if (typeof raw !== 'string') return undefined;
  const text = raw.trim();
  return /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * of.bareUnit) : of.read(text);
}

const DURATION = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/** A length of time; the value is in milliseconds, a bare number counts seconds. */
export function duration(rangeMs: Range): ValueType<number> {
  return quantity({
    ...rangeMs,
    noun: 'a duration',
    forms: 'written 30, 30s, 1m30s or 500ms; a bare number is seconds',
    pattern:
      '^\\s*(\\d+(\\.\\d+)?|(?=\\d)(\\d+(\\.\\d+)?h)?(\\d+(\\.\\d+)?m)?(\\d+(\\.\\d+)?s)?(\\d+(\\.\\d+)?ms)?)\\s*$',
    bareUnit: 1000,
    read(text) {
      const match = DURATION.exec(text);
      if (!match || text === '') return undefined;
      const [hours, minutes, seconds, milliseconds] = match.slice(1).map((digits) => Number(digits ?? 0));
      return Math.round(hours! * 3_600_000 + minutes! * 60_000 + seconds! * 1000 + milliseconds!);
    },
    write: (ms) => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`),
  });
}

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['b', 1],
  ['kb', 1000],
  ['mb', 1000 ** 2],
  ['gb', 1000 ** 3],
  ['kib', 1024],
  ['mib', 1024 ** 2],
  ['gib', 1024 ** 3],
]);

/** An amount of memory; the value is in bytes. */
export function size(rangeBytes: Range): ValueType<number> {
  return quantity({
    ...rangeBytes,
    noun: 'a size',
    forms: 'written 65536, 64MiB (1024-based) or 4MB (1000-based); a bare number is bytes',
    pattern: '^\\s*\\d+(\\.\\d+)?\\s*([kKmMgG]?[iI]?[bB])?\\s*$',
    bareUnit: 1,
    read: (text) => withUnit(text, SIZE_UNITS),
    write(bytes) {
      if (bytes > 0 && bytes % 1024 ** 2 === 0) return `${bytes / 1024 ** 2}MiB`;
      return bytes;
    },
  });
}

/** How many bytes a second something may have; the value is in bytes per second. */
export function byteRate(rangeBytes: Range): ValueType<number> {
  const { print, ...amount } = size(rangeBytes);
  const range = `${print(rangeBytes.min)} to ${print(rangeBytes.max)}`;
  return {
    ...amount,
    print,
    description: `bytes per second, ${range}`,
    parse(raw) {
      const result = amount.parse(raw);
      return result.ok ? result : refused(`bytes per second from ${range} (written 2500000, 2MiB or 2.5MB)`);
    },
  };
}

const RATE_UNITS: ReadonlyMap<string, number> = new Map(
  ['', 'b/s', 'bit/s', 'bps'].flatMap((unit): [string, number][] => [
    [unit, 1],
    [`k${unit}`, 1000],
    [`m${unit}`, 1000 ** 2],
  ]),
);

/** A rate of media; the value is in bits per second. */
export function bitRate(rangeBits: Range): ValueType<number> {
  return quantity({
    ...rangeBits,
    noun: 'a bit rate',
    forms: 'written 4000000, 4M, 4Mb/s or 800k; a bare number is bits per second',
    pattern: '^\\s*\\d+(\\.\\d+)?\\s*[kKmM]?([bB](it)?/s|bps)?\\s*$',
    bareUnit: 1,
    read: (text) => withUnit(text, RATE_UNITS),
    write(bits) {
      if (bits > 0 && bits % 1000 ** 2 === 0) return `${bits / 1000 ** 2}M`;
      return bits > 0 && bits % 1000 === 0 ? `${bits / 1000}k` : bits;
    },
  });
}

function withUnit(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z/]+)$/i.exec(text);
  const unit = units.get(match?.[2]?.toLowerCase() ?? '-');
  return match && unit !== undefined ? Math.round(Number(match[1]) * unit) : undefined;
}

/** A whole number. */
export function integer(range: Range): ValueType<number> {
  const { min, max } = range;
  return {
    description: `an integer, ${min} to ${max}`,
    example: String(min),
    schema: { type: 'integer', minimum: min, maximum: max },
    parse(raw) {
      const value = typeof raw === 'string' && /^\s*\d+\s*$/.test(raw) ? Number(raw) : raw;
      const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
      return fits ? parsed(value) : refused(`an integer from ${min} to ${max}`);
    },
    print: (value) => value,
  };
}
