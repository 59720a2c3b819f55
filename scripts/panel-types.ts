/**
 * The types that the panel reads replies by, made of the OpenAPI document. (openapi-typescript makes them, too; it needs the
 * TypeScript compiler's API of version 5.)
 */

const INDENT = '  ';

/** @param document what /openapi.json answers */
export function panelTypes(document: unknown): string {
  const replies = entriesOf(field(document, 'paths'))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([path, methods]) =>
      entriesOf(methods).flatMap(([method, operation]) => {
        const content = field(field(field(operation, 'responses'), '200'), 'content');
        const schema = field(field(content, 'application/json'), 'schema');
        return schema === undefined ? [] : [[`${method.toUpperCase()} ${path}`, schema] as const];
      }),
    );
  const lines = replies.map(([name, schema]) => `${INDENT}'${name}': ${typeOf(schema, INDENT)};`);
  return `// Written by \`npm run docs\` from the OpenAPI document: change the schemas of the routes in src/http.
// biome-ignore-all lint: generated
// biome-ignore-all format: generated

/** What each request is answered with 200. */
export interface Replies {
${lines.join('\n')}
}
`;
}

function typeOf(schema: unknown, indent: string): string {
  const choices = field(schema, 'anyOf') ?? field(schema, 'oneOf');
  if (Array.isArray(choices)) {
    const types = new Set(choices.map((choice) => typeOf(choice, indent)));
    return [...types].join(' | ');
  }
  const constant = field(schema, 'const');
  if (constant !== undefined) return JSON.stringify(constant);
  const words = field(schema, 'enum');
  if (Array.isArray(words)) return words.map((word) => JSON.stringify(word)).join(' | ');
  switch (field(schema, 'type')) {
    case 'string':
    case 'boolean':
    case 'null':
      return String(field(schema, 'type'));
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `readonly (${typeOf(field(schema, 'items'), indent)})[]`;
    case 'object':
      return objectType(schema, indent);
    default:
      return 'unknown';
  }
}

function objectType(schema: unknown, indent: string): string {
  const properties = entriesOf(field(schema, 'properties'));
  if (properties.length === 0) {
    const patterns = entriesOf(field(schema, 'patternProperties')).map(([, value]) => value);
    const additional = patterns[0] ?? field(schema, 'additionalProperties');
    const value = typeof additional === 'object' ? typeOf(additional, indent) : 'unknown';
    return `{ readonly [name: string]: ${value} }`;
  }
  const required = field(schema, 'required');
  const inner = `${indent}${INDENT}`;
  const lines = properties.flatMap(([name, value]) => {
    const mark = Array.isArray(required) && required.includes(name) ? '' : '?';
    const description = field(value, 'description');
    const comment =
      typeof description === 'string' ? [`${inner}/** ${description.replaceAll('*/', '*\\/')} */`] : [];
    const key = /^[a-z_]\w*$/i.test(name) ? name : JSON.stringify(name);
    return [...comment, `${inner}readonly ${key}${mark}: ${typeOf(value, inner)};`];
  });
  return `{\n${lines.join('\n')}\n${indent}}`;
}

function field(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined;
}

function entriesOf(holder: unknown): [string, unknown][] {
  return typeof holder === 'object' && holder !== null ? Object.entries(holder) : [];
}
