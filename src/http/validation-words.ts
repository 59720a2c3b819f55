import type { FastifySchemaValidationError } from 'fastify/types/schema.js';

/**
 * What is wrong with a request, in one sentence that names what stands there and what may: `body/role must be one of viewer,
 * metrics`, `body/limits has no "streams_maxx"`.
 */
export function validationError(errors: FastifySchemaValidationError[], part: string): Error {
  const [first] = errors;
  return new Error(first ? wordsOf(first, errors, part) : `${part} is wrong`);
}

function wordsOf(
  error: FastifySchemaValidationError,
  all: readonly FastifySchemaValidationError[],
  part: string,
): string {
  const place = `${part}${error.instancePath}`;
  if (error.keyword === 'additionalProperties')
    return `${place} has no ${JSON.stringify(error.params['additionalProperty'])}`;
  // Each of the words that may stand there has been tried.
  const tried = all.filter(
    ({ instancePath, keyword }) => keyword === 'const' && instancePath === error.instancePath,
  );
  if (error.keyword === 'const' && tried.length > 0)
    return `${place} must be ${tried.length > 1 ? 'one of ' : ''}${tried.map(({ params }) => String(params['allowedValue'])).join(', ')}`;
  return `${place} ${error.message ?? 'is wrong'}`;
}
