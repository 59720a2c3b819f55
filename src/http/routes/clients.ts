import type { FastifyInstance } from 'fastify';
import { type Static, Type } from '../../base/schema.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { ClientSchema, clientWords } from '../session-detail-words.ts';

type ClientsDeps = Pick<HttpDeps, 'sessionControl'>;

/** `/clients`: who watches which live stream, and how that goes; and disconnecting one. */
export function registerClients(scope: FastifyInstance, { sessionControl }: ClientsDeps): void {
  scope.get(
    '/clients',
    {
      config: { area: 'view' },
      schema: {
        tags: ['view'],
        summary: 'All viewers of live streams',
        response: { 200: Type.Array(ClientSchema) },
      },
    },
    async (): Promise<Static<typeof ClientSchema>[]> => sessionControl.viewers().map(clientWords),
  );

  scope.delete<{ Params: { id: string } }>(
    '/clients/:id',
    {
      config: { area: 'operate' },
      schema: {
        tags: ['admin'],
        summary: 'Disconnects one viewer; its stream goes on for others',
        description:
          'What keeps somebody out is the access rules: a player may just open the stream again. A playlist of HLS that was ' +
          'given to the viewer is refused from then on.',
        params: Type.Object({ id: Type.String({ description: 'As /clients tells it.' }) }),
        response: {
          200: Type.Object({ message: Type.String(), client_id: Type.String() }),
          404: ErrorBodySchema,
        },
      },
    },
    async ({ params: { id } }) => {
      sessionControl.kick(id);
      return { message: 'Client disconnected', client_id: id };
    },
  );
}
