import { Ajv, type ValidateFunction } from 'ajv';
import type { FastifySchemaCompiler } from 'fastify';

/** As fastify's own are, but that what a schema has no place for is refused: fastify drops it, and nobody learns that it was in vain. */
const OPTIONS = {
  coerceTypes: 'array',
  useDefaults: true,
  removeAdditional: false,
  addUsedSchema: false,
} as const;

/**
 * Makes of a schema what judges requests when the first of them comes. To make all of them takes a third of what a start of
 * acemux computes, and most routes are asked for by nobody for days.
 */
export function lateValidators(): FastifySchemaCompiler<object> {
  const ajv = new Ajv(OPTIONS);
  return ({ schema }) => {
    let validate: ValidateFunction | undefined;
    return (data: unknown) => {
      validate ??= ajv.compile(schema);
      const request = { data };
      const at = { instancePath: '', parentData: request, parentDataProperty: 'data', rootData: request };
      if (!validate(data, { ...at, dynamicAnchors: {} })) return { error: validate.errors ?? [] };
      // What was coerced as a whole stands there now.
      return request.data === data || { value: request.data };
    };
  };
}
