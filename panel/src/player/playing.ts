import { url } from '../api/call.ts';
import { type MediaPiece, rateOfPieces } from '../logic/media-rate.ts';
import type { PlayableRange } from '../logic/rewind.ts';
import { queryOf, type StreamReference } from '../logic/stream-reference.ts';

export type Way = 'mpegts' | 'hls';

export interface PlayerNumbers {
  /** Of the media, where their pieces tell it: bytes for each second that they play. */
  readonly mediaBytesPerSecond: number | undefined;
  /** At which media arrive while they do, bytes per second; of a live stream in one piece it is the stream's own rate. */
  readonly arrivalBytesPerSecond: number | undefined;
  /** Seconds behind the live edge. */
  readonly latencySeconds: number | undefined;
}

export interface Playing {
  numbers(): PlayerNumbers;
  /** Undefined where there is only what is live, or nothing is known yet. */
  range(): PlayableRange | undefined;
  stop(): void;
}

export interface PlayingOptions extends Pick<StreamReference, 'kind' | 'hash'> {
  readonly video: HTMLVideoElement;
  readonly onFailure: (failure: PlayFailure) => void;
}

export interface PlayFailure {
  readonly text: string;
  /** What acemux answered, where it was acemux that refused. */
  readonly status?: number | undefined;
}

/** acemux refuses now and may not in a moment: too many requests, or too much to do. */
export function isForNow({ status }: PlayFailure): boolean {
  return status === 429 || status === 503;
}

/** Begins to play in a video element. The players are loaded when they are first needed. */
export function beginPlaying(way: Way, options: PlayingOptions): Promise<Playing> {
  return way === 'mpegts' ? playMpegts(options) : playHls(options);
}

async function playMpegts({ video, kind, hash, onFailure }: PlayingOptions): Promise<Playing> {
  const { default: mpegts } = await import('mpegts.js');
  mpegts.LoggingControl.enableAll = false;
  if (!mpegts.isSupported()) throw new Error('This browser has no Media Source Extensions for MPEG-TS.');
  const player = mpegts.createPlayer(
    {
      type: 'mpegts',
      isLive: true,
      url: url(`/ace/getstream?${queryOf({ kind, hash })}`),
      withCredentials: false,
    },
    { enableWorker: false, liveBufferLatencyChasing: false, autoCleanupSourceBuffer: true, lazyLoad: false },
  );
  let bytesPerSecond: number | undefined;
  player.on(mpegts.Events.STATISTICS_INFO, (info: { readonly speed?: number }) => {
    bytesPerSecond = info.speed === undefined ? undefined : info.speed * 1024;
  });
  player.on(
    mpegts.Events.ERROR,
    (kindOfError: string, detail: string, info?: { readonly code?: number; readonly msg?: string }) => {
      const status = detail === HTTP_REFUSAL ? info?.code : undefined;
      const what = status === undefined ? detail || kindOfError : String(status);
      onFailure({ text: [what, info?.msg].filter(Boolean).join(': '), status });
    },
  );
  player.attachMediaElement(video);
  player.load();
  void Promise.resolve(player.play()).catch(() => {});
  return {
    numbers: () => ({
      mediaBytesPerSecond: undefined,
      arrivalBytesPerSecond: bytesPerSecond,
      latencySeconds: behindEnd(video),
    }),
    range: () => undefined,
    stop() {
      player.destroy();
    },
  };
}

/** What mpegts.js calls an answer other than 2xx; only then its code is a status. */
const HTTP_REFUSAL = 'HttpStatusCodeInvalid';

async function playHls({ video, kind, hash, onFailure }: PlayingOptions): Promise<Playing> {
  const address = url(`/ace/manifest.m3u8?${queryOf({ kind, hash })}`);
  const { default: Hls } = await import('hls.js/light');
  if (!Hls.isSupported()) return playNative(video, address, onFailure);
  const hls = new Hls({ enableWorker: true, manifestLoadPolicy: PATIENT, backBufferLength: BEHIND_SECONDS });
  hls.on(Hls.Events.ERROR, (_event, { fatal, details, networkDetails, response }) => {
    if (!fatal) return;
    const text = refusalIn(networkDetails) ?? [details, response?.code].filter(Boolean).join(': ');
    onFailure({ text, status: response?.code });
  });
  const pieces: MediaPiece[] = [];
  hls.on(Hls.Events.FRAG_BUFFERED, (_event, { frag, stats }) => {
    pieces.push({ bytes: stats.total, seconds: frag.duration });
    if (pieces.length > PIECES_MAX) pieces.shift();
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => void video.play().catch(() => {}));
  hls.loadSource(address);
  hls.attachMedia(video);
  return {
    numbers: () => ({
      mediaBytesPerSecond: rateOfPieces(pieces),
      arrivalBytesPerSecond: hls.bandwidthEstimate / 8 || undefined,
      latencySeconds: hls.latency || undefined,
    }),
    range() {
      const { latestLevelDetails: details, liveSyncPosition } = hls;
      return details === null
        ? undefined
        : { fromSeconds: details.fragmentStart, liveSeconds: liveSyncPosition ?? details.edge };
    },
    stop: () => hls.destroy(),
  };
}

/** What acemux said, where it was acemux that refused. */
function refusalIn(request: unknown): string | undefined {
  if (!(request instanceof XMLHttpRequest)) return undefined;
  try {
    const { detail } = Object(JSON.parse(request.responseText));
    return typeof detail === 'string' ? detail : undefined;
  } catch {
    return undefined; // It was no refusal of acemux, or its reply is of another type.
  }
}

/** Over so many pieces the rate of the media is taken. */
const PIECES_MAX = 5;

/** What has been seen is held for so long: a page may be left open for days. */
const BEHIND_SECONDS = 90;

/** A start may take a minute until an engine delivers. */
const PATIENT = {
  default: { maxTimeToFirstByteMs: 65_000, maxLoadTimeMs: 70_000, timeoutRetry: null, errorRetry: null },
} as const;

/** Safari plays HLS by itself. */
function playNative(
  video: HTMLVideoElement,
  address: string,
  onFailure: PlayingOptions['onFailure'],
): Playing {
  const failed = (): void => onFailure({ text: video.error?.message ?? '' });
  video.src = address;
  video.addEventListener('error', failed);
  void video.play().catch(() => {});
  return {
    numbers: () => ({
      mediaBytesPerSecond: undefined,
      arrivalBytesPerSecond: undefined,
      latencySeconds: behindEnd(video),
    }),
    range() {
      const { seekable } = video;
      const last = seekable.length - 1;
      return last < 0 ? undefined : { fromSeconds: seekable.start(0), liveSeconds: seekable.end(last) };
    },
    stop() {
      video.removeEventListener('error', failed);
      video.removeAttribute('src');
      video.load();
    },
  };
}

function behindEnd(video: HTMLVideoElement): number | undefined {
  const { buffered } = video;
  return buffered.length === 0 ? undefined : buffered.end(buffered.length - 1) - video.currentTime;
}
