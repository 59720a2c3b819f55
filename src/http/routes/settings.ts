import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from '../../base/schema.ts';
import type { Setting, SettingChange } from '../../config/settings.ts';
import type { PlainValue } from '../../config/value-type.ts';
import type { AccessControl } from '../access-control.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { timeOf } from '../times.ts';

type SettingsDeps = Pick<HttpDeps, 'settings'> & { readonly access: AccessControl };

const MASK = '********';
const AUDIT_DEFAULT = 100;
const AUDIT_MAX = 1_000;

const Value = Type.Unknown({ description: 'As YAML has it: `30s`, `64MiB`, a list, …; null: not set.' });

const SettingSchema = Type.Object({
  key: Type.String({ description: 'Its path in the file: `log.level`.' }),
  environment: Type.String({ description: 'Its variable: `LOG_LEVEL`.' }),
  value: Value,
  default: Value,
  type: Type.String({ description: 'What it may be, for people.' }),
  schema: Type.Unknown({ description: 'What it may be: JSON Schema.' }),
  documentation: Type.String(),
  origin: Type.String({ description: 'Where the value comes from: `environment LOG_LEVEL`, `default`, …' }),
  layer: Type.String({ description: 'The same in a word: flag, environment, setting, file or default.' }),
  is_locked: Type.Boolean({ description: 'A flag or the environment sets it: it can’t be changed here.' }),
  is_changeable: Type.Boolean({ description: 'PUT and DELETE are possible.' }),
  applies: Type.String({
    description:
      'now: a change applies at once; next: to streams and viewers that begin from then on; restart: it is read at start.',
  }),
  needs_restart: Type.Boolean({ description: 'It was changed in the file, and waits for a restart.' }),
  changed_at: Type.OrNull(Type.String({ format: 'date-time' })),
  changed_by: Type.OrNull(Type.String()),
});

const ChangeSchema = Type.Object({
  key: Type.String(),
  value: Value,
  previous: Value,
  changed_at: Type.String({ format: 'date-time' }),
  changed_by: Type.String(),
});

const Params = Type.Object({
  key: Type.String({ description: 'Its path in the file, or its variable: `log.level`, `log_level`.' }),
});
const REFUSALS = { 400: ErrorBodySchema, 404: ErrorBodySchema, 409: ErrorBodySchema };

/** `/settings`: the whole configuration as it is in force, and changing what may be changed while acemux runs. */
export function registerSettings(scope: FastifyInstance, { access, settings }: SettingsDeps): void {
  const config = { area: 'admin' } as const;
  const tags = ['admin'];
  const whoAsks = (request: FastifyRequest): string => {
    const { address, key } = access.callerOf(request);
    return `${key?.name ?? 'admin'} from ${address}`;
  };

  scope.get(
    '/settings',
    {
      config,
      schema: { tags, summary: 'Every setting', response: { 200: Type.Array(SettingSchema) } },
    },
    async (): Promise<Static<typeof SettingSchema>[]> => settings.list().map(settingWords),
  );

  scope.get<{ Querystring: { limit?: number } }>(
    '/settings/audit',
    {
      config,
      schema: {
        tags,
        summary: 'What was changed when and by whom, the newest first',
        querystring: Type.Object({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: AUDIT_MAX, default: AUDIT_DEFAULT })),
        }),
        response: { 200: Type.Array(ChangeSchema), '5xx': ErrorBodySchema },
      },
    },
    async ({ query }): Promise<Static<typeof ChangeSchema>[]> =>
      (await settings.changes(query.limit ?? AUDIT_DEFAULT)).map(changeWords),
  );

  scope.get<{ Params: { key: string } }>(
    '/settings/:key',
    {
      config,
      schema: { tags, summary: 'One setting', params: Params, response: { 200: SettingSchema, ...REFUSALS } },
    },
    async ({ params: { key } }): Promise<Static<typeof SettingSchema>> => settingWords(settings.get(key)),
  );

  scope.put<{ Params: { key: string }; Body: { value: unknown } }>(
    '/settings/:key',
    {
      config,
      schema: {
        tags,
        summary: 'Changes a setting, from now on and over restarts',
        params: Params,
        body: Type.Object({ value: Value }),
        response: { 200: SettingSchema, ...REFUSALS },
      },
    },
    async (request): Promise<Static<typeof SettingSchema>> =>
      settingWords(await settings.set(request.params.key, request.body.value, whoAsks(request))),
  );

  scope.delete<{ Params: { key: string } }>(
    '/settings/:key',
    {
      config,
      schema: {
        tags,
        summary: 'Takes a change back: the file, or the default, holds again',
        params: Params,
        response: { 200: SettingSchema, ...REFUSALS },
      },
    },
    async (request): Promise<Static<typeof SettingSchema>> =>
      settingWords(await settings.reset(request.params.key, whoAsks(request))),
  );
}

function settingWords(setting: Setting): Static<typeof SettingSchema> {
  const { change, declared, isLocked, isPending, origin, value } = setting;
  const { key, path } = declared;
  const plain = (of: unknown): PlainValue => (of === undefined ? null : key.type.print(of));
  const shown = plain(value);
  const isEmpty = shown === null || (Array.isArray(shown) && shown.length === 0);
  return {
    key: path,
    environment: key.environment,
    value: key.secret && !isEmpty ? MASK : shown,
    default: plain(key.default),
    type: key.type.description,
    schema: key.type.schema,
    documentation: key.doc,
    origin: origin.text,
    layer: origin.layer,
    is_locked: isLocked,
    is_changeable: !isLocked && key.applies !== 'restart' && !key.onlyInFile,
    applies: key.applies,
    needs_restart: isPending,
    changed_at: change ? timeOf(change.changedAtMs) : null,
    changed_by: change?.changedBy ?? null,
  };
}

function changeWords(change: SettingChange): Static<typeof ChangeSchema> {
  return {
    key: change.path,
    value: change.value ?? null,
    previous: change.previous ?? null,
    changed_at: timeOf(change.changedAtMs),
    changed_by: change.changedBy,
  };
}
