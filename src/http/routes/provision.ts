import type { FastifyInstance } from 'fastify';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { EngineSnapshot } from '../../fleet/engine-record.ts';
import type { AccessControl } from '../access-control.ts';
import type { HttpDeps } from '../deps.ts';
import { type ErrorBody, ErrorBodySchema, installErrorHandler } from '../errors.ts';
import type { ProvisionWish } from '../fleet-deps.ts';

type ProvisionDeps = Pick<HttpDeps, 'fleetControl' | 'log' | 'metrics'> & { readonly access: AccessControl };

const LABELS_MAX = 32;
const LABEL_LENGTH_MAX = 256;
const SCALE_MAX = 1_000;
/** Labels that say what a container is: whoever asks for an engine may not say that. */
const OWN_LABELS = /^(?:acemux\.|acestream\.|host\.|com\.docker\.|manual$)/;

const Labels = Type.Optional(
  Type.Record(Type.String({ maxLength: LABEL_LENGTH_MAX }), {
    maxProperties: LABELS_MAX,
    description: 'Beside acemux’s own.',
  }),
);
const Nothing = Type.Optional(Type.Record(Type.Unknown(), { description: 'Must be empty.' }));

const ProvisionBody = Type.Object({
  image: Type.Optional(Type.String({ description: 'Of the configuration only.' })),
  env: Nothing,
  labels: Labels,
  ports: Nothing,
  name_prefix: Type.Optional(Type.String({ description: 'Ignored: names are of the configuration.' })),
});
type ProvisionBody = {
  readonly image?: string;
  readonly env?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: Readonly<Record<string, unknown>>;
  readonly mounts?: unknown;
  readonly volumes?: unknown;
};
const AcestreamBody = Type.Object({
  image: Type.Optional(Type.String({ description: 'Of the configuration only.' })),
  labels: Labels,
  env: Nothing,
  host_port: Type.Optional(Type.OrNull(Type.Integer({ minimum: 1, maximum: 65_535 }))),
});

/** The orchestrator's shape of a refusal: `detail` is an object there; what acemux says elsewhere stands beside it. */
const ProvisionErrorSchema = Type.Object({
  detail: Type.Union([
    Type.String(),
    Type.Object({
      error: Type.String({ description: 'provisioning_blocked or provisioning_failed.' }),
      code: Type.String({
        description: 'vpn_disconnected, circuit_breaker, max_capacity, vpn_error or general_error.',
      }),
      message: Type.String(),
      recovery_eta_seconds: Type.OrNull(Type.Number()),
      can_retry: Type.Boolean(),
      should_wait: Type.Boolean(),
    }),
  ]),
  code: Type.String({ description: 'The reason, one word of docs/reasons.md.' }),
  retry_after_seconds: Type.Optional(Type.Number()),
});
const REFUSED = { 400: ErrorBodySchema, '4xx': ProvisionErrorSchema, '5xx': ProvisionErrorSchema };

/** `/provision`, `/provision/acestream` and `/scale/{n}`: engines of the configured kind, and how many. */
export function registerProvision(scope: FastifyInstance, deps: ProvisionDeps): void {
  const { access, fleetControl } = deps;
  const config = { area: 'operate' } as const;
  installErrorHandler(
    scope,
    deps,
    (request) => access.clientOf(request).address,
    (body) => JSON.stringify(isOfProvisioning(body.code) ? provisionErrorOf(body) : body),
  );

  const provision = (body: ProvisionBody, hostPort?: number): Promise<EngineSnapshot> =>
    fleetControl.provision(wishIn(body, hostPort, fleetControl.facts.image));

  scope.post<{ Body: ProvisionBody }>(
    '/provision',
    {
      config,
      schema: {
        tags: ['admin'],
        summary: 'Makes one more engine of the configured kind',
        body: ProvisionBody,
        response: {
          200: Type.Object({ container_id: Type.String(), container_name: Type.String() }),
          ...REFUSED,
        },
      },
    },
    async ({ body }) => {
      const engine = await provision(body);
      return { container_id: engine.id, container_name: engine.container?.name ?? engine.name };
    },
  );

  scope.post<{ Body: ProvisionBody & { readonly host_port?: number | null } }>(
    '/provision/acestream',
    {
      config,
      schema: {
        tags: ['admin'],
        summary: 'Makes one more engine of the configured kind, and tells its ports',
        body: AcestreamBody,
        response: {
          200: Type.Object({
            container_id: Type.String(),
            container_name: Type.String(),
            host_http_port: Type.Integer(),
            container_http_port: Type.Integer(),
            container_https_port: Type.OrNull(Type.Integer()),
          }),
          ...REFUSED,
        },
      },
    },
    async ({ body }) => {
      const engine = await provision(body, body.host_port ?? undefined);
      const port = (label: string): number | undefined => {
        const value = Number(engine.labels[label]);
        return Number.isInteger(value) && value > 0 ? value : undefined;
      };
      return {
        container_id: engine.id,
        container_name: engine.container?.name ?? engine.name,
        host_http_port: port('host.http_port') ?? engine.port,
        container_http_port: port('acestream.http_port') ?? engine.port,
        container_https_port: port('acestream.https_port') ?? null,
      };
    },
  );

  scope.post<{ Params: { n: number } }>(
    '/scale/:n',
    {
      config,
      schema: {
        tags: ['admin'],
        summary: 'How many engines there are to be at least, until acemux is started anew',
        params: Type.Object({ n: Type.Integer({ minimum: 0, maximum: SCALE_MAX }) }),
        response: {
          200: Type.Object({
            scaled_to: Type.Integer({ description: 'Within the bounds of the configuration.' }),
            requested: Type.Integer(),
          }),
          ...REFUSED,
        },
      },
    },
    async ({ params: { n } }) => ({ scaled_to: fleetControl.scale(n), requested: n }),
  );
}

/** @throws AcemuxError image_not_allowed, bad_request */
function wishIn(body: ProvisionBody, hostPort: number | undefined, image: string | undefined): ProvisionWish {
  const { env = {}, labels = {}, ports = {} } = body;
  const asked = body.image ?? '';
  if (asked !== '' && asked !== image) throw new AcemuxError('image_not_allowed');
  const isForeign = Object.keys(env).length > 0 || Object.keys(ports).length > 0;
  if (isForeign || body.mounts !== undefined || body.volumes !== undefined) {
    throw new AcemuxError('image_not_allowed');
  }
  const own = Object.keys(labels).find((name) => OWN_LABELS.test(name) || name.length > LABEL_LENGTH_MAX);
  if (own !== undefined)
    throw new AcemuxError('bad_request', 'A label with this name is acemux’s own to give.');
  return { labels, ...(hostPort !== undefined && { hostPort }) };
}

/** The orchestrator's words for reasons why there is no engine. */
const ORCHESTRATOR_CODES: Readonly<Partial<Record<ReasonCode, string>>> = {
  vpn_down: 'vpn_disconnected',
  engine_creation_paused: 'circuit_breaker',
  max_replicas: 'max_capacity',
  host_memory: 'max_capacity',
};
/** What is wrong with the request itself, or with who sends it. */
const OF_THE_REQUEST: ReadonlySet<ReasonCode> = new Set([
  'image_not_allowed',
  'bad_request',
  'body_too_large',
  'key_required',
  'key_wrong',
  'host_not_allowed',
  'cross_site',
  'method_not_allowed',
  'not_found',
]);

function isOfProvisioning(code: ReasonCode): boolean {
  return !OF_THE_REQUEST.has(code);
}

export function orchestratorCodeOf(code: ReasonCode): string {
  return ORCHESTRATOR_CODES[code] ?? (code.startsWith('vpn_') ? 'vpn_error' : 'general_error');
}

function provisionErrorOf(body: ErrorBody): Static<typeof ProvisionErrorSchema> {
  const { code, detail, retry_after_seconds: seconds } = body;
  const isBlocked = seconds !== undefined || code in ORCHESTRATOR_CODES;
  return {
    detail: {
      error: isBlocked ? 'provisioning_blocked' : 'provisioning_failed',
      code: orchestratorCodeOf(code),
      message: detail,
      recovery_eta_seconds: seconds ?? null,
      can_retry: seconds !== undefined && code !== 'engine_creation_paused',
      should_wait: seconds !== undefined,
    },
    code,
    ...(seconds !== undefined && { retry_after_seconds: seconds }),
  };
}
