import type { FastifyInstance } from 'fastify';
import type { HttpDeps } from '../deps.ts';

/** `/metrics`, for Prometheus. */
export function registerMetrics(scope: FastifyInstance, { metrics }: Pick<HttpDeps, 'metrics'>): void {
  scope.get(
    '/metrics',
    {
      config: { area: 'metrics' },
      schema: {
        tags: ['view'],
        summary: 'Metrics in the text format of Prometheus',
        description: 'docs/metrics.md explains each of them.',
      },
    },
    async (_request, reply) => reply.header('Content-Type', metrics.contentType).send(await metrics.render()),
  );
}
