/** What a session's addresses answer: redirect, media, stat, commands, events (reference 2.3–2.6, 3). */

import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { EngineCore } from './engine-core.ts';
import { sessionPath } from './engine-core.ts';
import { MediaReader } from './media-reader.ts';
import { FileSource, fileSizeBytes, LiveSource } from './media-source.ts';
import type { PlaybackSession } from './playback-session.ts';
import { pause, redirectWithin, replyJson, replyText } from './replies.ts';
import { progressOf, statResponse } from './stat-reply.ts';
import type { Exchange } from './wire.ts';

const UNKNOWN_SESSION = 'unknown playback session id';
/** An event poll with nothing to tell ends after this; how real engines end it is not known (reference 12). */
const EVENT_POLL_MS = 30_000;

/** The media addresses that redirects gave out, and whose they are. */
export class ContentAddresses {
  readonly #sessions = new Map<string, PlaybackSession>();

  /** A new address for the session's media; it is forgotten when the session ends. */
  create(session: PlaybackSession): string {
    const path = `/content/${session.infohash}/${Math.random()}`;
    this.#sessions.set(path, session);
    session.ended.signal.addEventListener('abort', () => this.#sessions.delete(path), { once: true });
    return path;
  }

  find(path: string): PlaybackSession | undefined {
    return this.#sessions.get(path);
  }
}

export async function serveRedirect(
  core: EngineCore,
  exchange: Exchange,
  session: PlaybackSession | undefined,
  addresses: ContentAddresses,
): Promise<void> {
  if (session?.request.form !== 'ts') {
    replyText(exchange, 500, 'Internal Server Error');
    return;
  }
  const loop = core.faults.find('redirectLoop', { infohash: session.infohash, session: session.token });
  await redirectWithin(core, exchange, loop ? sessionPath('r', session) : addresses.create(session));
}

export async function serveContent(
  core: EngineCore,
  exchange: Exchange,
  session: PlaybackSession | undefined,
): Promise<void> {
  const { faults, journal, profile, delays, media, sessions, clock } = core;
  if (session === undefined) {
    replyText(exchange, 500, 'Internal Server Error');
    return;
  }
  const preloading = faults.find('mediaStatus', { infohash: session.infohash, session: session.token });
  if (preloading !== undefined) {
    replyText(exchange, preloading.fault.status, preloading.fault.body ?? 'preloading');
    return;
  }
  const { counters } = journal;
  counters.readersAtOnceMax = Math.max(counters.readersAtOnceMax, session.readers.size + 1);
  if (session.readers.size > 0) {
    if (profile.secondReader === 'corrupt-reply' && !session.request.newReaderCutsOld) {
      counters.corruptReplies++;
      replyCorrupt(exchange);
      return;
    }
    for (const reader of [...session.readers]) reader.end('eof');
  }

  const broadcast = media.broadcast(session.infohash);
  const file = session.request.content.files?.[session.request.fileIndex ?? 0];
  const sizeBytes = file === undefined ? undefined : fileSizeBytes(broadcast, file.durationSeconds);
  const reader = new MediaReader({
    clock,
    faults,
    session,
    exchange,
    readyMs: session.openedMs + delays.idleMs + delays.prebufMs,
    headersWaitForMedia: profile.headersWaitForMedia,
    headers: [
      ['Content-Type', 'video/mp2t'],
      ...(sizeBytes === undefined ? [] : [['Content-Length', String(sizeBytes)] as const]),
    ],
    openSource: () =>
      file !== undefined
        ? new FileSource(broadcast, file.durationSeconds)
        : new LiveSource({
            broadcast,
            remux: media.remux(session),
            packetsOnAir: () => media.packetsOnAir(broadcast),
            burstPackets: Math.floor(media.burstBytes / PACKET_BYTES),
          }),
    onBytes: (count) => {
      counters.mediaBytesSent += count;
    },
  });
  const ended = reader.run();
  sessions.touch(session);
  await ended;
  sessions.touch(session);
}

/** What a second reader of one TS address gets: a status line where a header should be (item 20). */
function replyCorrupt(exchange: Exchange): void {
  exchange.raw().end('HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n');
}

export function serveStat(core: EngineCore, exchange: Exchange, session: PlaybackSession | undefined): void {
  const { profile, sessions, clock, delays, faults, media } = core;
  if (session === undefined) {
    replyUnknown(core, exchange);
    return;
  }
  const silent = exchange.request.query.get('skip_player_activity') === '1';
  if (profile.statProlongsSession && !silent) sessions.touch(session);
  session.statReplies++;
  if (profile.emptyFirstStat && session.statReplies === 1) {
    replyJson(exchange, { response: {}, error: null });
    return;
  }
  const { bytesPerSecond, burstBytes } = media;
  const progress = progressOf({
    session,
    nowMs: clock.nowMs(),
    times: delays,
    faults,
    bytesPerSecond,
    burstBytes,
  });
  const liveEdgeWallMs = media.liveEdgeWallMs();
  replyJson(exchange, {
    response: statResponse(session, progress, { profile, liveEdgeWallMs }),
    error: null,
  });
}

export function serveCommand(
  core: EngineCore,
  exchange: Exchange,
  session: PlaybackSession | undefined,
): void {
  const { query } = exchange.request;
  const method = query.get('method');
  const { counters } = core.journal;
  if (method === 'stop') {
    counters.stopsReceived++;
    if (session === undefined) counters.stopsForUnknownSessions++;
  }
  if (session === undefined) {
    replyUnknown(core, exchange);
    return;
  }
  if (method === 'set_player_activity_timeout') {
    const seconds = Number(query.get('timeout'));
    if (seconds > 0) session.idleExpiryMs = seconds * 1000;
    core.sessions.touch(session);
  }
  replyJson(exchange, { response: 'ok', error: null });
  if (method === 'stop') core.sessions.end(session, 'stopped');
}

export async function serveEvent(
  core: EngineCore,
  exchange: Exchange,
  session: PlaybackSession | undefined,
): Promise<void> {
  if (session !== undefined) {
    await pause(core, AbortSignal.any([exchange.signal, session.ended.signal]), EVENT_POLL_MS);
    if (exchange.signal.aborted) return;
    if (session.endReason === undefined) {
      replyJson(exchange, { response: null, error: null });
      return;
    }
  }
  replyUnknown(core, exchange);
}

function replyUnknown(core: EngineCore, exchange: Exchange): void {
  replyJson(exchange, { response: null, error: UNKNOWN_SESSION }, core.profile.unknownSessionStatus);
}
