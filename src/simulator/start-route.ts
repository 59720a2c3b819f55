/** /ace/getstream and /ace/manifest.m3u8: load a content and open a session on it (reference 2.1, 2.2). */
import { type Content, selectorOf } from './catalogue.ts';
import { baseUrl, type EngineCore, load, playbackPath, sessionPath, targetOf } from './engine-core.ts';
import type { Json } from './json.ts';
import type { PlaybackSession } from './playback-session.ts';
import { pause, redirect, redirectWithin, replyJson, replyText } from './replies.ts';
import type { Exchange } from './wire.ts';

const HUGE_BODY_BYTES = 1_100_000;

export async function serveStart(core: EngineCore, exchange: Exchange, form: 'ts' | 'hls'): Promise<void> {
  const { query } = exchange.request;
  const selector = selectorOf(query);
  if (selector === undefined) {
    replyText(exchange, 500, 'Internal Server Error');
    return;
  }
  const content = load(core, selector);
  if (content === undefined) {
    const { unknownIdMs, unknownInfohashMs } = core.delays;
    await pause(core, exchange.signal, selector.parameter === 'infohash' ? unknownInfohashMs : unknownIdMs);
    if (!exchange.signal.aborted) fail(core, exchange, 'failed to load content');
    return;
  }
  // No await before the session is there: it opens in the very turn in which the request arrives.
  const faulty = faultyAnswer(core, exchange, content);
  if (faulty !== undefined) {
    await pause(core, exchange.signal, core.delays.replyMs);
    if (!exchange.signal.aborted) await faulty();
    return;
  }

  const fileIndex = fileIndexOf(content, query);
  if (content.files !== undefined && fileIndex === undefined) {
    replyFileList(core, exchange, content, form);
    return;
  }
  const session = core.sessions.start({
    content,
    form,
    fileIndex,
    pid: query.get('pid') ?? query.get('sid') ?? undefined,
    clientSessionId: Number.parseInt(query.get('client_session_id') ?? '-1', 10) || -1,
    newReaderCutsOld: query.get('stop_prev_read_thread') === '1',
    wantsEvents: query.get('use_api_events') === '1',
  });
  // The session is there from here on, whether or not anybody waits for its addresses (item 9).
  let answered = false;
  const onGone = (): void => {
    if (!answered) core.journal.counters.sessionsLeaked++;
  };
  exchange.signal.addEventListener('abort', onGone, { once: true });
  const oom = core.faults.find('oom')?.fault;
  if (oom !== undefined && core.sessions.open().length > oom.streams) {
    core.restart(oom.downMs);
    return;
  }
  const hang = core.faults.find('hangBeforeHeaders', { infohash: content.infohash });
  if (hang !== undefined && (hang.fault.routes?.includes(form === 'hls' ? 'manifest' : 'start') ?? true))
    return;
  await pause(core, exchange.signal, core.delays.replyMs);
  if (exchange.signal.aborted) return;
  answered = true;
  if (wantsJson(query))
    replyJson(core, exchange, { response: addresses(core, exchange, session), error: null });
  else await redirectWithin(core, exchange, playbackPath(session), targetOf(session));
}

/** The files of a recording as a list, where the version has it (reference 6.3). Opens no session. */
export function servePlM3u(core: EngineCore, exchange: Exchange): void {
  const selector = selectorOf(exchange.request.query);
  const content = selector && load(core, selector);
  if (!core.profile.listsFilesAtPlM3u || content === undefined) {
    replyText(exchange, 500, 'Internal Server Error');
    return;
  }
  replyFileList(core, exchange, content, 'ts');
}

function addresses(core: EngineCore, exchange: Exchange, session: PlaybackSession): Json {
  const base = baseUrl(core, exchange, targetOf(session));
  return {
    playback_url: `${base}${playbackPath(session)}`,
    stat_url: `${base}${sessionPath('stat', session)}`,
    command_url: `${base}${sessionPath('cmd', session)}`,
    event_url: session.request.wantsEvents ? `${base}${sessionPath('event', session)}` : undefined,
    infohash: session.infohash,
    playback_session_id: session.playbackSessionId,
    client_session_id: session.request.clientSessionId,
    is_live: session.isLive ? 1 : 0,
    is_encrypted: 0,
  };
}

/** What answers in the place of a start when a fault says so; undefined when none does. */
function faultyAnswer(
  core: EngineCore,
  exchange: Exchange,
  content: Content,
): (() => Promise<void>) | undefined {
  const whom = { infohash: content.infohash };
  const foreign = core.faults.find('redirectForeign', whom);
  if (foreign !== undefined) return () => redirect(core, exchange, foreign.fault.url, whom);

  const error = core.faults.find('errorJson', whom);
  if (error !== undefined) {
    const { error: text, extraData } = error.fault;
    return async () =>
      fail(core, exchange, text, extraData === undefined ? {} : { extra_data: toJson(extraData) });
  }
  const kinds = ['invalidJson', 'emptyBody', 'htmlBody', 'hugeBody'] as const;
  const kind = kinds.find((candidate) => core.faults.find(candidate, whom) !== undefined);
  if (kind === undefined) return undefined;
  const contentType = kind === 'htmlBody' ? 'text/html' : 'application/json';
  return async () => exchange.reply({ status: 200, contentType, body: WRONG_BODY[kind]() });
}

const WRONG_BODY: Readonly<Record<'invalidJson' | 'emptyBody' | 'htmlBody' | 'hugeBody', () => string>> = {
  invalidJson: () => '{"response": {"playback_url": "http://',
  emptyBody: () => '',
  htmlBody: () => '<html><body><h1>It works!</h1></body></html>',
  hugeBody: () => `{"response": null, "error": "${'x'.repeat(HUGE_BODY_BYTES)}"}`,
};

/** A failed start: 200 and JSON, or 500 and text when no JSON was asked for (reference 4.1). */
function fail(
  core: EngineCore,
  exchange: Exchange,
  error: string,
  extra: { readonly [key: string]: Json } = {},
): void {
  if (wantsJson(exchange.request.query)) replyJson(core, exchange, { response: null, error, ...extra });
  else replyText(exchange, 500, error);
}

function wantsJson(query: URLSearchParams): boolean {
  return query.get('format') === 'json' || query.get('format') === 'jsonp';
}

/** The file to play; undefined for live channels, and where a recording has several and none was named. */
function fileIndexOf(content: Content, query: URLSearchParams): number | undefined {
  if (content.files === undefined) return undefined;
  const asked = query.get('_idx');
  if (asked === null) return content.files.length === 1 ? 0 : undefined;
  const index = Number(asked);
  return content.files[index] === undefined ? undefined : index;
}

function replyFileList(core: EngineCore, exchange: Exchange, content: Content, form: 'ts' | 'hls'): void {
  const path = form === 'hls' ? '/ace/manifest.m3u8' : '/ace/getstream';
  const base = baseUrl(core, exchange, { infohash: content.infohash });
  const lines = ['#EXTM3U'];
  for (const [index, file] of (content.files ?? []).entries()) {
    lines.push(`#EXTINF:-1,${file.name}`, `${base}${path}?infohash=${content.infohash}&_idx=${index}`);
  }
  exchange.reply({ status: 200, contentType: 'application/x-mpegURL', body: `${lines.join('\n')}\n` });
}

/** What a fault carries came as JSON or as a literal in a test; what JSON cannot say becomes null. */
function toJson(value: unknown): Json {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJson(member)]));
}
