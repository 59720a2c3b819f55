import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Area } from '../access/guard.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route. Every route declares it; one without it stops the server from being built. */
    area?: Area;
    /**
     * Whether a request's very address lets it pass: nobody knows it but whom acemux gave it, and it is good now. Players
     * add no key to the addresses that they find in a reply.
     */
    isUnguessable?: (request: FastifyRequest) => boolean;
  }
}

/** Routes that a plugin of others adds, which cannot declare an area: all below a path. */
export interface ForeignRoutes {
  readonly below: string;
  readonly area: Area;
}

/**
 * From now on, adding a route that declares no area throws. To be called before any route is added.
 */
export function requireAreas(app: FastifyInstance, foreign: readonly ForeignRoutes[]): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.area !== undefined) return;
    const owner = foreign.find(({ below }) => route.url === below || route.url.startsWith(`${below}/`));
    if (!owner)
      throw new Error(`The route ${String(route.method)} ${route.url} declares no area (src/http/areas.ts)`);
    route.config = { ...route.config, area: owner.area };
  });
}
