import type { Faults, FoundFault } from './faults.ts';
import type { Json } from './json.ts';
import type { PlaybackSession } from './playback-session.ts';
import type { EngineProfile } from './profile.ts';

/** How a session gets under way, milliseconds since it was opened. */
export interface StartTimes {
  /** `idle` so long, then `prebuf`. */
  readonly idleMs: number;
  /** `prebuf` so long, then `dl`: media is there. */
  readonly prebufMs: number;
}

export interface SessionProgress {
  readonly status: 'idle' | 'prebuf' | 'dl' | 'buf';
  readonly peers: number;
  readonly speedDownKilobytes: number;
  readonly downloadedBytes: number;
}

export interface ProgressInput {
  readonly session: PlaybackSession;
  readonly nowMs: number;
  readonly times: StartTimes;
  readonly faults: Faults;
  readonly bytesPerSecond: number;
  /** What has been loaded by the time playback begins. */
  readonly burstBytes: number;
  /** The share of the media's rate that comes in, 0 to 1. */
  readonly share: number;
  /** A recording's size; undefined for live. */
  readonly fileBytes: number | undefined;
}

/** Pieces come whole: `downloaded` grows in such steps (item 12). */
const PIECE_BYTES = 16 * 1024;
const HEALTHY_PEERS = 14;
/** How far back the live window reaches, in seconds (the vendor's example). */
const WINDOW_SECONDS = 1800;

/** The fault that keeps this session from ever getting data, if there is one. */
export function deadChannel(
  faults: Faults,
  session: PlaybackSession,
): FoundFault<'zeroPeers'> | FoundFault<'peersNoData'> | undefined {
  const whom = { infohash: session.infohash, session: session.token };
  return faults.find('zeroPeers', whom) ?? faults.find('peersNoData', whom);
}

/** Whether a fault keeps this session from ever giving a byte. */
export function lacksMedia(faults: Faults, session: PlaybackSession): boolean {
  const whom = { infohash: session.infohash, session: session.token };
  return (
    faults.find('halfDead', whom) !== undefined ||
    faults.find('networkDown', whom) !== undefined ||
    deadChannel(faults, session) !== undefined
  );
}

/** Where a session stands: a function of the time since it was opened, and of faults. */
export function progressOf(input: ProgressInput): SessionProgress {
  const { session, nowMs, times, faults, bytesPerSecond, burstBytes, share, fileBytes } = input;
  const whom = { infohash: session.infohash, session: session.token };
  const elapsedMs = nowMs - session.openedMs;
  if (elapsedMs < times.idleMs)
    return { status: 'idle', peers: 0, speedDownKilobytes: 0, downloadedBytes: 0 };

  const dead = deadChannel(faults, session);
  if (dead !== undefined) {
    const peers = dead.fault.kind === 'peersNoData' ? dead.fault.peers : 0;
    return { status: 'prebuf', peers, speedDownKilobytes: 0, downloadedBytes: 0 };
  }
  const playingMs = elapsedMs - times.idleMs - times.prebufMs;
  const speedDownKilobytes = Math.round((bytesPerSecond * share) / 1024);
  const networkDown = faults.find('networkDown', whom);
  if (playingMs < 0) {
    const loadedBytes = networkDown === undefined ? burstBytes * (1 + playingMs / times.prebufMs) : 0;
    return {
      status: 'prebuf',
      peers: networkDown === undefined ? HEALTHY_PEERS : 0,
      speedDownKilobytes: networkDown === undefined ? speedDownKilobytes : 0,
      downloadedBytes: inPieces(loadedBytes),
    };
  }
  const stopped = networkDown ?? hungSince(input);
  const loadingMs = stopped === undefined ? playingMs : Math.max(0, playingMs - (nowMs - stopped.setMs));
  const loadedBytes = burstBytes + (bytesPerSecond * share * loadingMs) / 1000;
  return {
    status:
      stopped === undefined
        ? 'dl'
        : stopped.fault.kind === 'networkDown'
          ? 'buf'
          : (stopped.fault.status ?? 'dl'),
    peers: networkDown === undefined ? HEALTHY_PEERS : 0,
    speedDownKilobytes: stopped === undefined ? speedDownKilobytes : 0,
    downloadedBytes:
      fileBytes === undefined ? inPieces(loadedBytes) : Math.min(fileBytes, inPieces(loadedBytes)),
  };
}

/** The fault that has stopped the session's body, if one has; `setMs` is when it struck. */
function hungSince({
  faults,
  session,
  nowMs,
  times,
}: ProgressInput): FoundFault<'hangMidStream'> | undefined {
  const hang = faults.find('hangMidStream', { infohash: session.infohash, session: session.token });
  if (hang === undefined) return undefined;
  const { afterMs, afterBytes } = hang.fault;
  if (afterBytes !== undefined && afterMs === undefined) {
    return session.bytesSent >= afterBytes ? { ...hang, setMs: nowMs } : undefined;
  }
  const readyMs = session.openedMs + times.idleMs + times.prebufMs;
  const setMs = Math.max(hang.setMs, readyMs) + (afterMs ?? 0);
  return nowMs < setMs ? undefined : { ...hang, setMs };
}

/** The `response` of a stat reply (reference 3.1). */
export function statResponse(
  session: PlaybackSession,
  progress: SessionProgress,
  options: { profile: EngineProfile; liveEdgeWallMs: number; fileBytes: number | undefined },
): Json {
  const { status, peers, speedDownKilobytes, downloadedBytes } = progress;
  const { fileBytes } = options;
  const uploadedBytes = inPieces(downloadedBytes / 50);
  return {
    status,
    is_live: session.isLive ? 1 : 0,
    is_encrypted: 0,
    infohash: session.infohash,
    playback_session_id: session.shared.currentPlaybackSessionId,
    client_session_id: session.request.clientSessionId,
    peers,
    speed_down: speedDownKilobytes,
    speed_up: Math.round(speedDownKilobytes / 50),
    downloaded: downloadedBytes,
    uploaded: uploadedBytes,
    total_progress: fileBytes === undefined ? 0 : Math.floor((100 * downloadedBytes) / fileBytes),
    selected_stream_index: 0,
    selected_file_index: session.request.fileIndex ?? -1,
    stream_status: -1,
    manifest_access_mode: -1,
    network_monitor_started: true,
    network_monitor_status: 0,
    debug_level: 0,
    disk_cache_stats: {
      avail: 21_474_836_480,
      disk_cache_limit: 10_737_418_240,
      active_inuse: Math.min(downloadedBytes, 104_857_600),
      inactive_inuse: 0,
    },
    livepos: session.isLive && status === 'dl' ? livepos(options) : undefined,
  };
}

function livepos(options: { profile: EngineProfile; liveEdgeWallMs: number }): Json {
  const form = options.profile.liveposValues;
  const lastSeconds = Math.floor(options.liveEdgeWallMs / 1000);
  const firstSeconds = lastSeconds - WINDOW_SECONDS;
  // A broadcast that comes from an HLS source counts pieces instead; only `*_ts` are times there.
  const place = (seconds: number): number =>
    form === 'piece-numbers' ? Math.floor(seconds / 6) % 1_000_000 : seconds;
  const value = (number: number): Json => (form === 'strings' ? String(number) : number);
  return {
    first: value(place(firstSeconds)),
    first_ts: value(firstSeconds),
    last: value(place(lastSeconds)),
    last_ts: value(lastSeconds),
    live_first: value(place(firstSeconds)),
    live_last: value(place(lastSeconds)),
    pos: value(place(lastSeconds - 2)),
    is_live: value(1),
    buffer_pieces: value(30),
  };
}

function inPieces(bytes: number): number {
  return Math.floor(bytes / PIECE_BYTES) * PIECE_BYTES;
}
