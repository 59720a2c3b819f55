import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import type { HttpConfig } from './deps.ts';
import { ErrorBodySchema } from './errors.ts';

/** Where the documentation for people is. */
export const UI_PATH = '/docs';

/** What is not found here is refused before it is asked for: whoever looks or changes needs to be somebody. */
const CLOSED_AREAS: ReadonlySet<string | undefined> = new Set([
  'overview',
  'metrics',
  'view',
  'operate',
  'admin',
]);

/** Collects the routes that are added from now on into the OpenAPI document. */
export function installOpenapi(app: FastifyInstance, { version }: Pick<HttpConfig, 'version'>): void {
  app.addHook('onRoute', (route) => {
    if (!CLOSED_AREAS.has(route.config?.area)) return;
    const response = Object(route.schema?.response ?? { 200: { description: 'What was asked for' } });
    route.schema = { ...route.schema, response: { ...response, 401: ErrorBodySchema, 403: ErrorBodySchema } };
  });
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'acemux',
        version,
        description:
          'One address in front of many AceStream engines. Every path but the playing ones also answers under /api/v1. ' +
          'A refusal is JSON with a reason code; the codes are explained in docs/reasons.md.',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          token: { type: 'apiKey', in: 'query', name: 'token' },
        },
      },
      security: [{}, { bearer: [] }, { apiKey: [] }, { token: [] }],
      tags: [
        { name: 'play', description: 'Streams' },
        { name: 'view', description: 'What acemux is doing' },
        { name: 'admin', description: 'What changes something: with a key only' },
        { name: 'entry', description: 'Logging in and out' },
        { name: 'health', description: 'For supervisors' },
      ],
    },
  });
}
