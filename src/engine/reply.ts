import { AcemuxError } from '../base/reasons.ts';
import { failureInStatus, failureInWords } from './engine-words.ts';
import { FileListError, parseFileList } from './file-list.ts';
import type { TextReply } from './http-call.ts';
import { asRecord, looseBoolean, looseNumber, looseText, parseJson } from './loose-json.ts';
import { rewriteToEngine } from './rewrite.ts';
import type { EngineVersion, LivePosition, Playback, PlaybackStat, StreamSelector } from './types.ts';

/** What the reply to a start says. A failed one may have opened something all the same. */
export type StartReply =
  | { readonly ok: true; readonly playback: Playback }
  | { readonly ok: false; readonly error: AcemuxError; readonly openedCommandUrl: URL | undefined };

/** Reads the reply to `GET /ace/getstream?…&format=json` (reference 2.1). Total: any reply gives an answer. */
export function parseStartReply(reply: TextReply, selector: StreamSelector, root: URL): StartReply {
  if (reply.location !== undefined) return failed(new AcemuxError('foreign_redirect'));
  const body = asRecord(parseJson(reply.text));
  if (!body) return failed(notJson(reply, root));
  const opened = asRecord(body['response']);
  const openedCommandUrl = opened && engineUrl(opened['command_url'], root);
  const error = failureOf(body, reply);
  if (error) return failed(error, openedCommandUrl);
  if (!opened) return failed(new AcemuxError('engine_protocol', 'The engine’s reply names no playback.'));

  const playbackUrl = engineUrl(opened['playback_url'], root);
  const statUrl = engineUrl(opened['stat_url'], root);
  if (!playbackUrl || !statUrl || !openedCommandUrl) {
    return failed(
      new AcemuxError('engine_protocol', 'The engine’s reply lacks a URL of the playback.'),
      openedCommandUrl,
    );
  }
  const infohash = infohashOf(opened['infohash'], playbackUrl, selector);
  if (infohash === undefined) {
    return failed(
      new AcemuxError('engine_protocol', 'The engine’s reply has no infohash.'),
      openedCommandUrl,
    );
  }
  return {
    ok: true,
    playback: {
      infohash,
      isLive: looseBoolean(opened['is_live']) ?? true,
      isEncrypted: looseBoolean(opened['is_encrypted']) ?? false,
      playbackSessionId: looseText(opened['playback_session_id']),
      playbackUrl,
      statUrl,
      commandUrl: openedCommandUrl,
    },
  };
}

/**
 * Reads the reply of a stat URL (reference 3.1): an empty one is `idle` with zeros.
 * @throws AcemuxError playback_unknown, engine_busy, engine_broken, engine_protocol
 */
export function parseStatReply(reply: TextReply): PlaybackStat {
  const stat = asRecord(envelopeOf(reply)['response']) ?? {};
  return {
    status: looseText(stat['status']) ?? 'idle',
    peers: count(stat['peers']),
    speedDownKilobytes: count(stat['speed_down'] ?? stat['speedDown']),
    speedUpKilobytes: count(stat['speed_up'] ?? stat['speedUp']),
    downloadedBytes: count(stat['downloaded']),
    uploadedBytes: count(stat['uploaded']),
    livePosition: livePositionOf(asRecord(stat['livepos'])),
  };
}

/** Values are texts or numbers; `live_first` may be called `first_ts` or `first`, and the last ones alike. */
function livePositionOf(raw: Readonly<Record<string, unknown>> | undefined): LivePosition | undefined {
  if (!raw) return undefined;
  const first = (...names: readonly string[]): number | undefined => {
    for (const name of names) {
      const value = looseNumber(raw[name]);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  return {
    position: first('pos'),
    liveFirst: first('live_first', 'first_ts', 'first'),
    liveLast: first('live_last', 'last_ts', 'last'),
    firstTimeSeconds: first('first_ts'),
    lastTimeSeconds: first('last_ts'),
    bufferPieces: first('buffer_pieces'),
  };
}

/**
 * Reads the reply of a command URL.
 * @throws AcemuxError playback_unknown, engine_busy, engine_broken, engine_protocol
 */
export function parseCommandReply(reply: TextReply): void {
  envelopeOf(reply);
}

/**
 * Reads the reply of `get_version` (reference 2.7).
 * @throws AcemuxError engine_busy, engine_broken, engine_protocol
 */
export function parseVersionReply(reply: TextReply): EngineVersion {
  const result = asRecord(envelopeOf(reply)['result']);
  const code = looseNumber(result?.['code']);
  const version = looseText(result?.['version']) ?? (code === undefined ? undefined : versionOfCode(code));
  if (version === undefined) throw new AcemuxError('engine_protocol', 'The engine’s reply has no version.');
  return { version, platform: looseText(result?.['platform']) };
}

/** Reads the reply of `get_network_connection_status` (reference 2.8); undefined: the engine does not tell. */
export function parseNetworkReply(reply: TextReply): boolean | undefined {
  const body = asRecord(parseJson(reply.text));
  return looseBoolean(asRecord(body?.['result'])?.['connected']);
}

/**
 * The reply's JSON object, when it is one and reports no error.
 * @throws AcemuxError for all others
 */
export function envelopeOf(reply: TextReply): Readonly<Record<string, unknown>> {
  if (reply.location !== undefined) {
    throw new AcemuxError('engine_protocol', 'The engine redirected a call of its API.');
  }
  const body = asRecord(parseJson(reply.text));
  if (!body) throw notJson(reply);
  const error = failureOf(body, reply);
  if (error) throw error;
  return body;
}

/** `error` that is not null is a failure whatever the status, and so is a bad status (reference 10.3). */
function failureOf(body: Readonly<Record<string, unknown>>, reply: TextReply): AcemuxError | undefined {
  const error = body['error'] ?? null;
  if (error !== null) return failureInWords(error, body['extra_data']);
  return reply.statusCode >= 400 ? failureInStatus(reply.statusCode, '') : undefined;
}

function notJson(reply: TextReply, root?: URL): AcemuxError {
  if (!/^\s*#EXTM3U/.test(reply.text)) return failureInStatus(reply.statusCode, reply.text);
  // A list of files, each with its `_idx`, is how recordings of several files answer (reference 2.1).
  if (root && !/^#EXT-X-/m.test(reply.text)) return new FileListError(parseFileList(reply.text, root));
  return new AcemuxError('engine_protocol', 'The engine answered with an HLS playlist instead of JSON.');
}

function failed(error: AcemuxError, openedCommandUrl?: URL): StartReply {
  return { ok: false, error, openedCommandUrl };
}

function engineUrl(raw: unknown, root: URL): URL | undefined {
  if (typeof raw !== 'string' || raw === '') return undefined;
  try {
    return rewriteToEngine(raw, root);
  } catch {
    return undefined; // The caller says what is missing.
  }
}

/** The reply's own; else the one in the path `/ace/r/<infohash>/…`; else the one that was asked for. */
function infohashOf(raw: unknown, playbackUrl: URL, selector: StreamSelector): string | undefined {
  const told = typeof raw === 'string' ? raw.trim().toLowerCase() : '';
  if (/^[0-9a-f]{40}$/.test(told)) return told;
  const inPath = /^\/ace\/[rm]\/([0-9a-f]{40})\//i.exec(playbackUrl.pathname)?.[1];
  if (inPath !== undefined) return inPath.toLowerCase();
  return selector.kind === 'infohash' ? selector.hash : undefined;
}

function count(value: unknown): number {
  return Math.max(0, looseNumber(value) ?? 0);
}

/** Engines count major·10⁶ + minor·10⁴ + patch·10²: 3020300 is 3.2.3 (reference 2.7). */
function versionOfCode(code: number): string {
  const part = (unit: number): number => Math.floor(code / unit) % 100;
  return `${part(1_000_000)}.${part(10_000)}.${part(100)}`;
}
