import { AcemuxError } from '../base/reasons.ts';
import type { TextReply } from './http-call.ts';
import { rewriteToEngine } from './rewrite.ts';

/** No segment counts as shorter or longer than this, whatever its EXTINF says. */
const DURATION_MIN_MS = 10;
const DURATION_MAX_MS = 60_000;
/** What stands in for a target duration that is missing or nonsense: engines have 6 to 7 s (reference 6.2). */
const TARGET_DEFAULT_MS = 7_000;
const TARGET_MIN_MS = 1_000;
const TARGET_MAX_MS = 30_000;

/** One segment of a playlist. */
export interface HlsSegment {
  /** Its media sequence number. */
  readonly sequence: number;
  /** Of its media; between 10 ms and 60 s. */
  readonly durationMs: number;
  /** At the engine's configured address, whatever host the playlist names. */
  readonly url: URL;
  /** The playlist says that it does not exist (EXT-X-GAP). */
  readonly isGap: boolean;
}

/** A list of segments (RFC 8216, 4.3.3). */
export interface MediaPlaylist {
  readonly kind: 'media';
  /** Between 1 s and 30 s. */
  readonly targetMs: number;
  /** Nothing will be added to it (EXT-X-ENDLIST). */
  readonly isEnded: boolean;
  /** In order. */
  readonly segments: readonly HlsSegment[];
}

/** A list of variants (RFC 8216, 4.3.4). */
export interface MasterPlaylist {
  readonly kind: 'master';
  /** The media playlist of the best variant: the highest BANDWIDTH whose audio is in the same segments. */
  readonly best: URL;
}

export type Playlist = MediaPlaylist | MasterPlaylist;

interface Variant {
  readonly url: URL;
  readonly bandwidth: number;
  readonly audioGroup: string | undefined;
}

/** Tags of what acemux does not put together: each says why. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['EXT-X-MAP', 'The engine’s HLS is not MPEG-TS but fragmented MP4.'],
  ['EXT-X-BYTERANGE', 'The engine’s HLS has segments that are parts of a file.'],
  ['EXT-X-I-FRAMES-ONLY', 'The engine’s HLS has single pictures only.'],
]);

/**
 * Reads a playlist of an engine, as far as acemux needs it. Total: any text gives a playlist or an AcemuxError, in time
 * proportional to its length. A text that lists nothing yet is a media playlist without segments.
 * @param url where the playlist came from, at the engine's address: relative URIs begin there
 * @param root the engine's configured address, to which every URI is moved
 * @throws AcemuxError hls_unsupported for encryption, byte ranges, fragmented MP4 and audio kept apart; engine_protocol
 */
export function parsePlaylist(text: string, url: URL, root: URL): Playlist {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines[0] !== undefined && !/^#EXTM3U(\s|$)/.test(lines[0])) throw noPlaylist('has no #EXTM3U');

  const segments: HlsSegment[] = [];
  const variants: Variant[] = [];
  const separateAudio = new Set<string>();
  let targetMs: number | undefined;
  let firstSequence = 0;
  let isEnded = false;
  let durationMs: number | undefined;
  let isGap = false;
  let variant: Omit<Variant, 'url'> | undefined;
  for (const line of lines) {
    if (!line.startsWith('#')) {
      if (variant) variants.push({ ...variant, url: engineUrl(line, url, root) });
      else if (durationMs !== undefined) {
        const sequence = firstSequence + segments.length;
        segments.push({ sequence, durationMs, url: engineUrl(line, url, root), isGap });
      } else throw noPlaylist('has an address without a duration');
      [variant, durationMs, isGap] = [undefined, undefined, false];
      continue;
    }
    const { name, value } = tagOf(line);
    const unsupported = UNSUPPORTED.get(name);
    if (unsupported !== undefined) throw new AcemuxError('hls_unsupported', unsupported);
    if (name === 'EXT-X-KEY' && attributesOf(value).get('METHOD') !== 'NONE') {
      throw new AcemuxError('hls_unsupported', 'The engine’s HLS is encrypted.');
    }
    if (name === 'EXT-X-TARGETDURATION') targetMs = targetOf(value);
    else if (name === 'EXT-X-MEDIA-SEQUENCE') firstSequence = sequenceOf(value);
    else if (name === 'EXT-X-ENDLIST') isEnded = true;
    else if (name === 'EXTINF') durationMs = durationOf(value);
    else if (name === 'EXT-X-GAP') isGap = true;
    else if (name === 'EXT-X-STREAM-INF') variant = variantOf(value);
    else if (name === 'EXT-X-MEDIA') {
      const attributes = attributesOf(value);
      const group = attributes.get('GROUP-ID');
      const isApart = attributes.get('TYPE') === 'AUDIO' && attributes.has('URI');
      if (isApart && group !== undefined) separateAudio.add(group);
    }
  }
  if (variants.length > 0) {
    if (segments.length > 0) throw noPlaylist('lists both variants and segments');
    return { kind: 'master', best: bestOf(variants, separateAudio) };
  }
  if (segments.length > 0 && targetMs === undefined) throw noPlaylist('has no target duration');
  return { kind: 'media', targetMs: targetMs ?? TARGET_DEFAULT_MS, isEnded, segments };
}

/** Whether this is how an engine says to a start that it offers the content over HLS only (reference 2.1). */
export function offersOnlyHls(reply: TextReply): boolean {
  if (reply.location !== undefined) return /\.m3u8?([?#]|$)/i.test(reply.location);
  return /^\s*#EXTM3U/.test(reply.text) && /^#EXT-X-/m.test(reply.text);
}

/** Whether something with this address and type is a playlist. */
export function isPlaylist(url: URL, contentType: string | undefined): boolean {
  if (/\.m3u8$/i.test(url.pathname)) return true;
  return /^\s*(application|audio)\/(x-|vnd\.apple\.)?mpegurl\b/i.test(contentType ?? '');
}

function bestOf(variants: readonly Variant[], separateAudio: ReadonlySet<string>): URL {
  const playable = variants.filter(
    ({ audioGroup }) => audioGroup === undefined || !separateAudio.has(audioGroup),
  );
  const [first, ...others] = playable;
  if (!first)
    throw new AcemuxError('hls_unsupported', 'The engine’s HLS has its audio apart from its video.');
  return others.reduce((best, each) => (each.bandwidth > best.bandwidth ? each : best), first).url;
}

function variantOf(value: string): Omit<Variant, 'url'> {
  const attributes = attributesOf(value);
  const bandwidth = Number(attributes.get('BANDWIDTH'));
  return { bandwidth: Number.isFinite(bandwidth) ? bandwidth : 0, audioGroup: attributes.get('AUDIO') };
}

function tagOf(line: string): { readonly name: string; readonly value: string } {
  const colon = line.indexOf(':');
  if (colon < 0) return { name: line.slice(1), value: '' };
  return { name: line.slice(1, colon), value: line.slice(colon + 1) };
}

/** RFC 8216, 4.2; what is not of that form is left out. */
function attributesOf(value: string): ReadonlyMap<string, string> {
  const found = value.matchAll(/(?:^|,)([A-Z0-9-]{1,64})=(?:"([^"]*)"|([^",]*))/g);
  return new Map([...found].map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']));
}

function targetOf(value: string): number {
  const seconds = Number.parseFloat(value);
  if (!(seconds > 0)) return TARGET_DEFAULT_MS;
  return Math.min(TARGET_MAX_MS, Math.max(TARGET_MIN_MS, seconds * 1000));
}

function durationOf(value: string): number {
  const ms = Number.parseFloat(value) * 1000;
  return ms > DURATION_MIN_MS ? Math.min(DURATION_MAX_MS, ms) : DURATION_MIN_MS;
}

function sequenceOf(value: string): number {
  const sequence = Number(value);
  if (/^\d+$/.test(value) && sequence <= Number.MAX_SAFE_INTEGER / 2) return sequence;
  throw noPlaylist('numbers its segments with something that is no number');
}

/** A URI of a playlist at the engine's own address, with which other host or scheme of the web it may be written. */
function engineUrl(raw: string, playlist: URL, root: URL): URL {
  if (/^[a-z][a-z0-9+.-]*:/i.test(raw)) return rewriteToEngine(raw, root);
  // What begins with two slashes names a host; it need not be a valid one.
  if (/^[/\\]{2}/.test(raw)) return rewriteToEngine(`http://${raw.slice(2)}`, root);
  if (!URL.canParse(raw, playlist)) throw noPlaylist('has a malformed address');
  return rewriteToEngine(new URL(raw, playlist).href, root);
}

function noPlaylist(what: string): AcemuxError {
  return new AcemuxError('engine_protocol', `The engine’s HLS playlist ${what}.`);
}
