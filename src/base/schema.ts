/** Of which type a value is that a schema allows; there is no such field in it. */
declare const VALUE: unique symbol;
declare const OPTIONAL: unique symbol;
/** Marks, invisible for whatever reads the schema as JSON, what an object may go without. */
const MAY_BE_MISSING = Symbol('may be missing');

/** A JSON Schema (2020-12 as far as it is used) from which the type of what it allows can be had: `Static`. */
export interface Schema<Value> {
  readonly [VALUE]?: Value;
  readonly [keyword: string]: unknown;
}

export type AnySchema = Schema<unknown>;

export interface OptionalSchema<Value> extends Schema<Value> {
  readonly [OPTIONAL]?: true;
}

export interface ObjectSchema<Fields extends Properties> extends Schema<ObjectValue<Fields>> {
  readonly properties: Fields;
}

/** The type of what a schema allows. */
export type Static<Of extends AnySchema> = Of extends Schema<infer Value> ? Value : never;

type Properties = Readonly<Record<string, AnySchema>>;
type OptionalNames<Fields extends Properties> = {
  [Name in keyof Fields]: typeof OPTIONAL extends keyof Fields[Name] ? Name : never;
}[keyof Fields];
type Flat<Of> = { [Name in keyof Of]: Of[Name] };
type ObjectValue<Fields extends Properties> = Flat<
  { -readonly [Name in Exclude<keyof Fields, OptionalNames<Fields>>]: Static<Fields[Name]> } & {
    -readonly [Name in OptionalNames<Fields>]?: Static<Fields[Name]>;
  }
>;
type Keywords = Readonly<Record<string, unknown>>;
type ValueOfAny<Options extends readonly AnySchema[]> = Static<Options[number]>;
type TupleValue<Items extends readonly AnySchema[]> = {
  -readonly [Index in keyof Items]: Static<Items[Index]>;
};

/**
 * Writes JSON Schemas, with the types of what they allow. No library does: the one that did cost 680 modules, 13 MB and 0.3 s of
 * each start to put these few objects together (docs/decisions.md, "The process").
 */
export const Type = {
  String: (keywords?: Keywords): Schema<string> => ({ type: 'string', ...keywords }),
  Number: (keywords?: Keywords): Schema<number> => ({ type: 'number', ...keywords }),
  Integer: (keywords?: Keywords): Schema<number> => ({ type: 'integer', ...keywords }),
  Boolean: (keywords?: Keywords): Schema<boolean> => ({ type: 'boolean', ...keywords }),
  Null: (keywords?: Keywords): Schema<null> => ({ type: 'null', ...keywords }),
  Unknown: (keywords?: Keywords): Schema<unknown> => ({ ...keywords }),
  Literal: <const Value extends string | number | boolean>(
    value: Value,
    keywords?: Keywords,
  ): Schema<Value> => ({
    type: typeof value,
    const: value,
    ...keywords,
  }),
  Enum: <const Value extends string>(values: readonly Value[], keywords?: Keywords): Schema<Value> => ({
    enum: [...values],
    ...keywords,
  }),
  Array: <Of extends AnySchema>(items: Of, keywords?: Keywords): Schema<Static<Of>[]> => ({
    type: 'array',
    items,
    ...keywords,
  }),
  Tuple: <const Items extends readonly AnySchema[]>(items: Items): Schema<TupleValue<Items>> => ({
    type: 'array',
    additionalItems: false,
    items,
    minItems: items.length,
  }),
  Union: <const Options extends readonly AnySchema[]>(
    anyOf: Options,
    keywords?: Keywords,
  ): Schema<ValueOfAny<Options>> => ({ anyOf, ...keywords }),
  /** What the schema allows, or null. */
  OrNull: <Value>(schema: Schema<Value>): Schema<Value | null> => ({ anyOf: [schema, Type.Null()] }),
  /** An object with any number of fields that are all of one kind. */
  Record: <Of extends AnySchema>(values: Of, keywords?: Keywords): Schema<Record<string, Static<Of>>> => ({
    type: 'object',
    patternProperties: { '^.*$': values },
    ...keywords,
  }),
  /** All its fields are required but for those that are `Optional`. */
  Object: <Fields extends Properties>(properties: Fields, keywords?: Keywords): ObjectSchema<Fields> => {
    const required = Object.keys(properties).filter((name) => !(MAY_BE_MISSING in properties[name]!));
    return { type: 'object', ...(required.length > 0 && { required }), properties, ...keywords };
  },
  /** An object's field that need not be there. */
  Optional: <Value>(schema: Schema<Value>): OptionalSchema<Value> => {
    const optional: OptionalSchema<Value> = { ...schema };
    return Object.defineProperty(optional, MAY_BE_MISSING, { value: true });
  },
};
