/** What a session's addresses answer: redirect, media, stat, commands, events (reference 2.3–2.6, 3). */

import type { Broadcast } from './broadcast.ts';
import { type ByteRange, byteRangeOf } from './byte-range.ts';
import type { EngineCore } from './engine-core.ts';
import { sessionPath, shareOfThroughput, targetOf } from './engine-core.ts';
import { MediaFaults } from './media-faults.ts';
import { MediaReader } from './media-reader.ts';
import { type LiveFaults, LiveSource, openVodFile, vodFileBytes } from './media-source.ts';
import type { PlaybackSession } from './playback-session.ts';
import type { Remux } from './remux.ts';
import { pause, redirectWithin, replyJson, replyText } from './replies.ts';
import { progressOf, type SessionProgress, statResponse } from './stat-reply.ts';
import type { Exchange } from './wire.ts';

const UNKNOWN_SESSION = 'unknown playback session id';
/** An event poll with nothing to tell ends after this; how real engines end it is not known (reference 12). */
const EVENT_POLL_MS = 30_000;

/** So many addresses of superseded sessions are known on: enough for any test, and no leak in a long run. */
const SUPERSEDED_MAX = 1_000;

/** The media addresses that redirects gave out, and whose they are. */
export class ContentAddresses {
  readonly #sessions = new Map<string, PlaybackSession>();
  #superseded = 0;

  /** A new address for the session's media; it is forgotten when the session ends. */
  create(session: PlaybackSession): string {
    const path = `/content/${session.infohash}/${Math.random()}`;
    this.#sessions.set(path, session);
    const onEnd = (): void => {
      // Whoever still reads a session that another one replaced has an answer of his own (item 44).
      if (session.endReason === 'superseded' && this.#superseded++ < SUPERSEDED_MAX) return;
      this.#sessions.delete(path);
    };
    session.ended.signal.addEventListener('abort', onEnd, { once: true });
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
  const whom = targetOf(session);
  const loop = core.faults.find('redirectLoop', whom);
  await redirectWithin(core, exchange, loop ? sessionPath('r', session) : addresses.create(session), whom);
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
  const whom = { infohash: session.infohash, session: session.token };
  const { counters } = journal;
  const doubled = faults.find('doubleReader', whom)?.fault;
  if (doubled !== undefined || session.endReason !== undefined) {
    if (doubled === undefined && profile.secondReader !== 'corrupt-reply') {
      replyText(exchange, 500, 'Internal Server Error');
      return;
    }
    counters.corruptReplies++;
    replyCorrupt(exchange, doubled?.status ?? 500);
    return;
  }
  const preloading = faults.find('mediaStatus', whom);
  if (preloading !== undefined) {
    replyText(exchange, preloading.fault.status, preloading.fault.body ?? 'preloading');
    return;
  }
  counters.readersAtOnceMax = Math.max(counters.readersAtOnceMax, session.readers.size + 1);
  const file = session.request.content.files?.[session.request.fileIndex ?? 0];
  if (session.readers.size > 0 && !(file !== undefined && profile.severalFileReaders)) {
    if (profile.secondReader === 'corrupt-reply' && !session.request.newReaderCutsOld) {
      counters.corruptReplies++;
      replyCorrupt(exchange, 200);
      return;
    }
    for (const reader of [...session.readers]) reader.end('eof');
  }

  const broadcast = media.broadcast(session.request.content);
  const sizeBytes = file === undefined ? undefined : vodFileBytes(broadcast, file);
  const { range } = exchange.request.headers;
  const asked = sizeBytes === undefined ? undefined : byteRangeOf(range, sizeBytes);
  if (asked === 'unsatisfiable') {
    exchange.begin(416, [
      ['Content-Range', `bytes */${sizeBytes}`],
      ['Content-Length', '0'],
    ]);
    exchange.raw().end();
    return;
  }
  const remux = media.remux(session);
  const reader = new MediaReader({
    clock,
    faults,
    session,
    exchange,
    readyMs: session.openedMs + delays.idleMs + delays.prebufMs,
    headersWaitForMedia: profile.headersWaitForMedia,
    status: asked === undefined ? 200 : 206,
    headers: [
      ['Content-Type', file?.mime ?? 'video/mp2t'],
      ...(sizeBytes === undefined ? [] : fileHeaders(sizeBytes, asked)),
    ],
    // It was recorded of a live channel.
    headerShape: file === undefined ? profile.headerShapes.media : undefined,
    bytesPerSecond: media.bytesPerSecond,
    // A file comes as fast as it is read, whatever else the engine does.
    share: () => (file === undefined ? shareOf(core, session) : 1),
    openSource: () =>
      file !== undefined
        ? openVodFile(broadcast, file, asked)
        : new LiveSource({
            broadcast,
            remux,
            ...media.delivery(broadcast),
            faults: liveFaults(core, session, broadcast, remux),
          }),
    onBytes: (count) => {
      exchange.times.mediaWallMs ??= clock.wallMs();
      counters.mediaBytesSent += count;
    },
  });
  const ended = reader.run();
  sessions.touch(session);
  await ended;
  sessions.touch(session);
}

/** The faults in the media of one reader. */
function liveFaults(
  core: EngineCore,
  session: PlaybackSession,
  broadcast: Broadcast,
  remux: Remux | undefined,
): LiveFaults {
  const { faults, media, clock } = core;
  const whom = { infohash: session.infohash, session: session.token };
  const replacement = (): Broadcast | undefined => {
    const shown = faults.find('pmtChange', whom)?.fault.media;
    return shown === undefined ? undefined : media.broadcast(session.request.content, shown);
  };
  const damage = new MediaFaults({
    faults,
    whom,
    programs: () => (replacement() ?? broadcast).layout.clip.programs,
    clockTicksAt: (nowMs) => media.clockTicksAt(nowMs) + (remux?.clockOffset90 ?? 0),
  });
  return {
    loop() {
      const found = faults.find('loop', whom);
      if (found === undefined) return undefined;
      const end = media.packetsOnAir(broadcast, clock.nowMs() - found.setMs);
      const seconds = Math.round(found.fault.seconds * 1000 * broadcast.layout.packetsPerMs);
      return end === 0 ? undefined : { from: Math.max(0, end - Math.max(1, seconds)), end };
    },
    replacement,
    apply: (packets) => damage.apply(packets),
  };
}

/** The share of its rate that a session's media has now. */
function shareOf(core: EngineCore, session: PlaybackSession): number {
  const whom = { infohash: session.infohash, session: session.token };
  return Math.min(shareOfThroughput(core), core.faults.find('starve', whom)?.fault.factor ?? 1);
}

/** How far the positions in stat are behind, because the media repeats itself. */
function behindMs(core: EngineCore, session: PlaybackSession): number {
  const loop = core.faults.find('loop', { infohash: session.infohash, session: session.token });
  if (loop === undefined) return 0;
  const sinceMs = core.clock.nowMs() - loop.setMs;
  const lengthMs = loop.fault.seconds * 1_000;
  switch (loop.fault.livepos) {
    case 'lagging':
      return sinceMs / 2;
    case 'back':
      return sinceMs + lengthMs - (sinceMs % lengthMs);
    default:
      return sinceMs;
  }
}

/** What players need of a recording (reference 6.3; none of it was measured). */
function fileHeaders(sizeBytes: number, range: ByteRange | undefined): (readonly [string, string])[] {
  const { from, end } = range ?? { from: 0, end: sizeBytes };
  const headers: (readonly [string, string])[] = [
    ['Accept-Ranges', 'bytes'],
    ['Content-Length', String(end - from)],
  ];
  if (range !== undefined) headers.push(['Content-Range', `bytes ${from}-${end - 1}/${sizeBytes}`]);
  return headers;
}

/** What a second reader of one TS address gets: a status line where a header should be (items 20, 44). */
function replyCorrupt(exchange: Exchange, status: 200 | 500): void {
  const second = status === 200 ? '200 OK' : '500 Internal Server Error';
  exchange.raw().end(`HTTP/1.1 200 OK\r\nHTTP/1.1 ${second}\r\nContent-Type: video/mp2t\r\n\r\n`);
}

/** Where a session stands now. */
export function progressNow(core: EngineCore, session: PlaybackSession): SessionProgress {
  const { clock, delays, faults, media } = core;
  return progressOf({
    session,
    nowMs: clock.nowMs(),
    times: delays,
    faults,
    bytesPerSecond: media.bytesPerSecond,
    burstBytes: media.burstBytes,
    share: shareOf(core, session),
    fileBytes: fileBytesOf(core, session),
  });
}

/** The size of the recording that a session plays; undefined for live. */
function fileBytesOf({ media }: EngineCore, { request }: PlaybackSession): number | undefined {
  const file = request.content.files?.[request.fileIndex ?? 0];
  return file && vodFileBytes(media.broadcast(request.content), file);
}

export function serveStat(core: EngineCore, exchange: Exchange, session: PlaybackSession | undefined): void {
  const { profile, sessions, media } = core;
  if (session === undefined) {
    replyUnknown(core, exchange);
    return;
  }
  const silent = exchange.request.query.get('skip_player_activity') === '1';
  if (profile.statProlongsSession && !silent) sessions.touch(session);
  session.statReplies++;
  if (profile.emptyFirstStat && session.statReplies === 1) {
    replyJson(core, exchange, { response: {}, error: null });
    return;
  }
  const fileBytes = fileBytesOf(core, session);
  const progress = progressNow(core, session);
  const liveEdgeWallMs = media.liveEdgeWallMs() - behindMs(core, session);
  replyJson(core, exchange, {
    response: statResponse(session, progress, { profile, liveEdgeWallMs, fileBytes }),
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
  replyJson(core, exchange, { response: 'ok', error: null });
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
      replyJson(core, exchange, { response: null, error: null });
      return;
    }
  }
  replyUnknown(core, exchange);
}

function replyUnknown(core: EngineCore, exchange: Exchange): void {
  replyJson(core, exchange, { response: null, error: UNKNOWN_SESSION }, core.profile.unknownSessionStatus);
}
