import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from '../../base/schema.ts';
import type { AccessControl } from '../access-control.ts';
import type { Consultations } from '../consultations.ts';
import type { HttpDeps } from '../deps.ts';
import {
  type EnvelopeForm,
  envelopeFormOf,
  parseMediaFilesRequest,
  parseMethod,
  parseSearchRequest,
  SERVICE_METHODS,
} from '../engine-call.ts';
import {
  envelopeOf,
  mediaFilesWords,
  refusalEnvelopeOf,
  searchWords,
  versionWords,
} from '../engine-envelope.ts';
import { ErrorBodySchema, installErrorHandler } from '../errors.ts';
import { registerPreflight } from '../preflight.ts';
import { pythonJson } from '../python-json.ts';
import { queryOf } from '../stream-request.ts';

type EngineApiDeps = Pick<HttpDeps, 'fleet' | 'log' | 'metrics' | 'config'> & {
  readonly consultations: Consultations;
  readonly access: AccessControl;
};

const JSON_TYPE = 'application/json; charset=utf-8';
const SEARCH_PATH = '/search';

const RESPONSES = {
  200: Type.Object({ result: Type.Unknown() }, { description: 'As an engine answers.' }),
  '4xx': ErrorBodySchema,
  '5xx': ErrorBodySchema,
};
const Text = (description: string) => Type.Optional(Type.String({ description }));
const ServiceQuery = Type.Object({
  method: Type.String({ description: `One of ${SERVICE_METHODS.join(', ')}.` }),
  api_version: Text('3, or the older shape of the answer if left out.'),
  content_id: Text('For get_media_files: content id, 40 hex digits; also as `id`.'),
  infohash: Text('For get_media_files: infohash, 40 hex digits.'),
  mode: Text('For get_media_files: brief (default) or full.'),
});
const SearchQuery = Type.Object({
  query: Text('What to look for.'),
  category: Text('Only of this category.'),
  page: Text('From 0.'),
  page_size: Text('1 to 200, default 10.'),
});

/**
 * The calls of a bare engine that programs make before they play (reference 2.7 to 2.9). acemux answers for itself,
 * except what a content is and which there are: that it asks a healthy engine, without opening anything there.
 */
export function registerEngineApi(scope: FastifyInstance, deps: EngineApiDeps): void {
  const { access, config, consultations, fleet } = deps;
  const own = versionWords(config.version);
  installErrorHandler(
    scope,
    deps,
    (request) => access.clientOf(request).address,
    (body, request) => pythonJson(refusalEnvelopeOf(formOf(request), body)),
  );

  const answerOf = async (request: FastifyRequest, form: EnvelopeForm): Promise<unknown> => {
    const query = queryOf(request);
    switch (parseMethod(query)) {
      case 'get_version':
        return own;
      case 'get_status':
        return { playlist_loaded: false, version: own };
      case 'get_network_connection_status':
        return { connected: fleet.readiness().healthy > 0 };
      case 'get_media_files': {
        const { isFull, name } = parseMediaFilesRequest(query);
        if (request.method === 'HEAD') return null; // A look at the headers is no reason to ask an engine.
        const content = await consultations.ask(request, (engine, signal) => engine.mediaFiles(name, signal));
        return mediaFilesWords(content, form, isFull);
      }
    }
  };

  const paths = [
    { url: '/webui/api/service', summary: 'The version, as an engine tells it' },
    { url: '/server/api', summary: 'State and contents, as an engine tells them' },
  ];
  for (const { url, summary } of paths) {
    scope.get(
      url,
      {
        config: { area: 'play' },
        schema: { tags: ['play'], summary, querystring: ServiceQuery, response: RESPONSES },
        // The query is read from the URL itself: fastify's would merge and coerce.
        validatorCompiler: () => () => true,
      },
      async (request, reply) => {
        const form = formOf(request);
        return send(reply, envelopeOf(form, await answerOf(request, form)));
      },
    );
    registerPreflight(scope, url);
  }

  scope.get(
    SEARCH_PATH,
    {
      config: { area: 'play' },
      schema: {
        tags: ['play'],
        summary: 'Search for channels, by one of the engines',
        querystring: SearchQuery,
        response: RESPONSES,
      },
      validatorCompiler: () => () => true,
    },
    async (request, reply) => {
      const search = parseSearchRequest(queryOf(request));
      if (request.method === 'HEAD') return send(reply, null);
      const found = await consultations.ask(request, (engine, signal) => engine.search(search, signal));
      return send(reply, { result: searchWords(found) });
    },
  );
  registerPreflight(scope, SEARCH_PATH);
}

function formOf(request: FastifyRequest): EnvelopeForm {
  // /webui/api/service knows only the older one (reference 2.7).
  return request.routeOptions.url === '/server/api' ? envelopeFormOf(queryOf(request)) : 'old';
}

function send(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.header('Content-Type', JSON_TYPE).header('Cache-Control', 'no-store').send(pythonJson(body));
}
