import type { FastifyInstance } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { Type } from '../../base/schema.ts';
import { TS_RESPONSE_HEADERS } from '../../output/ts/response-headers.ts';
import { fileHeaders } from '../../output/vod/file-headers.ts';
import type { SessionSnapshot } from '../../session/types.ts';
import type { AnyLease, FileLeaseFace, HttpDeps, LeaseFace, Leavable } from '../deps.ts';
import { JSON_HEADERS, sendInEngineForm } from '../engine-form.ts';
import { ErrorBodySchema } from '../errors.ts';
import { EnvelopeSchema, type OpenLeaseDeps, refuseAsEngine } from '../open-lease.ts';
import { registerPreflight } from '../preflight.ts';
import { queryOf } from '../stream-request.ts';
import { type PlayDeps, type Played, play } from './getstream.ts';

type LeaseDeps<Attached extends Leavable> = OpenLeaseDeps<Attached> &
  PlayDeps<Attached> &
  Pick<HttpDeps<Attached>, 'files'>;

interface Params {
  infohash: string;
  token: string;
}

const ParamsSchema = Type.Object({
  infohash: Type.String(),
  token: Type.String({ description: 'Of the reply to /ace/getstream?…&format=json.' }),
});

/** The token of an address was given to whom opened it, and to nobody else. */
const CONFIG = { area: 'play', isUnguessable: () => true } as const;

/** What engines say of a playback that has not begun (reference 3.1). */
const BEFORE_MEDIA: ReadonlySet<string> = new Set(['idle', 'starting', 'loading', 'check', 'prebuf']);

/** The three addresses of a playback that was opened with `format=json`: play it, ask how it is, stop it. */
export function registerLease<Attached extends Leavable>(
  scope: FastifyInstance,
  deps: LeaseDeps<Attached>,
): void {
  registerPlayback(scope, deps);
  registerStat(scope, deps);
  registerCommand(scope, deps);
}

function registerPlayback<Attached extends Leavable>(
  scope: FastifyInstance,
  deps: LeaseDeps<Attached>,
): void {
  const url = pathOf('r');
  scope.route<{ Params: Params }>({
    url,
    method: 'GET',
    exposeHeadRoute: false,
    config: CONFIG,
    schema: {
      tags: ['play'],
      summary: 'Play what was opened with format=json: MPEG-TS, or a recorded file',
      description: 'May be opened again; of more than two connections the oldest ends.',
      params: ParamsSchema,
      response: {
        200: {
          description: 'MPEG-TS without an end',
          content: { 'video/mp2t': { schema: Type.String({ format: 'binary' }) } },
        },
        '4xx': ErrorBodySchema,
        '5xx': ErrorBodySchema,
      },
    },
    handler: async (request, reply) => {
      const { infohash, token } = request.params;
      const file = deps.fileLeases.find(token);
      if (file?.infohash === infohash) return play(deps, request, reply, playedFile(file));
      const lease = deps.leases.find(token);
      if (lease?.infohash !== infohash) throw new AcemuxError('lease_unknown');
      const join: Played<Attached>['join'] = (viewer, signal, onLive) => {
        onLive(); // Nothing else is opened yet.
        return lease.read(viewer, signal);
      };
      return play(deps, request, reply, { stream: infohash, join });
    },
  });
  scope.route<{ Params: Params }>({
    url,
    method: 'HEAD',
    config: CONFIG,
    schema: { hide: true },
    handler: async (request, reply) => {
      if (!find(deps, request.params)) throw new AcemuxError('lease_unknown');
      const file = deps.fileLeases.find(request.params.token);
      const facts = file && deps.files.factsOf(file.request.selector);
      return reply.headers(facts ? fileHeaders(facts) : TS_RESPONSE_HEADERS).send();
    },
  });
  registerPreflight(scope, url);
}

function registerStat<Attached extends Leavable>(scope: FastifyInstance, deps: LeaseDeps<Attached>): void {
  const url = pathOf('stat');
  scope.route<{ Params: Params }>({
    url,
    method: 'GET',
    exposeHeadRoute: false,
    config: { ...CONFIG, speaksEngine: () => true },
    schema: {
      tags: ['play'],
      summary: 'How a playback that was opened with format=json is doing',
      description: 'As an engine tells it, of the shared session. Asking does not keep the playback open.',
      params: ParamsSchema,
      response: { 200: EnvelopeSchema, '4xx': ErrorBodySchema },
    },
    handler: async (request, reply) => {
      const lease = find(deps, request.params);
      const snapshot = lease?.snapshot();
      if (!lease || !snapshot) return refuseAsEngine(deps, new AcemuxError('lease_unknown'), request, reply);
      return sendInEngineForm(reply, { response: statOf(lease, snapshot), error: null });
    },
  });
  answerHead(scope, url);
  registerPreflight(scope, url);
}

function registerCommand<Attached extends Leavable>(scope: FastifyInstance, deps: LeaseDeps<Attached>): void {
  const url = pathOf('cmd');
  scope.route<{ Params: Params }>({
    url,
    method: 'GET',
    exposeHeadRoute: false,
    config: { ...CONFIG, speaksEngine: () => true },
    schema: {
      tags: ['play'],
      summary: 'Stop a playback that was opened with format=json',
      description: 'method=stop ends this playback and its readers; others go on watching the stream.',
      params: ParamsSchema,
      response: { 200: EnvelopeSchema, '4xx': ErrorBodySchema },
    },
    handler: async (request, reply) => {
      const lease = find(deps, request.params);
      if (!lease) return refuseAsEngine(deps, new AcemuxError('lease_unknown'), request, reply);
      if (new URLSearchParams(queryOf(request)).get('method') !== 'stop') {
        return refuseAsEngine(deps, new AcemuxError('command_unsupported'), request, reply);
      }
      lease.end('lease_stopped');
      return sendInEngineForm(reply, { response: 'ok', error: null });
    },
  });
  // It looks, and does nothing.
  answerHead(scope, url);
  registerPreflight(scope, url);
}

/** An engine's paths, so that programs which look at them find what they know (reference 2.1). */
function pathOf(what: 'r' | 'stat' | 'cmd'): string {
  return `/ace/${what}/:infohash/:token`;
}

function find<Attached extends Leavable>(
  { fileLeases, leases }: LeaseDeps<Attached>,
  { infohash, token }: Params,
): AnyLease | undefined {
  const lease = leases.find(token) ?? fileLeases.find(token);
  return lease?.infohash === infohash ? lease : undefined;
}

function playedFile(lease: FileLeaseFace): Played<never> {
  const { selector } = lease.request;
  return {
    stream: selector.hash,
    join: async () => {
      throw new AcemuxError('vod_not_yet');
    },
    file: { selector, open: ({ span, viewer }, signal) => lease.read({ span, viewer }, signal) },
  };
}

function answerHead(scope: FastifyInstance, url: string): void {
  scope.route({
    url,
    method: 'HEAD',
    config: CONFIG,
    schema: { hide: true },
    handler: async (_request, reply) => reply.headers(JSON_HEADERS).send(),
  });
}

/**
 * A stat reply (reference 3.1) with what is known of the shared session. Positions and the rest of the fields, which are an
 * engine's own affairs, are left out.
 */
export function statOf(
  lease: Pick<LeaseFace<Leavable>, 'infohash' | 'playbackSessionId' | 'clientSessionId'>,
  snapshot: SessionSnapshot,
): Record<string, unknown> {
  const { stat } = snapshot;
  return {
    status: statusOf(snapshot),
    is_live: snapshot.isLive ? 1 : 0,
    is_encrypted: snapshot.isEncrypted ? 1 : 0,
    infohash: lease.infohash,
    playback_session_id: lease.playbackSessionId,
    client_session_id: lease.clientSessionId,
    peers: stat?.peers ?? 0,
    speed_down: stat?.speedDownKilobytes ?? 0,
    speed_up: stat?.speedUpKilobytes ?? 0,
    downloaded: stat?.downloadedBytes ?? snapshot.bytesIn,
    uploaded: stat?.uploadedBytes ?? 0,
    total_progress: 0,
  };
}

/** The engine's word, unless acemux knows better: its last answer may be from before the media came. */
function statusOf({ state, stat, infohash }: SessionSnapshot): string {
  if (state !== 'starting') return !stat || BEFORE_MEDIA.has(stat.status) ? 'dl' : stat.status;
  return stat?.status ?? (infohash === undefined ? 'idle' : 'prebuf');
}
