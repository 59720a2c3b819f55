/** Replies about contents: what is in one, and which there are (reference 2.8 and 2.9). */
import { isIP } from 'node:net';
import { AcemuxError } from '../base/reasons.ts';
import { saysCallRefused } from './engine-words.ts';
import type { TextReply } from './http-call.ts';
import { asRecord, looseNumber, looseText } from './loose-json.ts';
import { textOf } from './publisher-text.ts';
import { envelopeOf } from './reply.ts';
import type {
  FoundChannel,
  FoundItem,
  MediaFile,
  MediaFiles,
  SearchResult,
  StreamSelector,
} from './types.ts';

/** More than these are not passed on: no content has so many files, and no page so many results. */
const FILES_MAX = 1_000;
const CHANNELS_MAX = 200;
const ITEMS_MAX = 200;
const TAGS_MAX = 32;
const HASH = /^[0-9a-f]{40}$/;
/** Statuses by which an engine, or what stands before it, says that there is no such call. */
const REFUSING_STATUSES: ReadonlySet<number> = new Set([401, 403, 404, 405, 501]);

/**
 * Reads the reply of `get_media_files`, in its full or brief form.
 * @throws AcemuxError content_unknown, engine_refuses_call, engine_busy, engine_broken, engine_protocol
 */
export function parseMediaFilesReply(
  reply: TextReply,
  selector: Pick<StreamSelector, 'kind' | 'hash'>,
  root: URL,
): MediaFiles {
  const result = resultOf(reply);
  const listed = listOf(result['files'], FILES_MAX);
  const told = hashOf(result['infohash']) ?? listed.map((file) => hashOf(file['infohash'])).find(Boolean);
  const infohash = told ?? (selector.kind === 'infohash' ? selector.hash : undefined);
  if (infohash === undefined) throw new AcemuxError('engine_protocol', 'The engine’s reply has no infohash.');
  const type = looseText(result['type']);
  return {
    infohash,
    isLive: type === 'live' ? true : type === 'vod' ? false : undefined,
    name: textOf(result['name'], root) || undefined,
    transportType: textOf(result['transport_type'], root) || undefined,
    files: listed.map((file, position) => fileOf(file, position, root)),
  };
}

/**
 * Reads the reply of `/search`. Broadcasts that are switched off or have no infohash are left out.
 * @throws AcemuxError engine_refuses_call, engine_busy, engine_broken, engine_protocol
 */
export function parseSearchReply(reply: TextReply, root: URL): SearchResult {
  const result = resultOf(reply);
  const channels = listOf(result['results'], CHANNELS_MAX).map((found) => channelOf(found, root));
  return {
    total: countOf(result['total']) ?? channels.length,
    channels: channels.filter(({ items }) => items.length > 0),
    seconds: looseNumber(result['time']),
  };
}

/** What the engine answered, told apart from an engine that does not answer such calls. */
function resultOf(reply: TextReply): Readonly<Record<string, unknown>> {
  let body: Readonly<Record<string, unknown>>;
  try {
    body = envelopeOf(reply);
  } catch (error) {
    throw refusesCall(reply, error) ? new AcemuxError('engine_refuses_call') : error;
  }
  const result = asRecord(body['result']);
  if (!result) throw new AcemuxError('engine_protocol', 'The engine’s reply has no result.');
  return result;
}

function refusesCall(reply: TextReply, error: unknown): boolean {
  if (!(error instanceof AcemuxError) || error.code === 'content_unknown') return false;
  return REFUSING_STATUSES.has(reply.statusCode) || saysCallRefused(error.message);
}

function fileOf(file: Readonly<Record<string, unknown>>, position: number, root: URL): MediaFile {
  return {
    index: countOf(file['index']) ?? position,
    name: textOf(file['filename'], root),
    mime: textOf(file['mime'], root) || undefined,
    sizeBytes: countOf(file['size']),
  };
}

function channelOf(found: Readonly<Record<string, unknown>>, root: URL): FoundChannel {
  const icons = listOf(found['icons'], TAGS_MAX).flatMap((icon) => {
    const url = publicUrlOf(icon['url'], root);
    return url === undefined ? [] : [{ url, type: countOf(icon['type']) ?? 0 }];
  });
  const items = listOf(found['items'], ITEMS_MAX).flatMap((item) => itemOf(item, root) ?? []);
  return { name: textOf(found['name'], root), icons, items };
}

function itemOf(item: Readonly<Record<string, unknown>>, root: URL): FoundItem | undefined {
  const infohash = hashOf(item['infohash']);
  if (infohash === undefined || item['disabled'] === true) return undefined;
  return {
    infohash,
    name: textOf(item['name'], root),
    status: looseNumber(item['status']),
    languages: tagsOf(item['languages'], root),
    countries: tagsOf(item['countries'], root),
    categories: tagsOf(item['categories'], root),
    channelId: looseNumber(item['channel_id']),
    availability: looseNumber(item['availability']),
    availabilityUpdatedAt: looseNumber(item['availability_updated_at']),
    bitrate: looseNumber(item['bitrate']),
  };
}

function listOf(value: unknown, lengthMax: number): Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(value)) return [];
  const records: Readonly<Record<string, unknown>>[] = [];
  for (const each of value.slice(0, lengthMax)) {
    const record = asRecord(each);
    if (record) records.push(record);
  }
  return records;
}

function tagsOf(value: unknown, root: URL): string[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, TAGS_MAX)
    .map((each: unknown) => textOf(each, root))
    .filter((text) => text !== '');
}

function hashOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  return HASH.test(text) ? text : undefined;
}

/** A number that can count something. */
function countOf(value: unknown): number | undefined {
  const number = looseNumber(value);
  return number !== undefined && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** A link into the public internet; undefined for everything that is, or may be, an address of this house. */
function publicUrlOf(value: unknown, root: URL): string | undefined {
  if (typeof value !== 'string' || value.length > 2_048 || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  const { hostname } = url;
  const isPublicName =
    hostname.includes('.') &&
    isIP(hostname.replace(/\.$/, '')) === 0 &&
    !/\.(local|localhost|lan|internal|home\.arpa)\.?$/.test(hostname) &&
    hostname !== root.hostname;
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  return isPublicName ? url.href : undefined;
}
