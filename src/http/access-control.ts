import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type ClientAddress, clientAddressOf } from '../access/client-address.ts';
import { type AccessPolicy, decideAccess, presentedKeyOf } from '../access/guard.ts';
import { type AddressSet, parseAddressSet } from '../access/ip-address.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';

export interface AccessControlOptions {
  readonly policy: AccessPolicy;
  readonly trustedProxies: readonly string[];
  readonly log: Log;
}

/** Lets a request pass or refuses it, by its route's area, its address and its key. */
export class AccessControl {
  readonly #policy: AccessPolicy;
  readonly #trustedProxies: AddressSet;
  readonly #log: Log;
  #hasWarned = false;

  /** @throws AcemuxError config_invalid if a trusted proxy is not an address */
  constructor({ policy, trustedProxies, log }: AccessControlOptions) {
    this.#policy = policy;
    this.#trustedProxies = parseAddressSet(trustedProxies);
    this.#log = log;
  }

  /** Where the request comes from, a trusted proxy in between not counted. */
  clientOf(request: FastifyRequest): ClientAddress {
    const peer = request.socket.remoteAddress ?? '';
    const client = clientAddressOf(peer, request.headers, this.#trustedProxies);
    if (client.isBehindUnknownProxy && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#log.warn(
        { proxy: client.address },
        'a reverse proxy that is not in TRUSTED_PROXIES asks for others: such requests count as public and need the ' +
          'key; add the address of the proxy to TRUSTED_PROXIES if it is yours (this is said once)',
      );
    }
    return client;
  }

  /** Asks for the decision before anything else happens to a request. Paths without a route need none. */
  install(app: FastifyInstance): void {
    app.addHook('onRequest', async (request) => {
      if (request.is404) return;
      const { area } = request.routeOptions.config;
      const decision = decideAccess({
        // A route without an area cannot exist; if it did, it would be closed.
        area: area ?? 'admin',
        client: this.clientOf(request),
        presentedKey: presentedKeyOf(request.headers),
        policy: this.#policy,
      });
      if (decision !== 'allow') throw new AcemuxError(decision);
    });
  }
}
