import type { FastifyInstance } from 'fastify';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import { Type } from '../../base/schema.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';

type HealthDeps = Pick<HttpDeps, 'fleet' | 'lifecycle' | 'sessions'>;

export const LIVE_PATHS = ['/health/live', '/livez', '/health'] as const;
export const READY_PATHS = ['/health/ready', '/readyz'] as const;

const StatusSchema = Type.Object({ status: Type.String() });

/** `/health/live` and `/health/ready` with their aliases: yes or no, for supervisors, without a key. */
export function registerHealth(scope: FastifyInstance, deps: HealthDeps): void {
  for (const path of LIVE_PATHS) {
    scope.get(
      path,
      {
        config: { area: 'open' },
        schema: {
          tags: ['health'],
          summary: 'Whether the process turns',
          response: { 200: StatusSchema },
        },
      },
      async () => ({ status: 'live' }),
    );
  }
  for (const path of READY_PATHS) {
    scope.get(
      path,
      {
        config: { area: 'open' },
        schema: {
          tags: ['health'],
          summary: 'Whether viewers should be sent here',
          description: 'Being full is not being unready.',
          response: { 200: StatusSchema, 503: ErrorBodySchema },
        },
      },
      async () => {
        const obstacle = obstacleOf(deps);
        if (obstacle) throw new AcemuxError(obstacle);
        return { status: 'ready' };
      },
    );
  }
}

/** Why no viewer should be sent here now; undefined if some may. */
function obstacleOf({ fleet, lifecycle, sessions }: HealthDeps): ReasonCode | undefined {
  if (lifecycle.phase !== 'ready') return lifecycle.phase;
  const { configured, healthy } = fleet.readiness();
  if (!configured) return 'no_engines_configured';
  if (healthy > 0) return undefined;
  const somethingPlays = sessions.list().some(({ state }) => state === 'playing');
  return somethingPlays ? undefined : 'no_engine_available';
}
