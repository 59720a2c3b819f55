/** acemux's answers in the words of an engine (reference 2.7 to 2.9), for programs that were written for one. */
import type { ReasonCode } from '../base/reasons.ts';
import type { FoundChannel, MediaFiles, SearchResult } from '../engine/types.ts';
import type { EnvelopeForm } from './engine-call.ts';
import type { ErrorBody } from './errors.ts';

/** What engines say where acemux has a word of its own; programs compare these texts. */
const ENGINE_WORDS: Readonly<Partial<Record<ReasonCode, string>>> = {
  content_unknown: 'cannot get transport file',
  method_unknown: 'unknown method',
};

/** A result in its envelope. */
export function envelopeOf(form: EnvelopeForm, result: unknown): unknown {
  return form === 'v3' ? { result } : { result, error: null };
}

/** A refusal that says what it is to those who know acemux, and to those who know engines. */
export function refusalEnvelopeOf(form: EnvelopeForm, body: ErrorBody): unknown {
  const message = ENGINE_WORDS[body.code] ?? body.detail;
  return form === 'v3' ? { ...body, error: { message, code: 0 } } : { ...body, result: null, error: message };
}

/** A version as engines count: major·10⁶ + minor·10⁴ + patch·10², 3.2.3 is 3020300. */
export function versionWords(version: string): { code: number; platform: string; version: string } {
  const [major = 0, minor = 0, patch = 0] = version
    .split(/[.-]/)
    .map((part) => Number.parseInt(part, 10) || 0);
  return { code: major * 1_000_000 + minor * 10_000 + patch * 100, platform: process.platform, version };
}

/** The result of `get_media_files`. */
export function mediaFilesWords(content: MediaFiles, form: EnvelopeForm, isFull: boolean): unknown {
  const { files, infohash, isLive, name, transportType } = content;
  if (form === 'old') return Object.fromEntries(files.map((file) => [String(file.index), file.name]));
  return {
    files: files.map((file) =>
      isFull
        ? { index: file.index, infohash, filename: file.name, mime: file.mime, size: file.sizeBytes }
        : { index: file.index, filename: file.name },
    ),
    name: name ?? '',
    infohash,
    transport_type: transportType ?? null,
    type: isLive === undefined ? null : isLive ? 'live' : 'vod',
    // The key is good for the engine that gave it only.
    transport_file_cache_key: null,
  };
}

/** The result of `/search`. */
export function searchWords({ channels, seconds, total }: SearchResult): unknown {
  return { total, results: channels.map(channelWords), time: seconds };
}

function channelWords({ icons, items, name }: FoundChannel): unknown {
  return {
    name,
    icons,
    items: items.map((item) => ({
      status: item.status,
      languages: item.languages,
      name: item.name,
      countries: item.countries,
      infohash: item.infohash,
      channel_id: item.channelId,
      availability: item.availability,
      availability_updated_at: item.availabilityUpdatedAt,
      categories: item.categories,
      bitrate: item.bitrate,
      disabled: false,
    })),
  };
}
