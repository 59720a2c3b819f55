/** What a text or YAML value became, or why it could not. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** A value as YAML and JSON can hold it. */
export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [name: string]: PlainValue };

/** The part of JSON Schema (draft 2020-12) that the types of keys need. */
export type JsonSchema = { readonly [keyword: string]: PlainValue };

/**
 * One kind of value: how it is read from text (flag, environment) or YAML, and how it is written back.
 * Parsing never throws; a problem is the rest of a sentence that begins with "it must be".
 */
export interface ValueType<T> {
  /** For people, with the range where there is one: `integer, 0 to 65535`. */
  readonly description: string;
  readonly schema: JsonSchema;
  /** A value of this type for error messages, as it would be written in the environment. */
  readonly example: string;
  parse(raw: unknown): Parsed<T>;
  /** As it is written in YAML; parsing that gives `value` again. */
  print(value: T): PlainValue;
}

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refused<T>(problem: string): Parsed<T> {
  return { ok: false, problem };
}

/** Anything for a message: text as it is, the rest as JSON would write it. */
export function shownValue(raw: unknown): string {
  if (typeof raw === 'string') return raw;
  return (
    JSON.stringify(raw, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? typeof raw
  );
}
