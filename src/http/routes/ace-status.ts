import type { FastifyInstance } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { Type } from '../../base/schema.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { publicUrlOf } from '../public-url.ts';
import { parseNames, queryOf } from '../stream-request.ts';

const OneSchema = Type.Object({
  clients: Type.Integer({ description: 'Who watches it now.' }),
  stream_id: Type.Object({}, { description: 'Always empty, as acexy prints it.' }),
  stat_url: Type.String({ description: 'Where acemux itself tells more about it.' }),
});
const AllSchema = Type.Object({ streams: Type.Integer({ description: 'Streams that are open now.' }) });

/**
 * `/ace/status` as acexy has it (reference 11.1): how many streams there are, or who watches one. It asks no engine:
 * health checks call it every few seconds.
 */
export function registerAceStatus(scope: FastifyInstance, { sessions }: Pick<HttpDeps, 'sessions'>): void {
  scope.get(
    '/ace/status',
    {
      config: { area: 'view' },
      schema: {
        tags: ['view'],
        summary: 'How many streams are open, or how many watch one',
        description: 'As in acexy: with an id or an infohash about one stream, with none or both about all.',
        querystring: Type.Object({
          id: Type.Optional(Type.String({ description: 'Content id, 40 hex digits.' })),
          infohash: Type.Optional(Type.String({ description: 'Infohash, 40 hex digits.' })),
        }),
        response: { 200: Type.Union([AllSchema, OneSchema]), 400: ErrorBodySchema, 404: ErrorBodySchema },
      },
      // The query is read by parseNames, from the URL itself: fastify's would merge and coerce.
      validatorCompiler: () => () => true,
    },
    async (request) => {
      const names = parseNames(queryOf(request)).filter(({ value }) => value !== '');
      const kinds = new Set(names.map(({ kind }) => kind));
      if (kinds.size !== 1) return { streams: sessions.list().filter(({ isActive }) => isActive).length };
      const [name, another] = names;
      if (!name || another) throw new AcemuxError('id_ambiguous');
      const session = sessions.find(name.hash());
      if (!session?.isActive) throw new AcemuxError('session_unknown', 'Stream not found');
      return {
        clients: session.clientCount,
        stream_id: {},
        stat_url: `${publicUrlOf(request)}/proxy/sessions/${session.streamId}`,
      };
    },
  );
}
