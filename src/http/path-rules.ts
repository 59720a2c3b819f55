import type { FastifyInstance, HTTPMethods } from 'fastify';
import { AcemuxError } from '../base/reasons.ts';
import { pathOf } from './errors.ts';
import { securityHeadersFor } from './security-headers.ts';

/** Methods that a route of ours may have. */
const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * What holds for every path: replies are not guessed at nor framed by browsers, playing paths may be used from any web page and no
 * other path may, and a path or method that does not exist is refused before its body is read.
 */
export function installPathRules(app: FastifyInstance): void {
  const playPaths = new Set<string>();
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.area === 'play') playPaths.add(url);
  });

  // A callback, not a promise, as in the other hooks: each request goes through all of them.
  app.addHook('onRequest', (request, reply, done) => {
    const path = pathOf(request.url);
    reply.header('X-Content-Type-Options', 'nosniff');
    if (request.routeOptions.config.area === 'play' || playPaths.has(path)) {
      reply.header('Access-Control-Allow-Origin', '*');
    } else reply.headers(securityHeadersFor(path));
    if (!request.is404) {
      done();
      return;
    }
    const allowed = methodsOf(app, path);
    if (allowed.length === 0) throw new AcemuxError('not_found');
    reply.header('Allow', allowed.join(', '));
    throw new AcemuxError('method_not_allowed');
  });

  // Reached only through a route that found nothing, such as a file of the documentation.
  app.setNotFoundHandler(() => {
    throw new AcemuxError('not_found');
  });
}

/** The methods that a path may be asked with; none if there is nothing there. */
export function methodsOf(app: FastifyInstance, path: string): string[] {
  return METHODS.filter((method) => app.findRoute({ method, url: path }) !== null).map(String);
}
