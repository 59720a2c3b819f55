import { type Headers, parseHeaders, TO_CLIENTS, TO_ENGINES } from './header-list.ts';
import { duration } from './quantities.ts';
import type { StandbyWord } from './standby-list.ts';
import { choice } from './texts.ts';
import { type Parsed, type PlainValue, parsed, refused, shownValue, type ValueType } from './value-type.ts';

/** What is set for one stream; what is undefined is as for all of them. */
export interface StreamOverride {
  /** Instead of PREBUFFER_SECONDS, milliseconds. */
  readonly prebufferMs: number | undefined;
  /** Instead of STANDBY. */
  readonly standby: StandbyWord | undefined;
  /** Instead of TIMESHIFT_SECONDS, milliseconds. */
  readonly timeshiftMs: number | undefined;
  /** Beside ENGINE_HEADERS; of the same name, this one. */
  readonly engineHeaders: Headers | undefined;
  /** Beside CLIENT_HEADERS; of the same name, this one. */
  readonly clientHeaders: Headers | undefined;
}

const HASH = /^[0-9a-f]{40}$/;
const PREBUFFER = duration({ min: 0, max: 600_000 });
const TIMESHIFT = duration({ min: 0, max: 7 * 24 * 3_600_000 });
const STANDBY: ValueType<StandbyWord> = choice(['off', 'warm', 'hot']);
const FIELDS = [
  'prebuffer_seconds',
  'standby',
  'timeshift_seconds',
  'engine_headers',
  'client_headers',
] as const;
type Field = (typeof FIELDS)[number];

/** Settings of single streams: a YAML map by id or infohash, or the same as JSON text. */
export function streamOverrides(): ValueType<ReadonlyMap<string, StreamOverride>> {
  const names = FIELDS.map((field) => `\`${field}\``).join(', ');
  return {
    description: `a YAML map from id or infohash to any of ${names}; in the environment the same as JSON`,
    example: `{"${'0123456789'.repeat(4)}":{"standby":"hot"}}`,
    schema: {
      anyOf: [
        { type: 'string' },
        {
          type: 'object',
          additionalProperties: {
            type: 'object',
            additionalProperties: false,
            properties: {
              prebuffer_seconds: PREBUFFER.schema,
              standby: STANDBY.schema,
              timeshift_seconds: TIMESHIFT.schema,
              engine_headers: { type: ['object', 'array', 'string'] },
              client_headers: { type: ['object', 'array', 'string'] },
            },
          },
        },
      ],
    },
    parse(raw) {
      const map = typeof raw === 'string' ? fromJson(raw) : raw;
      if (!isMap(map)) return refused('a map from id or infohash (40 hex digits) to settings of that stream');
      const overrides = new Map<string, StreamOverride>();
      for (const [name, fields] of Object.entries(map)) {
        const hash = name.toLowerCase();
        if (!HASH.test(hash))
          return refused(`a map by ids or infohashes of 40 hex digits; "${name}" is none`);
        if (overrides.has(hash)) return refused(`a map that has each stream once; ${hash} is there twice`);
        const override = readOverride(fields);
        if (!override.ok) return refused(`${override.problem}; see that of ${hash}`);
        overrides.set(hash, override.value);
      }
      return parsed(overrides);
    },
    print: (overrides) =>
      Object.fromEntries([...overrides].map(([hash, override]) => [hash, printOverride(override)])),
  };
}

function readOverride(raw: unknown): Parsed<StreamOverride> {
  if (!isMap(raw)) return refused(`settings with any of ${FIELDS.join(', ')}`);
  const unknown = Object.keys(raw).find((name) => !FIELDS.some((field) => field === name));
  if (unknown !== undefined)
    return refused(`settings with any of ${FIELDS.join(', ')}; "${unknown}" is none`);
  const problems: string[] = [];
  const read = <T>(field: Field, parse: (value: unknown) => Parsed<T>): T | undefined => {
    const value = raw[field];
    if (value === undefined || value === null) return undefined;
    const result = parse(value);
    if (result.ok) return result.value;
    problems.push(`settings whose ${field} is ${result.problem}`);
    return undefined;
  };
  const override: StreamOverride = {
    prebufferMs: read('prebuffer_seconds', (value) => PREBUFFER.parse(value)),
    standby: read('standby', (value) => STANDBY.parse(value === false ? 'off' : value)),
    timeshiftMs: read('timeshift_seconds', (value) => TIMESHIFT.parse(value)),
    engineHeaders: read('engine_headers', (value) => parseHeaders(value, TO_ENGINES.own)),
    clientHeaders: read('client_headers', (value) => parseHeaders(value, TO_CLIENTS.own)),
  };
  const [problem] = problems;
  return problem === undefined ? parsed(override) : refused(problem);
}

function printOverride(override: StreamOverride): PlainValue {
  const all: readonly (readonly [Field, PlainValue | undefined])[] = [
    [
      'prebuffer_seconds',
      override.prebufferMs === undefined ? undefined : PREBUFFER.print(override.prebufferMs),
    ],
    ['standby', override.standby],
    [
      'timeshift_seconds',
      override.timeshiftMs === undefined ? undefined : TIMESHIFT.print(override.timeshiftMs),
    ],
    ['engine_headers', override.engineHeaders],
    ['client_headers', override.clientHeaders],
  ];
  return Object.fromEntries(
    all.flatMap(([field, value]): [Field, PlainValue][] => (value === undefined ? [] : [[field, value]])),
  );
}

function isMap(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

function fromJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return shownValue(text);
  }
}
