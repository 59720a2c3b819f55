import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AddressLists } from '../access/address-lists.ts';
import type { Caller, CallerKey } from '../access/caller.ts';
import { type ClientAddress, clientAddressOf, isForwarded } from '../access/client-address.ts';
import {
  type AccessDecision,
  type AccessPolicy,
  AREAS,
  type Area,
  type Credential,
  decideAccess,
  type SignedProblem,
} from '../access/guard.ts';
import { type AddressSet, parseAddressSet } from '../access/ip-address.ts';
import type { KeyRing, KnownKey } from '../access/key-ring.ts';
import type { LoginAttempts } from '../access/login-attempts.ts';
import type { LoginSessions } from '../access/login-sessions.ts';
import { presentedBy } from '../access/presented.ts';
import type { Role } from '../access/roles.ts';
import { type Grant, looksSigned, type TokenSigner } from '../access/signed-token.ts';
import type { Clock } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Log } from '../telemetry/log.ts';
import { parseNames, queryOf } from './stream-request.ts';

/** For so long a player may come back with the address of a playlist that was made for a key. */
const PASS_MS = 24 * 3_600_000;

/** What decides who may do what. */
export interface AccessParts {
  readonly policy: AccessPolicy;
  readonly lists: AddressLists;
  readonly keys: KeyRing;
  readonly signer: TokenSigner;
  readonly logins: LoginSessions;
}

export interface AccessControlOptions extends AccessParts {
  readonly trustedProxies: readonly string[];
  readonly attempts: LoginAttempts;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly log: Log;
}

/** What is known of a request. */
interface Identity {
  readonly client: ClientAddress;
  readonly caller: Caller;
  readonly credential: Credential;
  /** What it came with, if that is a signed token which lets it pass. */
  readonly pass: { readonly token: string; readonly grant: Grant } | undefined;
}

/** Finds out who asks, and lets each request pass or refuses it by its route's area (`AREAS`). */
export class AccessControl {
  readonly #options: AccessControlOptions;
  readonly #trustedProxies: AddressSet;
  /** Who is at the other end of a connection, where nobody asks for others. */
  readonly #peers = new WeakMap<object, ClientAddress>();
  readonly #identities = new WeakMap<FastifyRequest, Identity>();
  #hasWarned = false;

  /** @throws AcemuxError config_invalid if a trusted proxy is not an address */
  constructor(options: AccessControlOptions) {
    this.#options = options;
    this.#trustedProxies = parseAddressSet(options.trustedProxies);
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
      this.#options.log.warn(
        { proxy: client.address },
        'a reverse proxy that is not in TRUSTED_PROXIES asks for others: such requests count as public and need the ' +
          'key; add the address of the proxy to TRUSTED_PROXIES if it is yours (this is said once)',
      );
    }
    return client;
  }

  /** Who asks. A key that is wrong, and a signed URL that is over, make nobody more than a guest. */
  callerOf(request: FastifyRequest): Caller {
    return this.#identityOf(request).caller;
  }

  /** Whether who asks here might ask for something of another area, too. */
  may(request: FastifyRequest, area: Area): boolean {
    return this.#decide(request, area, false) === 'allow';
  }

  /**
   * What an address that this request is answered with needs as `token`, so that a player that knows nothing else may play
   * by it: the signed token that the request itself came with, or one on the account of its key. Undefined where it came
   * with neither.
   * @param stream the 40 hex digits by which that address names the stream of this request
   */
  passFor(request: FastifyRequest, stream: string): string | undefined {
    const { caller, pass } = this.#identityOf(request);
    if (pass) {
      const { grant, token } = pass;
      const isSameName = grant.stream === undefined || grant.stream === stream;
      return isSameName ? token : this.#options.signer.sign({ ...grant, stream });
    }
    if (!caller.key || !mayPlay(caller.role)) return undefined;
    const { clock, signer } = this.#options;
    return signer.sign({
      expiresAtMs: clock.wallMs() + PASS_MS,
      stream,
      address: undefined,
      keyId: caller.key.id,
      limits: undefined,
    });
  }

  /** Asks for the decision before anything else happens to a request. Paths without a route need none. */
  install(app: FastifyInstance): void {
    app.addHook('onRequest', (request, _reply, done) => {
      if (request.is404) {
        done();
        return;
      }
      const { area, isUnguessable } = request.routeOptions.config;
      // A route without an area cannot exist; if it did, it would be closed.
      const decision = this.#decide(request, area ?? 'admin', isUnguessable?.(request) ?? false);
      if (decision === 'allow') done();
      else done(this.#refusal(decision, request));
    });
  }

  #decide(request: FastifyRequest, area: Area, isUnguessable: boolean): AccessDecision {
    const { lists, policy } = this.#options;
    const { client, credential } = this.#identityOf(request);
    return decideAccess({ area, client, credential, isUnguessable, policy, lists });
  }

  #refusal(decision: Exclude<AccessDecision, 'allow'>, request: FastifyRequest): AcemuxError {
    const { caller, client } = this.#identityOf(request);
    if (decision === 'proxy_not_trusted') {
      return new AcemuxError(
        decision,
        `The request came through ${client.address}, which is not in TRUSTED_PROXIES, so nobody knows whom it came from. ` +
          `If that is your reverse proxy, add ${client.address} to TRUSTED_PROXIES; else use a key.`,
      );
    }
    if (decision === 'too_many_wrong_keys') {
      const retryAfterSeconds = Math.max(1, this.#options.attempts.waitSeconds(client.address));
      return new AcemuxError(decision, undefined, { retryAfterSeconds });
    }
    if (decision === 'role_not_enough' && caller.key) {
      const { name } = caller.key;
      return new AcemuxError(
        decision,
        `The key "${name}" has the role ${caller.role}, which may not do this (docs/security.md has the table).`,
      );
    }
    return new AcemuxError(decision);
  }

  #identityOf(request: FastifyRequest): Identity {
    const known = this.#identities.get(request);
    if (known) return known;
    const identity = this.#identify(request);
    this.#identities.set(request, identity);
    return identity;
  }

  #identify(request: FastifyRequest): Identity {
    const { keys, logins } = this.#options;
    const client = this.clientOf(request);
    const presented = presentedBy(request);
    switch (presented.kind) {
      case 'nothing':
        return guest(client, { kind: 'none' });
      case 'token':
        if (looksSigned(presented.text)) return this.#identifySigned(request, client, presented.text);
        return this.#identifyKey(client, presented.text);
      case 'session': {
        const keyId = logins.find(presented.text);
        // A login that is over is as good as none: the browser still sends its cookie.
        if (keyId === undefined) return guest(client, { kind: 'none' });
        return byKey(client, keys.byId(keyId));
      }
    }
  }

  /** Every one is compared, so that the time that it takes tells nothing of an address that is to wait. */
  #identifyKey(client: ClientAddress, text: string): Identity {
    const { attempts, keys } = this.#options;
    const key = keys.find(text);
    if (!attempts.mayUse(client.address, key?.id)) return guest(client, { kind: 'unexamined' });
    if (key) attempts.keyWasRight(client.address, key.id);
    else attempts.keyWasWrong(client.address, text);
    return byKey(client, key);
  }

  #identifySigned(request: FastifyRequest, client: ClientAddress, token: string): Identity {
    const read = this.#options.signer.read(token);
    if (!read.ok) return guest(client, { kind: 'signed', problem: 'signed_url_wrong' });
    const { grant, id } = read;
    const key = grant.keyId === undefined ? undefined : this.#options.keys.byId(grant.keyId);
    const problem = this.#problemOf(grant, key, request, client);
    if (problem !== undefined) return guest(client, { kind: 'signed', problem });
    const { expiresAtMs, limits, stream } = grant;
    const signed = { expiresAtMs, stream, limits, id };
    const caller: Caller = { ...addressOf(client), role: 'viewer', key: key && callerKeyOf(key), signed };
    return { client, caller, credential: { kind: 'signed', problem: undefined }, pass: { token, grant } };
  }

  #problemOf(
    { address, expiresAtMs, keyId, stream }: Grant,
    key: KnownKey | undefined,
    request: FastifyRequest,
    client: ClientAddress,
  ): SignedProblem | undefined {
    if (keyId !== undefined && !(key && mayPlay(key.role))) return 'signed_url_wrong';
    if (this.#options.clock.wallMs() >= expiresAtMs) return 'signed_url_expired';
    if (stream !== undefined && !asksFor(request, stream)) return 'signed_url_elsewhere';
    if (address === undefined) return undefined;
    // Behind a proxy that is not trusted it is the proxy's address.
    const isThere = !client.isBehindUnknownProxy && parseAddressSet([address]).contains(client.address);
    return isThere ? undefined : 'signed_url_elsewhere';
  }
}

function guest(client: ClientAddress, credential: Credential): Identity {
  const caller: Caller = { ...addressOf(client), role: 'guest', key: undefined, signed: undefined };
  return { client, caller, credential, pass: undefined };
}

function byKey(client: ClientAddress, key: KnownKey | undefined): Identity {
  if (!key) return guest(client, { kind: 'wrong' });
  const { role } = key;
  const caller: Caller = { ...addressOf(client), role, key: callerKeyOf(key), signed: undefined };
  return { client, caller, credential: { kind: 'key', role }, pass: undefined };
}

function addressOf({ address, isPrivate }: ClientAddress): Pick<Caller, 'address' | 'isPrivate'> {
  return { address, isPrivate };
}

function callerKeyOf({ id, limits, name }: KnownKey): CallerKey {
  return { id, name, limits };
}

function mayPlay(role: Role | 'guest'): boolean {
  return AREAS.play.roles.some((each) => each === role);
}

/** Whether a request names this stream and no other. */
function asksFor(request: FastifyRequest, stream: string): boolean {
  const [name, another] = parseNames(queryOf(request));
  if (!name || another) return false;
  try {
    return name.hash() === stream;
  } catch {
    return false; // What it names is no stream; its route will say so, if it gets there.
  }
}
