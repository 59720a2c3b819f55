/** /webui/api/service, /server/api and /search: what an engine tells of itself and of contents (reference 2.7 to 2.9). */
import { createHash } from 'node:crypto';
import { derivedInfohash, type Selector, selectorOf } from './catalogue.ts';
import { type EngineCore, load } from './engine-core.ts';
import type { Json } from './json.ts';
import { vodFileBytes } from './media-source.ts';
import { pause, replyJson, replyText } from './replies.ts';
import type { Exchange } from './wire.ts';

/** The answer of a method: what goes into `result`, or the text of an error. */
type Answer = { readonly result: Json } | { readonly error: string };

export function serveWebService(core: EngineCore, exchange: Exchange): void {
  const method = exchange.request.query.get('method');
  const { code, platform, version, websocketPort } = core.profile.version;
  if (method === 'get_version') {
    replyJson(core, exchange, {
      result: { code, platform, version, websocket_port: websocketPort },
      error: null,
    });
  } else if (method === 'get_api_access_token') {
    replyJson(core, exchange, { result: { token: accessToken(core) }, error: null });
  } else if (core.profile.otherServiceMethods === 'access-denied') {
    replyJson(core, exchange, { result: null, error: 'access denied' });
  } else {
    replyOldEnvelope(core, exchange, statusAnswer(core, method) ?? { error: 'unknown method' });
  }
}

export async function serveServerApi(core: EngineCore, exchange: Exchange): Promise<void> {
  const { query } = exchange.request;
  const method = query.get('method');
  const isV3 = query.get('api_version') === '3';
  if (!isV3 && method === 'get_version') {
    replyJson(core, exchange, { result: null, error: 'access denied' });
    return;
  }
  if (isAboutContent(method) && core.profile.contentMethods === 'not-found') {
    replyText(exchange, 404, 'Not Found');
    return;
  }
  const answer = statusAnswer(core, method) ?? (await contentAnswer(core, exchange, method, isV3));
  if (exchange.signal.aborted) return;
  if (!isV3) replyOldEnvelope(core, exchange, answer);
  else if ('error' in answer) replyJson(core, exchange, { error: { message: answer.error, code: 0 } });
  else replyJson(core, exchange, { result: answer.result });
}

function replyOldEnvelope(core: EngineCore, exchange: Exchange, answer: Answer): void {
  if ('error' in answer) replyJson(core, exchange, { result: null, error: answer.error });
  else replyJson(core, exchange, { result: answer.result, error: null });
}

/** The methods about the engine itself; undefined for any other. */
function statusAnswer(core: EngineCore, method: string | null): Answer | undefined {
  const { code, platform, version } = core.profile.version;
  if (method === 'get_status') {
    return { result: { playlist_loaded: false, version: { code, platform, version } } };
  }
  if (method === 'get_network_connection_status') {
    return { result: { connected: isConnected(core) } };
  }
  if (method === 'get_api_access_token') return { result: { token: accessToken(core) } };
  return undefined;
}

/** The methods about contents. None opens a session. */
async function contentAnswer(
  core: EngineCore,
  exchange: Exchange,
  method: string | null,
  isV3: boolean,
): Promise<Answer> {
  const { query } = exchange.request;
  if (method === 'get_content_id') {
    // A transformation, not a look-up: it answers for invented infohashes, too (reference 1).
    return { result: { content_id: hashOf(`content-id:${query.get('infohash') ?? ''}`) } };
  }
  const { contentMethods } = core.profile;
  if (!isAboutContent(method) || contentMethods === 'unknown-method') return { error: 'unknown method' };
  if (contentMethods === 'access-denied') return { error: 'access denied' };

  const asked = method === 'analyze_content' ? analyzed(query.get('query') ?? '') : selectorOf(query);
  if (asked === 'unknown protocol') return { error: asked };
  const content = asked && load(core, asked);
  if (content === undefined) {
    await pause(core, exchange.signal, core.delays.unknownIdMs);
    return { error: 'cannot get transport file' };
  }
  const { infohash, name } = content;
  const isLive = content.files === undefined;
  if (method === 'analyze_content') {
    return {
      result: {
        is_live: isLive ? 1 : 0,
        item_url: `acestream:?infohash=${infohash}`,
        transport_type: 'bt',
        content_type: 'transport_file',
        title: name,
        content_id: hashOf(`content-id:${infohash}`),
        infohash,
        categories: ['sport'],
      },
    };
  }
  const filenames = content.files?.map((file) => file.name) ?? [name];
  const broadcast = core.media.broadcast(content);
  const sizes = content.files?.map((file) => vodFileBytes(broadcast, file)) ?? [0];
  const mimes = content.files?.map(({ mime }) => mime) ?? [];
  if (!isV3)
    return { result: Object.fromEntries(filenames.map((filename, index) => [String(index), filename])) };
  const isFull = query.get('mode') === 'full';
  return {
    result: {
      files: filenames.map((filename, index) =>
        isFull
          ? { index, infohash, filename, mime: mimes[index] ?? 'video/mp2t', size: sizes[index] }
          : { index, filename },
      ),
      name,
      infohash,
      transport_type: 'bt',
      type: isLive ? 'live' : 'vod',
      transport_file_cache_key: isFull ? hashOf(`cache:${infohash}`) : null,
    },
  };
}

function isAboutContent(method: string | null): boolean {
  return method === 'get_media_files' || method === 'analyze_content';
}

/** /search (reference 2.9): one channel for whatever is asked, if the engine can load it. */
export function serveSearch(core: EngineCore, exchange: Exchange): void {
  const { query } = exchange.request;
  const { contentMethods } = core.profile;
  if (contentMethods === 'not-found') {
    replyText(exchange, 404, 'Not Found');
    return;
  }
  if (contentMethods !== 'answered') {
    replyJson(core, exchange, { error: contentMethods.replace('-', ' ') });
    return;
  }
  const name = query.get('query') ?? '';
  const category = query.get('category') ?? 'sport';
  const infohash = derivedInfohash(`search:${name}`);
  const isFound = name !== '' && load(core, { parameter: 'infohash', value: infohash }) !== undefined;
  const item = {
    status: 2,
    languages: ['eng'],
    name: `Test pattern: ${name}`,
    countries: ['us'],
    infohash,
    channel_id: 4711,
    availability: 1,
    availability_updated_at: Math.floor(core.clock.wallMs() / 1000),
    categories: [category],
    bitrate: core.media.bytesPerSecond,
    disabled: false,
  };
  const onPage = isFound && Number(query.get('page') ?? 0) === 0;
  replyJson(core, exchange, {
    result: {
      total: isFound ? 1 : 0,
      results: onPage ? [{ name: item.name, icons: [], items: [item] }] : [],
      time: 0.004,
    },
  });
}

function analyzed(text: string): Selector | 'unknown protocol' | undefined {
  if (!text.startsWith('acestream:?')) return 'unknown protocol';
  return selectorOf(new URLSearchParams(text.slice('acestream:?'.length)));
}

function isConnected({ faults }: EngineCore): boolean {
  return faults.find('disconnected') === undefined && faults.find('networkDown') === undefined;
}

function accessToken(core: EngineCore): string {
  return createHash('sha256').update(`token:${core.profile.version.version}`).digest('hex');
}

function hashOf(text: string): string {
  return createHash('sha1').update(`acemux-simulator:${text}`).digest('hex');
}
