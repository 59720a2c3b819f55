import type { FastifyInstance, FastifyRequest } from 'fastify';
import { limitsOf, type WrittenLimits, writtenLimitsOf } from '../../access/key-limits.ts';
import type { KeyRing, KnownKey } from '../../access/key-ring.ts';
import { ROLES, type Role } from '../../access/roles.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { EventDetails, EventSink } from '../../telemetry/events/event.ts';
import type { AccessControl } from '../access-control.ts';
import type { LimitsFace } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { LimitsSchema } from '../limits-schema.ts';
import { timeOf } from '../times.ts';

export interface KeysDeps {
  readonly keys: KeyRing;
  readonly access: AccessControl;
  readonly events: EventSink;
  readonly limits: Pick<LimitsFace, 'viewersOfKey'>;
}

const RoleSchema = Type.Union(
  ROLES.map((role) => Type.Literal(role)),
  { description: 'What it may do: docs/security.md has the table.' },
);
const KeySchema = Type.Object({
  id: Type.String({ description: 'Opaque; for DELETE /keys/{id} and for signed URLs.' }),
  name: Type.String(),
  role: Type.String(),
  origin: Type.String({ description: 'admin, configured or made (by API).' }),
  created_at: Type.OrNull(Type.String({ format: 'date-time' })),
  limits: LimitsSchema,
});
const ListedKeySchema = Type.Object({
  ...KeySchema.properties,
  viewer_count: Type.Integer({ description: 'Who watches by it now, or by what was signed on its account.' }),
});
const NewKeySchema = Type.Object({
  ...KeySchema.properties,
  key: Type.String({ description: 'The key itself: told here and never again.' }),
});
const WishSchema = Type.Object(
  {
    name: Type.String({
      pattern: '^[\\p{L}\\p{N}][\\p{L}\\p{N} ._-]{0,63}$',
      description: 'For people and logs: letters, digits, spaces and ._-',
    }),
    role: RoleSchema,
    limits: Type.Optional(LimitsSchema),
  },
  { additionalProperties: false },
);
type KeyChange = EventDetails<'access.key_made'>;

interface Wish {
  readonly name: string;
  readonly role: Role;
  readonly limits?: WrittenLimits;
}

/** `/keys`: which there are, a new one, one less. The key itself is told once, to whom had it made. */
export function registerKeys(
  scope: FastifyInstance,
  { access, events, keys, limits: counts }: KeysDeps,
): void {
  const config = { area: 'admin' } as const;
  const audited = (request: FastifyRequest, { id, name, role }: KnownKey): KeyChange => {
    const { address, key } = access.callerOf(request);
    return { name, id, role, by: key?.name, address };
  };

  scope.get(
    '/keys',
    {
      config,
      schema: {
        tags: ['admin'],
        summary: 'All keys, without the keys themselves',
        response: { 200: Type.Object({ keys: Type.Array(ListedKeySchema) }) },
      },
    },
    async () => ({
      keys: keys.list().map((known) => ({ ...keyWords(known), viewer_count: counts.viewersOfKey(known.id) })),
    }),
  );

  scope.post<{ Body: Wish }>(
    '/keys',
    {
      config,
      schema: {
        tags: ['admin'],
        summary: 'Makes a key; the reply is the only time that it is told',
        body: WishSchema,
        response: { 201: NewKeySchema, 400: ErrorBodySchema, 409: ErrorBodySchema },
      },
    },
    async (request, reply) => {
      const { limits, name, role } = request.body;
      const { key, known } = await keys.create({ name, role, limits: limitsOf(limits) });
      events.emit('access.key_made', audited(request, known), { request: request.id });
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({ ...keyWords(known), key });
    },
  );

  scope.delete<{ Params: { id: string } }>(
    '/keys/:id',
    {
      config,
      schema: {
        tags: ['admin'],
        summary: 'From now on a key is not accepted, nor what was signed or logged in with it',
        description:
          'Whoever watches by it, or by a URL that was signed on its account, is ended (`key_revoked`).',
        params: Type.Object({ id: Type.String() }),
        response: { 200: KeySchema, 404: ErrorBodySchema, 409: ErrorBodySchema },
      },
    },
    async (request) => {
      const known = await keys.remove(request.params.id);
      events.emit('access.key_removed', audited(request, known), { request: request.id });
      return keyWords(known);
    },
  );
}

function keyWords({ createdAtMs, id, limits, name, origin, role }: KnownKey): Static<typeof KeySchema> {
  return {
    id,
    name,
    role,
    origin,
    created_at: createdAtMs === undefined ? null : timeOf(createdAtMs),
    limits: { ...writtenLimitsOf(limits) },
  };
}
