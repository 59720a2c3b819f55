import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import { type ClientAddress, clientAddressOf, isForwarded } from '../access/client-address.ts';
import { type AccessPolicy, decideAccess, isSameKey, presentedKeyOf } from '../access/guard.ts';
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
  /** Who is at the other end of a connection, where nobody asks for others. */
  readonly #peers = new WeakMap<object, ClientAddress>();
  readonly #callers = new WeakMap<FastifyRequest, Caller>();
  #hasWarned = false;

  /** @throws AcemuxError config_invalid if a trusted proxy is not an address */
  constructor({ policy, trustedProxies, log }: AccessControlOptions) {
    this.#policy = policy;
    this.#trustedProxies = parseAddressSet(trustedProxies);
    this.#log = log;
  }

  /** Where the request comes from, a trusted proxy in between not counted. */
  clientOf(request: FastifyRequest): ClientAddress {
    const { headers, socket } = request;
    const peer = socket.remoteAddress ?? '';
    if (!isForwarded(headers)) {
      // HLS viewers ask again and again on one connection.
      const known = this.#peers.get(socket) ?? clientAddressOf(peer, headers, this.#trustedProxies);
      this.#peers.set(socket, known);
      return known;
    }
    const client = clientAddressOf(peer, headers, this.#trustedProxies);
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

  /** Who asks, with the key that came with the request. */
  callerOf(request: FastifyRequest): Caller {
    const known = this.#callers.get(request);
    if (known) return known;
    const { address, isPrivate } = this.clientOf(request);
    const presented = presentedKeyOf(request.headers);
    const isAdmin = presented !== undefined && isSameKey(presented, this.#policy.key);
    const caller: Caller = {
      address,
      isPrivate,
      role: isAdmin ? 'admin' : 'guest',
      key: isAdmin ? { id: 'admin', name: 'admin', limits: undefined } : undefined,
      signed: undefined,
    };
    this.#callers.set(request, caller);
    return caller;
  }

  /** Asks for the decision before anything else happens to a request. Paths without a route need none. */
  install(app: FastifyInstance): void {
    app.addHook('onRequest', (request, _reply, done) => {
      if (request.is404) {
        done();
        return;
      }
      const { area } = request.routeOptions.config;
      const decision = decideAccess({
        // A route without an area cannot exist; if it did, it would be closed.
        area: area ?? 'admin',
        client: this.clientOf(request),
        presentedKey: presentedKeyOf(request.headers),
        policy: this.#policy,
      });
      if (decision === 'allow') done();
      else done(new AcemuxError(decision));
    });
  }
}
