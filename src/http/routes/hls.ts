import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { Type } from '../../base/schema.ts';
import { PLAYLIST_TYPE } from '../../output/hls/playlists.ts';
import { SEGMENT_HEADERS } from '../../output/hls/segment-reply.ts';
import { startHeaders } from '../../output/ts/response-headers.ts';
import type { ViewerInfo } from '../../session/attachment.ts';
import type { AccessControl } from '../access-control.ts';
import type { Headers } from '../client-headers.ts';
import type { HttpDeps, PlaylistFace } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { registerPreflight } from '../preflight.ts';
import { PASSED_PARAMETERS, parseStreamRequest, queryOf } from '../stream-request.ts';
import { ViewerAddresses } from '../viewer-addresses.ts';
import { loggedViewer, viewerInfoOf } from '../viewer-info.ts';
import { parseWish } from '../viewer-wish.ts';

type HlsDeps = Pick<HttpDeps, 'clientHeaders' | 'hls' | 'lifecycle' | 'limits' | 'log'> & {
  readonly access: AccessControl;
};

const MANIFEST_PATH = '/ace/manifest.m3u8';
const VIEWER_PATH = '/ace/hls/viewers/:viewer/index.m3u8';
const SEGMENT_PATH = '/ace/hls/streams/:stream/:segment';
/** From one kind of playlist to the next, relative: a proxy may have put a path before all of them. */
const VIEWERS_FROM_MANIFEST = 'hls/viewers';
const STREAMS_FROM_VIEWER = '../../streams';

const SEGMENT_NAME = /^(\d{1,15})\.ts$/;

const PLAYLIST_HEADERS = {
  'Content-Type': PLAYLIST_TYPE,
  'Cache-Control': 'no-store',
  Vary: 'Accept-Encoding',
} as const;

const QuerySchema = Type.Object({
  id: Type.Optional(Type.String({ description: 'Content id, 40 hex digits; may be an acestream:// link.' })),
  content_id: Type.Optional(Type.String({ description: 'The same as id.' })),
  infohash: Type.Optional(Type.String({ description: 'Infohash, 40 hex digits.' })),
  start: Type.Optional(
    Type.String({
      description:
        'Where players begin: seconds before live, as -600, or an ISO 8601 time with its zone. The playlist has it as ' +
        'EXT-X-START. What is not kept is clamped; the manifest’s X-Acemux-Start says where it begins.',
    }),
  ),
  end: Type.Optional(
    Type.String({
      description:
        'With start: where to end, in the same two forms. The playlist is then a finished excerpt of what is on disk, and no ' +
        'engine is asked.',
    }),
  ),
  ...Object.fromEntries(
    PASSED_PARAMETERS.map((name) => [
      name,
      Type.Optional(Type.String({ maxLength: 64, description: 'Passed on to the engine.' })),
    ]),
  ),
});

const PLAYLIST_RESPONSE = {
  200: {
    description: 'A playlist',
    headers: {
      'X-Acemux-Start': Type.String({
        description:
          'Of the manifest, with start: when that was live where it begins, ISO 8601; with `; clamped` behind it where that is ' +
          'not what was asked for.',
      }),
    },
    content: { [PLAYLIST_TYPE]: { schema: Type.String() } },
  },
  '4xx': ErrorBodySchema,
  '5xx': ErrorBodySchema,
};

interface ViewerParams {
  viewer: string;
}

interface SegmentParams {
  stream: string;
  segment: string;
}

/** HLS: the playlist that players are given, the one of each viewer that it leads to, and the segments of a stream. */
export function registerHls(scope: FastifyInstance, deps: HlsDeps): void {
  registerManifest(scope, deps);
  registerViewer(scope, deps);
  registerSegments(scope, deps);
}

function registerManifest(scope: FastifyInstance, deps: HlsDeps): void {
  const schema = {
    tags: ['play'],
    summary: 'Play a stream as HLS',
    description:
      'Exactly one of id, content_id and infohash. A multivariant playlist that leads to a media playlist of the ' +
      'viewer’s own; answered as soon as there is a segment. All addresses are relative. With time-shift the media playlist ' +
      'reaches back as far as that; with start and end it is an excerpt that has an end.',
    querystring: QuerySchema,
    response: PLAYLIST_RESPONSE,
  };
  // The query is read by parseStreamRequest, from the URL itself: fastify's would merge and coerce.
  const route = { url: MANIFEST_PATH, validatorCompiler: () => () => true, exposeHeadRoute: false };
  scope.route({
    ...route,
    method: 'GET',
    schema,
    config: { area: 'play' },
    handler: async (request, reply) => {
      reply.header('Cache-Control', 'no-store'); // Also of a refusal.
      const query = queryOf(request);
      const selector = parseStreamRequest(query);
      const wish = parseWish(query);
      if (deps.lifecycle.phase !== 'ready') throw new AcemuxError(deps.lifecycle.phase);
      return answer(deps, request, reply, (viewer, signal) =>
        deps.hls.multivariantPlaylist(
          selector,
          { ...viewer, ...(wish && { wish }) },
          VIEWERS_FROM_MANIFEST,
          signal,
          deps.access.passFor(request, selector.hash),
        ),
      );
    },
  });
  scope.route({
    ...route,
    method: 'HEAD',
    schema: { hide: true },
    config: { area: 'play' },
    handler: async (request, reply) => {
      const query = queryOf(request);
      parseStreamRequest(query);
      parseWish(query);
      return reply.headers(PLAYLIST_HEADERS).send();
    },
  });
  registerPreflight(scope, MANIFEST_PATH);
}

function registerViewer(scope: FastifyInstance, deps: HlsDeps): void {
  // Who watches goes on to the end, also when the URL that it began with is over.
  const isUnguessable = ({ params }: FastifyRequest): boolean =>
    deps.hls.isWatching(String(Object(params).viewer));
  const config = { area: 'play', isUnguessable } as const;
  const route = { url: VIEWER_PATH, validatorCompiler: () => () => true, exposeHeadRoute: false };
  const addresses = new ViewerAddresses();
  scope.route<{ Params: ViewerParams }>({
    ...route,
    method: 'GET',
    schema: {
      tags: ['play'],
      summary: 'The media playlist of one viewer',
      description:
        'Its address comes from /ace/manifest.m3u8. Who asks for it is a viewer until it has not asked for three target ' +
        'durations, and at least CLIENT_TIMEOUT; who asks again is one again.',
      params: Type.Object({ viewer: Type.String() }),
      querystring: QuerySchema,
      response: PLAYLIST_RESPONSE,
    },
    config,
    handler: async (request, reply) => {
      reply.header('Cache-Control', 'no-store');
      const { selector, wish } = addresses.read(queryOf(request));
      if (deps.lifecycle.phase === 'starting') throw new AcemuxError('starting');
      return answer(deps, request, reply, (viewer, signal) =>
        deps.hls.mediaPlaylist(
          request.params.viewer,
          selector,
          { ...viewer, ...(wish && { wish }) },
          STREAMS_FROM_VIEWER,
          signal,
        ),
      );
    },
  });
  scope.route<{ Params: ViewerParams }>({
    ...route,
    method: 'HEAD',
    schema: { hide: true },
    config,
    handler: async (request, reply) => {
      reply.header('Cache-Control', 'no-store');
      deps.hls.checkName(request.params.viewer, addresses.read(queryOf(request)).selector);
      return reply.headers(PLAYLIST_HEADERS).send();
    },
  });
  registerPreflight(scope, VIEWER_PATH);
}

function registerSegments(scope: FastifyInstance, deps: HlsDeps): void {
  const config = { area: 'play', isUnguessable: () => true } as const;
  scope.route<{ Params: SegmentParams }>({
    url: SEGMENT_PATH,
    method: 'GET',
    exposeHeadRoute: false,
    // What is wrong with its address is said by numberOf.
    validatorCompiler: () => () => true,
    schema: {
      tags: ['play'],
      summary: 'A segment of a stream, as MPEG-TS',
      description:
        'Its address comes from a media playlist. It is the same for all viewers, and never means anything else: caches ' +
        'may keep it.',
      params: Type.Object({ stream: Type.String(), segment: Type.String() }),
      response: {
        200: {
          description: 'MPEG-TS of some seconds',
          content: { 'video/mp2t': { schema: Type.String({ format: 'binary' }) } },
        },
        '4xx': ErrorBodySchema,
      },
    },
    config,
    handler: async (request, reply) => {
      const { params } = request;
      reply.header('Cache-Control', 'no-store'); // Of a refusal; a segment has headers of its own.
      const number = numberOf(params);
      if (!(await pass(deps, request, reply, number))) return reply.hijack();
      for (const [name, value] of Object.entries(headersOf(deps, params))) reply.raw.setHeader(name, value);
      deps.hls.sendSegment(reply.raw, params.stream, number);
      return reply.hijack();
    },
  });
  scope.route<{ Params: SegmentParams }>({
    url: SEGMENT_PATH,
    method: 'HEAD',
    schema: { hide: true },
    config,
    handler: async ({ params }, reply) => {
      reply.header('Cache-Control', 'no-store');
      const sizeBytes = deps.hls.segmentSize(params.stream, numberOf(params));
      reply.headers(headersOf(deps, params));
      return reply.headers({ ...SEGMENT_HEADERS, 'Content-Length': sizeBytes }).send();
    },
  });
  registerPreflight(scope, SEGMENT_PATH);
}

/** Waits until the segment may be sent to who asks; false: he has left meanwhile. */
async function pass(
  { access, hls, limits }: HlsDeps,
  request: FastifyRequest<{ Params: SegmentParams }>,
  reply: FastifyReply,
  number: number,
): Promise<boolean> {
  const { stream } = request.params;
  const departure = new AbortController();
  const onClose = (): void => departure.abort(new AcemuxError('client_left'));
  reply.raw.once('close', onClose);
  try {
    const sizeBytes = hls.segmentSize(stream, number);
    await limits.passSegment(access.callerOf(request), hls.streamOf(stream), sizeBytes, departure.signal);
    return true;
  } catch (error) {
    if (departure.signal.aborted) return false;
    throw error;
  } finally {
    reply.raw.off('close', onClose);
  }
}

/** The operator's headers for the stream that a segment is of, whose address has none of its names. */
function headersOf({ clientHeaders, hls }: HlsDeps, { stream }: SegmentParams): Headers {
  const name = hls.streamOf(stream);
  return name === undefined ? {} : clientHeaders([name]);
}

function numberOf({ segment }: SegmentParams): number {
  const [, digits] = SEGMENT_NAME.exec(segment) ?? [];
  if (digits === undefined) throw new AcemuxError('segment_unknown');
  return Number(digits);
}

/** Sends a playlist once there is one; whoever leaves before that is waited for no longer. */
async function answer(
  { access, log }: HlsDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  playlistFor: (viewer: ViewerInfo, signal: AbortSignal) => Promise<PlaylistFace>,
): Promise<FastifyReply> {
  const departure = new AbortController();
  const onClose = (): void => departure.abort(new AcemuxError('client_left'));
  reply.raw.once('close', onClose);
  const viewer = viewerInfoOf(request, access.callerOf(request));
  try {
    const playlist = await playlistFor(viewer, departure.signal);
    const { beginning } = playlist;
    reply.headers({ ...PLAYLIST_HEADERS, ...(beginning && startHeaders(beginning)) });
    if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(playlist.bytes);
    return reply.header('Content-Encoding', 'gzip').send(playlist.gzipped);
  } catch (error) {
    if (!departure.signal.aborted) throw error;
    log.debug(loggedViewer(viewer), 'viewer left before there was a playlist');
    return reply.hijack();
  } finally {
    reply.raw.off('close', onClose);
  }
}

/** RFC 9110 12.5.3: named, or meant by the star, and not refused by a weight of 0. */
export function acceptsGzip(header: string | undefined): boolean {
  const weights = new Map<string, number>();
  for (const each of (header ?? '').toLowerCase().split(',')) {
    const [coding = '', ...parameters] = each.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(coding, weight === undefined ? 1 : Number.parseFloat(weight.slice(2)) || 0);
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
