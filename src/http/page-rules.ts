import type { FastifyInstance, FastifyRequest } from 'fastify';
import { decideWebAccess } from '../access/web-page.ts';
import { AcemuxError } from '../base/reasons.ts';
import { listedIn } from './public-url.ts';

/** Refuses what web pages of other hosts may not do, before anybody asks for a key. Paths without a route need none. */
export function installPageRules(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.is404) {
      done();
      return;
    }
    const decision = decideWebAccess({
      // A route without an area cannot exist; if it did, it would be closed.
      area: request.routeOptions.config.area ?? 'admin',
      method: request.method,
      hosts: () => hostsOf(request),
      headers: request.headers,
      publicUrl: app.publicUrlRules.publicUrl,
    });
    if (decision === 'allow') done();
    else done(new AcemuxError(decision));
  });
}

/** A proxy that passes a viewer's X-Forwarded-Host on gives pages two names to choose from: all of them count. */
function hostsOf({ headers, server, socket }: FastifyRequest): string[] {
  const isForwarded = server.publicUrlRules.trustedProxies.contains(socket.remoteAddress ?? '');
  return [...listedIn(headers.host), ...(isForwarded ? listedIn(headers['x-forwarded-host']) : [])];
}
