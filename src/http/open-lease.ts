import type { FastifyReply, FastifyRequest } from 'fastify';
import { AcemuxError, type ReasonCode, reasonOf } from '../base/reasons.ts';
import { Type } from '../base/schema.ts';
import { FileListError } from '../engine/file-list.ts';
import type { AccessControl } from './access-control.ts';
import type { Connections } from './connections.ts';
import type { AnyLease, HttpDeps, Leavable } from './deps.ts';
import { refusalInEngineForm, sendInEngineForm } from './engine-form.ts';
import { pathOf, refusalOf, witnessRefusal } from './errors.ts';
import { listOfFiles, M3U_HEADERS } from './file-listing.ts';
import { publicUrlOf } from './public-url.ts';
import { parseStreamRequest } from './stream-request.ts';
import { loggedViewer, viewerInfoOf } from './viewer-info.ts';

export type OpenLeaseDeps<Attached extends Leavable> = Pick<
  HttpDeps<Attached>,
  'leases' | 'fileLeases' | 'lifecycle' | 'log' | 'metrics'
> & { readonly connections: Connections; readonly access: AccessControl };

export const EnvelopeSchema = Type.Object({
  response: Type.Unknown({ description: 'Null after an error.' }),
  error: Type.OrNull(Type.String()),
});

/** What a request wants instead of media; empty if nothing. */
export function formatOf(query: string): string {
  return new URLSearchParams(query).get('format') ?? '';
}

/**
 * Whether a request for a stream asks for addresses instead of media.
 * @throws AcemuxError bad_request for JSONP: any page may read the JSON itself, so nobody needs code of ours to run
 */
export function asksForJson(query: string): boolean {
  const format = formatOf(query);
  if (format === 'jsonp') {
    throw new AcemuxError(
      'bad_request',
      'format=jsonp is not served; format=json is, to pages of any origin (CORS).',
    );
  }
  return format === 'json';
}

/**
 * Answers `GET /ace/getstream?…&format=json` as an engine does (reference 2.1): at once, before there is media, with
 * addresses for playing, asking and stopping.
 * @throws AcemuxError what is wrong with the request, and that acemux lets nobody in now
 */
export async function openLease<Attached extends Leavable>(
  deps: OpenLeaseDeps<Attached>,
  request: FastifyRequest,
  reply: FastifyReply,
  query: string,
): Promise<FastifyReply> {
  const { access, connections, fileLeases, leases, lifecycle, log } = deps;
  const selector = parseStreamRequest(query);
  if (lifecycle.phase !== 'ready') throw new AcemuxError(lifecycle.phase);
  // A request that came in the same packet is parsed in this very turn: only then is it known to be there.
  await Promise.resolve();

  const departure = new AbortController();
  const leave = (reason: ReasonCode): void => departure.abort(new AcemuxError(reason));
  // Requests that are pipelined would all begin streams at once.
  if (!connections.claimForPlaying(request.raw, leave)) {
    return reply.hijack();
  }
  const onClose = (): void => leave('client_left');
  reply.raw.once('close', onClose);
  const viewer = viewerInfoOf(request, access.callerOf(request));
  try {
    const asked = { selector, viewer, clientSessionId: clientSessionIdOf(query) };
    const lease = await leases.open(asked, departure.signal).catch((error: unknown): Promise<AnyLease> => {
      if (reasonOf(error) !== 'vod_not_yet' || departure.signal.aborted) throw error;
      return fileLeases.open(asked, departure.signal);
    });
    return sendInEngineForm(reply, { response: addressesOf(lease, publicUrlOf(request)), error: null });
  } catch (error) {
    if (departure.signal.aborted) {
      log.debug(
        { stream: selector.hash, ...loggedViewer(viewer) },
        'client left before the stream had been opened',
      );
      return reply.hijack();
    }
    // As an engine: a list instead of JSON (reference 2.1).
    if (error instanceof FileListError && selector.parameters['_idx'] === undefined) {
      const passFor = (hash: string): string | undefined => access.passFor(request, hash);
      const list = listOfFiles(error.list, selector, publicUrlOf(request), passFor);
      return reply.headers(M3U_HEADERS).send(list);
    }
    if (reasonOf(error) === 'internal') throw error;
    return refuseAsEngine(deps, error, request, reply);
  } finally {
    reply.raw.off('close', onClose);
  }
}

/**
 * Refuses as engines do: with 200 and the reason in the body (reference 4.1). For what came of asking; a request that is
 * wrong in itself has its status.
 */
export function refuseAsEngine<Attached extends Leavable>(
  deps: Pick<OpenLeaseDeps<Attached>, 'access' | 'log' | 'metrics'>,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const refusal = { ...refusalOf(error), status: 200 };
  witnessRefusal(deps, error, refusal, {
    method: request.method,
    path: pathOf(request.url),
    address: deps.access.clientOf(request).address,
    request: request.id,
    // Programs go on asking for a while how a stream is that has ended.
    isPlay: refusal.body.code !== 'lease_unknown',
  });
  return sendInEngineForm(
    reply.code(refusal.status).headers(refusal.headers),
    refusalInEngineForm(refusal.body),
  );
}

/** The keys and their order are an engine's; `event_url` is left out, for acemux has no events of a playback. */
function addressesOf(lease: AnyLease, base: string): Record<string, unknown> {
  const snapshot = lease.snapshot();
  const address = (what: string): string => `${base}/ace/${what}/${lease.infohash}/${lease.token}`;
  return {
    playback_url: address('r'),
    stat_url: address('stat'),
    command_url: address('cmd'),
    infohash: lease.infohash,
    playback_session_id: lease.playbackSessionId,
    client_session_id: lease.clientSessionId,
    is_live: snapshot?.isLive === false ? 0 : 1,
    is_encrypted: snapshot?.isEncrypted ? 1 : 0,
  };
}

/** Told again in replies (reference 2.1); what is no number counts as not given. */
function clientSessionIdOf(query: string): number {
  const given = new URLSearchParams(query).get('client_session_id') ?? '';
  return /^-?\d{1,15}$/.test(given) ? Number(given) : -1;
}
