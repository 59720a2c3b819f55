import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { pathOf } from '../errors.ts';
import { UI_PATH } from '../openapi.ts';
import { publicUrlOf } from '../public-url.ts';

/** The page loads its own files only. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; " +
  "base-uri 'self'; frame-ancestors 'self'";

/** `/openapi.json`, and the same for people at `/docs`. */
export function registerOpenapi(scope: FastifyInstance): void {
  scope.get(
    '/openapi.json',
    { config: { area: 'overview' }, schema: { tags: ['view'], summary: 'This document' } },
    async (request) => ({ ...scope.swagger(), servers: [{ url: publicUrlOf(request) }] }),
  );
  scope.register(swaggerUi, {
    routePrefix: UI_PATH,
    transformSpecification: (document, request) => ({
      ...document,
      servers: [{ url: publicUrlOf(request) }],
    }),
    staticCSP: CONTENT_SECURITY_POLICY,
    uiHooks: {
      onRequest: async (request, reply) => {
        // Without the slash the page would name its files from the root, which is wrong behind a prefix.
        if (pathOf(request.url).endsWith(UI_PATH)) return reply.redirect('docs/');
        return undefined;
      },
    },
  });
}
