import type { FastifyInstance } from 'fastify';

const PREFLIGHT_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
  // The star does not cover Authorization (Fetch standard).
  'Access-Control-Allow-Headers': 'Authorization, *',
  'Access-Control-Max-Age': '86400',
} as const;

/** Lets the pages of any host ask a playing path with headers of their own, such as a key. */
export function registerPreflight(scope: FastifyInstance, url: string): void {
  scope.route({
    url,
    method: 'OPTIONS',
    // Browsers send no key with it, and it tells nothing.
    config: { area: 'open' },
    schema: { hide: true },
    handler: async (_request, reply) => reply.code(204).headers(PREFLIGHT_HEADERS).send(),
  });
}
