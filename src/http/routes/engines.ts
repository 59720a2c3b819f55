import type { FastifyInstance } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { EngineSnapshot } from '../../fleet/engine-record.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import {
  ContainerStatsSchema,
  EngineStateSchema,
  engineWords,
  statsWords,
  TotalStatsSchema,
  totalStatsWords,
} from '../fleet-words.ts';
import { publicUrlOf } from '../public-url.ts';
import { parseName } from '../stream-request.ts';
import { StreamStateSchema, streamWords } from '../stream-words.ts';

type EnginesDeps = Pick<HttpDeps, 'fleetControl' | 'streams'>;

const EngineParams = Type.Object({ id: Type.String({ description: 'The engine’s id in /engines.' }) });
const UNKNOWN = { 404: ErrorBodySchema };
const DoneSchema = Type.Object({ id: Type.String(), state: Type.String({ description: 'As it is now.' }) });

/** What an operator does with one engine, besides removing it. */
interface EngineCommand {
  readonly name: string;
  readonly summary: string;
  readonly carryOut: (control: EnginesDeps['fleetControl'], id: string) => void;
  /** It may be refused for what the engine is. */
  readonly mayConflict?: boolean;
}

const COMMANDS: readonly EngineCommand[] = [
  {
    name: 'drain',
    summary: 'Gives an engine no new streams, and moves those it has',
    carryOut: (control, id) => void control.drain(id),
  },
  {
    name: 'undrain',
    summary: 'Gives an engine streams again that was drained by hand',
    carryOut: (control, id) => void control.undrain(id),
  },
  {
    name: 'restart',
    summary: 'Replaces an engine by a new one: first the new one, then its streams move, then it goes',
    carryOut: (control, id) => control.restart(id),
    mayConflict: true,
  },
];

/** `/engines`: how each engine is, what it carries and takes; and taking one out of use. */
export function registerEngines(scope: FastifyInstance, { fleetControl, streams }: EnginesDeps): void {
  const view = { area: 'view' } as const;
  const operate = { area: 'operate' } as const;

  const found = (id: string): EngineSnapshot => {
    const engine = fleetControl.engines().find((each) => each.id === id || each.container?.id === id);
    if (!engine) throw new AcemuxError('engine_unknown');
    return engine;
  };
  const streamsOn = (id: string) =>
    streams.list().filter(({ session }) => session.isActive && session.engine?.id === id);

  scope.get<{ Querystring: { explain?: string } }>(
    '/engines',
    {
      config: view,
      schema: {
        tags: ['view'],
        summary: 'All engines, by port',
        querystring: Type.Object({
          explain: Type.Optional(
            Type.String({
              description:
                'A stream’s id or infohash: each engine tells how it stands for this stream, and why.',
            }),
          ),
        }),
        response: { 200: Type.Array(EngineStateSchema), 400: ErrorBodySchema },
      },
    },
    async ({ query }): Promise<Static<typeof EngineStateSchema>[]> => {
      const { explain } = query;
      const hash =
        explain === undefined ? undefined : parseName(String(new URLSearchParams({ id: explain }))).hash;
      const explanations = new Map(
        hash === undefined ? [] : fleetControl.explain(hash).map((each) => [each.id, each]),
      );
      const playing = Map.groupBy(
        streams.list().filter(({ session }) => session.isActive),
        ({ session }) => session.engine?.id,
      );
      return fleetControl
        .engines()
        .toSorted((one, other) => one.port - other.port)
        .map((engine) =>
          engineWords(
            engine,
            (playing.get(engine.id) ?? []).map(({ session }) => session.sessionId),
            explanations.get(engine.id),
          ),
        );
    },
  );

  scope.get<{ Params: { id: string } }>(
    '/engines/:id',
    {
      config: view,
      schema: {
        tags: ['view'],
        summary: 'One engine, with its streams',
        params: EngineParams,
        response: {
          200: Type.Object({ engine: EngineStateSchema, streams: Type.Array(StreamStateSchema) }),
          ...UNKNOWN,
        },
      },
    },
    async (request) => {
      const engine = found(request.params.id);
      const playing = streamsOn(engine.id);
      const base = publicUrlOf(request);
      return {
        engine: engineWords(
          engine,
          playing.map(({ session }) => session.sessionId),
        ),
        streams: playing.map((record) => streamWords(record, base)),
      };
    },
  );

  scope.get(
    '/engines/stats/all',
    {
      config: view,
      schema: {
        tags: ['view'],
        summary: 'What each engine’s container takes, by engine',
        response: { 200: Type.Record(ContainerStatsSchema) },
      },
    },
    async () => {
      const all = await fleetControl.stats();
      return Object.fromEntries([...all].map(([id, stats]) => [id, statsWords(id, stats)]));
    },
  );

  scope.get(
    '/engines/stats/total',
    {
      config: view,
      schema: {
        tags: ['view'],
        summary: 'What all engines’ containers take together',
        response: { 200: TotalStatsSchema },
      },
    },
    async () => totalStatsWords((await fleetControl.stats()).values()),
  );

  scope.get<{ Params: { id: string } }>(
    '/engines/:id/stats',
    {
      config: view,
      schema: {
        tags: ['view'],
        summary: 'What one engine’s container takes',
        params: EngineParams,
        response: { 200: ContainerStatsSchema, ...UNKNOWN },
      },
    },
    async ({ params }) => {
      const { id } = found(params.id);
      const stats = (await fleetControl.stats([id])).get(id);
      if (!stats) throw new AcemuxError('engine_stats_unknown');
      return statsWords(id, stats);
    },
  );

  for (const { name, summary, carryOut, mayConflict } of COMMANDS) {
    scope.post<{ Params: { id: string } }>(
      `/engines/:id/${name}`,
      {
        config: operate,
        schema: {
          tags: ['admin'],
          summary,
          params: EngineParams,
          response: { 200: DoneSchema, ...UNKNOWN, ...(mayConflict && { 409: ErrorBodySchema }) },
        },
      },
      async ({ params }) => {
        const { id } = found(params.id);
        carryOut(fleetControl, id);
        return { id, state: found(id).state };
      },
    );
  }

  scope.delete<{ Params: { id: string }; Querystring: { force?: boolean } }>(
    '/engines/:id',
    {
      config: operate,
      schema: {
        tags: ['admin'],
        summary: 'Drains an engine and removes it when it is empty; with force at once',
        params: EngineParams,
        querystring: Type.Object({
          force: Type.Optional(
            Type.Boolean({ description: 'Whatever plays there is to go on elsewhere, if it can.' }),
          ),
        }),
        response: { 200: Type.Object({ deleted: Type.String() }), ...UNKNOWN, 409: ErrorBodySchema },
      },
    },
    async ({ params, query }) => {
      const { id } = found(params.id);
      await fleetControl.remove(id, query.force === true);
      return { deleted: id };
    },
  );
}
