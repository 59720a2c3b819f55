import { Ajv, type ValidateFunction } from 'ajv';
import type { Schema } from './schema.ts';

/** Where a value is not as its schema says, as a JSON pointer (RFC 6901), and what is wrong there. */
export interface SchemaMismatch {
  readonly at: string;
  readonly message: string;
}

/** Says of values from outside whether they are as a schema says. */
export interface SchemaCheck<Value> {
  allows(value: unknown): value is Value;
  /** The first thing that is wrong with it; undefined if it is right. */
  mismatch(value: unknown): SchemaMismatch | undefined;
}

/** Compiles a schema when it is first asked, not before. Formats are not looked at. */
export function schemaCheck<Value>(schema: Schema<Value>): SchemaCheck<Value> {
  let compiled: ValidateFunction<Value> | undefined;
  const check = (): ValidateFunction<Value> => {
    compiled ??= new Ajv({ strict: false, validateFormats: false }).compile<Value>(schema);
    return compiled;
  };
  return {
    allows: (value): value is Value => check()(value),
    mismatch: (value) => {
      const validate = check();
      if (validate(value)) return undefined;
      const [first] = validate.errors ?? [];
      return { at: first?.instancePath ?? '', message: first?.message ?? 'is wrong' };
    },
  };
}
