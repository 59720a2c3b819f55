import type { FastifyInstance } from 'fastify';

/** Headers by their names. */
export type Headers = Readonly<Record<string, string>>;

/** An id or infohash, wherever it stands in an address. */
const NAME = /(?<![0-9a-z])[0-9a-f]{40}(?![0-9a-z])/gi;

/**
 * Has replies of the playing paths carry the operator's headers (CLIENT_HEADERS). What acemux says itself is not among them, so
 * nothing is overwritten.
 * @param headersFor the headers for a stream, by the names that a request has for it; for no stream by none
 */
export function installClientHeaders(
  app: FastifyInstance,
  headersFor: (names: readonly string[]) => Headers,
): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.area === 'play' && request.method !== 'OPTIONS') {
      for (const [name, value] of Object.entries(headersFor(namesIn(request.url)))) {
        reply.raw.setHeader(name, value);
      }
    }
    done();
  });
}

/** What in an address may be the name of a stream, in lower case. */
export function namesIn(url: string): readonly string[] {
  return (url.match(NAME) ?? []).map((name) => name.toLowerCase());
}
