import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AREAS, type Area } from '../../access/guard.ts';
import type { KeyRing } from '../../access/key-ring.ts';
import type { LoginAttempts } from '../../access/login-attempts.ts';
import { LINK_MAX_MS, type LoginSessions, SESSION_MAX_MS } from '../../access/login-sessions.ts';
import { cookieOf, SESSION_COOKIE } from '../../access/presented.ts';
import type { Clock } from '../../base/clock.ts';
import { AcemuxError } from '../../base/reasons.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { Log } from '../../telemetry/log.ts';
import type { AccessControl } from '../access-control.ts';
import { ErrorBodySchema } from '../errors.ts';
import { publicUrlOf } from '../public-url.ts';
import { queryOf } from '../stream-request.ts';
import { timeOf } from '../times.ts';

export interface LoginDeps {
  readonly access: AccessControl;
  readonly attempts: LoginAttempts;
  readonly keys: Pick<KeyRing, 'find' | 'byId'>;
  readonly logins: LoginSessions;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly log: Log;
}

/** Where the panel is: people come here when they have logged in. */
export const PANEL_PATH = '/panel/';

const WhoamiSchema = Type.Object({
  role: Type.String({ description: 'admin, operator, viewer, metrics; guest without a key.' }),
  key: Type.OrNull(Type.Object({ id: Type.String(), name: Type.String() })),
  may: Type.Array(Type.String(), {
    description: `What may be done now, of ${Object.keys(AREAS).join(', ')}.`,
  }),
  address: Type.String({ description: 'Where acemux sees the request come from.' }),
});

/** Logging in and out with a cookie that is not the key, links that log in once, and `/whoami`. */
export function registerLogin(scope: FastifyInstance, deps: LoginDeps): void {
  const { access, attempts, clock, keys, log, logins } = deps;
  const config = { area: 'entry' } as const;

  const enter = (request: FastifyRequest, reply: FastifyReply, keyId: string, how: string): void => {
    const { address } = access.clientOf(request);
    log.info({ keyName: keys.byId(keyId)?.name, address, how, request: request.id }, 'logged in');
    reply.header('Set-Cookie', cookie(request, logins.open(keyId), SESSION_MAX_MS / 1000));
  };
  const refuse = (request: FastifyRequest, how: string): AcemuxError => {
    const { address } = access.clientOf(request);
    attempts.failed(address);
    log.warn({ address, how, reason: 'login_failed', request: request.id }, 'a login failed');
    return new AcemuxError('login_failed');
  };

  scope.post<{ Body: { readonly key: string } }>(
    '/login',
    {
      config,
      schema: {
        tags: ['entry'],
        summary: 'Logs a browser in with a key',
        description:
          'The cookie is a random session id, HttpOnly and SameSite=Strict; it lives for a week at most.',
        body: Type.Object({ key: Type.String({ minLength: 1, maxLength: 600 }) }),
        response: {
          200: Type.Object({ role: Type.String(), name: Type.String() }),
          403: ErrorBodySchema,
          429: ErrorBodySchema,
        },
      },
    },
    async (request, reply) => {
      attempts.check(access.clientOf(request).address);
      const known = keys.find(request.body.key);
      if (!known) throw refuse(request, 'key');
      enter(request, reply, known.id, 'key');
      return reply.header('Cache-Control', 'no-store').send({ role: known.role, name: known.name });
    },
  );

  scope.get(
    '/login',
    {
      config,
      // A look at the headers must not use a link up.
      exposeHeadRoute: false,
      schema: {
        tags: ['entry'],
        summary: 'Opens a link of `acemux login-link`, and leads to the panel',
        querystring: Type.Object({ link: Type.Optional(Type.String({ maxLength: 200 })) }),
        response: {
          303: Type.Null({ description: 'To the panel.' }),
          403: ErrorBodySchema,
          429: ErrorBodySchema,
        },
      },
      validatorCompiler: () => () => true,
    },
    async (request, reply) => {
      const link = new URLSearchParams(queryOf(request)).get('link');
      if (link !== null) {
        attempts.check(access.clientOf(request).address);
        const keyId = logins.redeem(link);
        if (keyId === undefined || !keys.byId(keyId)) throw refuse(request, 'link');
        enter(request, reply, keyId, 'link');
      }
      return reply.header('Cache-Control', 'no-store').redirect(`${publicUrlOf(request)}${PANEL_PATH}`, 303);
    },
  );

  scope.post(
    '/logout',
    {
      config,
      schema: {
        tags: ['entry'],
        summary: 'Ends the login of this browser',
        response: { 200: Type.Object({ message: Type.String() }) },
      },
    },
    async (request, reply) => {
      const session = cookieOf(request.headers.cookie, SESSION_COOKIE);
      if (session !== undefined) logins.close(session);
      return reply.header('Set-Cookie', cookie(request, '', 0)).send({ message: 'Logged out' });
    },
  );

  scope.get(
    '/whoami',
    {
      config,
      schema: {
        tags: ['entry'],
        summary: 'Who one is here, and what one may do',
        response: { 200: WhoamiSchema },
      },
    },
    async (request, reply): Promise<Static<typeof WhoamiSchema>> => {
      reply.header('Cache-Control', 'no-store');
      const { address, key, role } = access.callerOf(request);
      const areas = Object.keys(AREAS).filter((area): area is Area => area in AREAS);
      return {
        role,
        key: key ? { id: key.id, name: key.name } : null,
        may: areas.filter((area) => access.may(request, area)),
        address,
      };
    },
  );

  scope.post(
    '/login-links',
    {
      config: { area: 'admin' },
      schema: {
        tags: ['admin'],
        summary: 'Makes a link that logs one browser in as who asks, once, within ten minutes',
        response: {
          200: Type.Object({ url: Type.String(), expires_at: Type.String({ format: 'date-time' }) }),
        },
      },
    },
    async (request, reply) => {
      const { key } = access.callerOf(request);
      if (!key) throw new AcemuxError('key_required');
      const { address } = access.clientOf(request);
      log.info({ keyName: key.name, address, request: request.id }, 'login link made');
      return reply.header('Cache-Control', 'no-store').send({
        url: `${publicUrlOf(request)}/login?link=${logins.createLink(key.id)}`,
        expires_at: timeOf(clock.wallMs() + LINK_MAX_MS),
      });
    },
  );
}

/** `SameSite=Strict`: no page of another host makes a browser send it, whatever it asks for. */
function cookie(request: FastifyRequest, value: string, maxAgeSeconds: number): string {
  const secure = publicUrlOf(request).startsWith('https:') ? '; Secure' : '';
  return `${SESSION_COOKIE}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`;
}
