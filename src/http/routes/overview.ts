import type { FastifyInstance } from 'fastify';
import type { Static } from '../../base/schema.ts';
import { type OverviewDeps, OverviewSchema, overviewWords } from '../overview-words.ts';

/** `/overview`: what the panel shows live. `/events/stream?overview=true` tells it every two seconds. */
export function registerOverview(scope: FastifyInstance, deps: OverviewDeps): void {
  scope.get(
    '/overview',
    {
      config: { area: 'view' },
      schema: {
        tags: ['view'],
        summary: 'All streams and engines in numbers, as the panel shows them',
        response: { 200: OverviewSchema },
      },
    },
    async (): Promise<Static<typeof OverviewSchema>> => overviewWords(deps),
  );
}
