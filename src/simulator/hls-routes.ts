/** An engine's HLS: the playlist of a session and the segments of an infohash (reference 2.2, 6.2; item 27). */
import { baseUrl, type EngineCore } from './engine-core.ts';
import { filePackets } from './media-source.ts';
import type { PlaybackSession, SessionEnd } from './playback-session.ts';
import { pause, replyText } from './replies.ts';
import { type Segment, Segmenter } from './segmenter.ts';
import { lacksMedia } from './stat-reply.ts';
import type { Exchange } from './wire.ts';

/** A session's first playlist has so many segments, later ones at most so many. */
const SEGMENTS_FIRST = 3;
const SEGMENTS_MAX = 17;
/** Segments are kept so long after they left the playlist: as many again. */
const SEGMENTS_KEPT = 2 * SEGMENTS_MAX;
/** How often a playlist that waits looks whether there is media now. */
const LOOK_MS = 100;

/** The segments that a session offers now. */
interface Offer {
  readonly segmenter: Segmenter;
  /** The number on the wire of the broadcast's segment 0. */
  readonly numberOffset: number;
  readonly first: number;
  readonly end: number;
  readonly isWhole: boolean;
}

/** `ended`: how the session with the path's token ended, if it is known. */
export async function servePlaylist(
  core: EngineCore,
  exchange: Exchange,
  session: PlaybackSession | undefined,
  ended: SessionEnd | undefined,
): Promise<void> {
  if (session?.request.form !== 'hls') {
    replyEnded(exchange, ended);
    return;
  }
  const { faults, profile, sessions, journal } = core;
  const whom = { infohash: session.infohash, session: session.token };
  const preloading = faults.find('mediaStatus', whom)?.fault;
  if (preloading !== undefined) {
    replyText(exchange, preloading.status, preloading.body ?? 'preloading');
    return;
  }
  sessions.touch(session);
  let offer = offerOf(core, session);
  if (offer.end === offer.first && profile.playlistWhilePreparing !== 'waits') {
    replyText(exchange, profile.playlistWhilePreparing, 'preloading');
    return;
  }
  const waiting = AbortSignal.any([exchange.signal, session.ended.signal]);
  while (offer.end === offer.first && !waiting.aborted) {
    await pause(core, waiting, LOOK_MS);
    offer = offerOf(core, session);
  }
  if (exchange.signal.aborted) return;
  if (session.endReason !== undefined) {
    replyEnded(exchange, session.endReason);
    return;
  }
  const body = playlistText(offer, `${baseUrl(core, exchange, whom)}/ace/c/${session.infohash}`);
  journal.counters.mediaBytesSent += body.length;
  exchange.reply({ status: 200, contentType: 'application/vnd.apple.mpegurl', body });
}

/** `session`: the one that plays the path's infohash; whoever asks for its segments keeps it alive. */
export function serveSegment(
  core: EngineCore,
  exchange: Exchange,
  session: PlaybackSession | undefined,
): void {
  const wireNumber = /\/(\d{1,12})\.ts$/.exec(exchange.request.path)?.[1];
  if (session === undefined || wireNumber === undefined) {
    replyText(exchange, 404, 'download not found');
    return;
  }
  const offer = offerOf(core, session);
  const number = Number(wireNumber) - offer.numberOffset;
  const oldest = offer.isWhole ? 0 : Math.max(firstSegment(core, session), offer.end - SEGMENTS_KEPT);
  if (number < oldest || number >= offer.end) {
    replyText(exchange, 404, 'download not found');
    return;
  }
  core.sessions.touch(session);
  const body = offer.segmenter.bytes(number);
  core.journal.counters.mediaBytesSent += body.length;
  session.bytesSent += body.length;
  exchange.reply({ status: 200, contentType: 'video/mp2t', body });
}

/** A superseded session's playlist is forbidden, one that was stopped an error (measured on 3.2.3). */
function replyEnded(exchange: Exchange, ended: SessionEnd | undefined): void {
  if (ended === 'superseded') replyText(exchange, 403, 'Forbidden');
  else replyText(exchange, 500, 'Internal Server Error');
}

function offerOf(core: EngineCore, session: PlaybackSession): Offer {
  const { media, clock, faults, profile } = core;
  const broadcast = media.broadcast(session.request.content);
  const segmenter = new Segmenter(broadcast);
  const file = session.request.content.files?.[session.request.fileIndex ?? 0];
  const isReady = clock.nowMs() >= readyMs(core, session) && !lacksMedia(faults, session);
  if (file !== undefined) {
    const end = segmenter.complete(filePackets(broadcast, file.durationSeconds));
    return { segmenter, numberOffset: 0, first: 0, end: isReady ? end : 0, isWhole: true };
  }
  const oldest = firstSegment(core, session);
  const end = isReady ? segmenter.complete(media.packetsOnAir(broadcast)) : oldest;
  return {
    segmenter,
    numberOffset: profile.segmentNumbers === 'from-zero' ? -oldest : 0,
    first: Math.max(oldest, end - SEGMENTS_MAX),
    end,
    isWhole: false,
  };
}

function readyMs(core: EngineCore, session: PlaybackSession): number {
  return session.openedMs + core.delays.idleMs + core.delays.prebufMs;
}

/** The oldest segment that a playback has: so many were whole when its first session got ready. */
function firstSegment(core: EngineCore, session: PlaybackSession): number {
  const { media, clock } = core;
  const oldest = [...session.shared.members].find((member) => member.request.form === 'hls') ?? session;
  const broadcast = media.broadcast(session.request.content);
  const agoMs = clock.nowMs() - readyMs(core, oldest);
  const whole = new Segmenter(broadcast).complete(media.packetsOnAir(broadcast, agoMs));
  return Math.max(0, whole - SEGMENTS_FIRST);
}

/** In the form that was measured: absolute addresses, six decimals. */
function playlistText(offer: Offer, base: string): string {
  const { segmenter, first, end, numberOffset, isWhole } = offer;
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    `#EXT-X-TARGETDURATION:${segmenter.targetSeconds}`,
    `#EXT-X-MEDIA-SEQUENCE:${first + numberOffset}`,
  ];
  for (let number = first; number < end; number++) {
    const { durationSeconds }: Segment = segmenter.segment(number);
    lines.push(`#EXTINF:${durationSeconds.toFixed(6)},`, `${base}/${number + numberOffset}.ts`);
  }
  if (isWhole) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}
