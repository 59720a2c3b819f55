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
  return faults.find('halfDead', whom) !== undefined || deadChannel(faults, session) !== undefined;
}

/** Where a session stands: a function of the time since it was opened, and of faults. */
export function progressOf(input: ProgressInput): SessionProgress {
  const { session, nowMs, times, faults, bytesPerSecond, burstBytes } = input;
  const elapsedMs = nowMs - session.openedMs;
  if (elapsedMs < times.idleMs)
    return { status: 'idle', peers: 0, speedDownKilobytes: 0, downloadedBytes: 0 };

  const dead = deadChannel(faults, session);
  if (dead !== undefined) {
    const peers = dead.fault.kind === 'peersNoData' ? dead.fault.peers : 0;
    return { status: 'prebuf', peers, speedDownKilobytes: 0, downloadedBytes: 0 };
  }
  const playingMs = elapsedMs - times.idleMs - times.prebufMs;
  const speedDownKilobytes = Math.round(bytesPerSecond / 1024);
  if (playingMs < 0) {
    const loadedBytes = burstBytes * (1 + playingMs / times.prebufMs);
    return {
      status: 'prebuf',
      peers: HEALTHY_PEERS,
      speedDownKilobytes,
      downloadedBytes: inPieces(loadedBytes),
    };
  }
  const hang = faults.find('hangMidStream', { infohash: session.infohash, session: session.token });
  return {
    status: hang?.fault.status ?? 'dl',
    peers: HEALTHY_PEERS,
    speedDownKilobytes: hang === undefined ? speedDownKilobytes : 0,
    downloadedBytes: inPieces(burstBytes + (bytesPerSecond * playingMs) / 1000),
  };
}

/** The `response` of a stat reply (reference 3.1). */
export function statResponse(
  session: PlaybackSession,
  progress: SessionProgress,
  options: { profile: EngineProfile; liveEdgeWallMs: number },
): Json {
  const { status, peers, speedDownKilobytes, downloadedBytes } = progress;
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
    total_progress: 0,
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
