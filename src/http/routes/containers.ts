import type { FastifyInstance } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { Type } from '../../base/schema.ts';
import type { EngineSnapshot } from '../../fleet/engine-record.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { ContainerSchema, containerWords } from '../fleet-words.ts';

const ContainerParams = Type.Object({
  id: Type.String({ description: 'The container’s id or name, or the engine’s id.' }),
});

/** `/containers/{id}`, `/by-label` and `/gc`: the containers that acemux made, and no others. */
export function registerContainers(
  scope: FastifyInstance,
  { fleetControl }: Pick<HttpDeps, 'fleetControl'>,
): void {
  const found = (name: string): EngineSnapshot => {
    const engine = fleetControl
      .engines()
      .find(({ container, id }) => id === name || container?.id === name || container?.name === name);
    if (!engine) throw new AcemuxError('engine_unknown', 'container not found');
    return engine;
  };

  scope.get<{ Params: { id: string } }>(
    '/containers/:id',
    {
      config: { area: 'view' },
      schema: {
        tags: ['view'],
        summary: 'One engine’s container',
        params: ContainerParams,
        response: { 200: ContainerSchema, 404: ErrorBodySchema },
      },
    },
    async ({ params }) => containerWords(found(params.id)),
  );

  scope.delete<{ Params: { id: string }; Querystring: { force?: boolean } }>(
    '/containers/:id',
    {
      config: { area: 'operate' },
      schema: {
        tags: ['admin'],
        summary: 'Drains an engine and removes it when it is empty; with force at once',
        params: ContainerParams,
        querystring: Type.Object({ force: Type.Optional(Type.Boolean()) }),
        response: {
          200: Type.Object({ deleted: Type.String() }),
          404: ErrorBodySchema,
          409: ErrorBodySchema,
        },
      },
    },
    async ({ params, query }) => {
      await fleetControl.remove(found(params.id).id, query.force === true);
      return { deleted: params.id };
    },
  );

  scope.get<{ Querystring: { key: string; value: string } }>(
    '/by-label',
    {
      // It shows labels of every kind; the orchestrator asks for its key, too.
      config: { area: 'operate' },
      schema: {
        tags: ['admin'],
        summary: 'Containers of engines that have a label',
        querystring: Type.Object({ key: Type.String(), value: Type.String() }),
        response: { 200: Type.Array(ContainerSchema), 400: ErrorBodySchema },
      },
    },
    async ({ query: { key, value } }) =>
      fleetControl
        .engines()
        .filter(({ labels }) => Object.hasOwn(labels, key) && labels[key] === value)
        .map(containerWords),
  );

  scope.post(
    '/gc',
    {
      config: { area: 'operate' },
      schema: {
        tags: ['admin'],
        summary: 'Looks for containers of acemux that nothing needs, and removes them',
        response: { 200: Type.Object({ status: Type.String() }) },
      },
    },
    async () => {
      await fleetControl.gc();
      return { status: 'ok' };
    },
  );
}
