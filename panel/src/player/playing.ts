import { url } from '../api/call.ts';
import { type MediaPiece, rateOfPieces } from '../logic/media-rate.ts';
import type { PlayableRange } from '../logic/rewind.ts';
import { queryOf, type StreamReference } from '../logic/stream-reference.ts';
import { texts } from '../texts.ts';
import { refusalIn } from './refusal.ts';
import { streamLoaderOf } from './stream-loader.ts';

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
  /** It may be otherwise in a moment: there is too much to do, or acemux can't be reached. */
  readonly isForNow?: boolean | undefined;
}

/** acemux refuses now and may not in a moment: too many requests, or too much to do. */
function isForNow(status: number | undefined): boolean {
  return status === 429 || status === 503;
}

/** Begins to play in a video element. The players are loaded when they are first needed. */
export function beginPlaying(way: Way, options: PlayingOptions): Promise<Playing> {
  return way === 'mpegts' ? playMpegts(options) : playHls(options);
}

/** As mpegts.js calls it: nobody answered, or a connection that had been answered is gone. */
const IS_CUT: ReadonlySet<string> = new Set(['ConnectingTimeout', 'UnrecoverableEarlyEof']);

async function playMpegts({ video, kind, hash, onFailure }: PlayingOptions): Promise<Playing> {
  const { default: mpegts } = await import('mpegts.js');
  mpegts.LoggingControl.enableAll = false;
  if (!mpegts.isSupported()) throw new Error('This browser has no Media Source Extensions for MPEG-TS.');
  const player = mpegts.createPlayer(
    {
      type: 'mpegts',
      isLive: true,
      // This player waits: a start that fails late keeps its status, and what acemux says of it.
      url: url(`/ace/getstream?${queryOf({ kind, hash })}&early_headers=0`),
      withCredentials: false,
    },
    {
      enableWorker: false,
      liveBufferLatencyChasing: false,
      autoCleanupSourceBuffer: true,
      lazyLoad: false,
      customLoader: streamLoaderOf(mpegts),
    },
  );
  let bytesPerSecond: number | undefined;
  player.on(mpegts.Events.STATISTICS_INFO, (info: { readonly speed?: number }) => {
    bytesPerSecond = info.speed === undefined ? undefined : info.speed * 1024;
  });
  player.on(
    mpegts.Events.ERROR,
    (kindOfError: string, detail: string, info?: { readonly code?: number; readonly msg?: string }) => {
      const isOfNetwork = kindOfError === mpegts.ErrorTypes.NETWORK_ERROR;
      const isRefused = detail === mpegts.ErrorDetails.NETWORK_STATUS_CODE_INVALID;
      onFailure({
        text:
          isOfNetwork && info?.msg ? info.msg : [detail || kindOfError, info?.msg].filter(Boolean).join(': '),
        isForNow: isRefused ? isForNow(info?.code) : IS_CUT.has(detail),
      });
    },
  );
  player.on(mpegts.Events.LOADING_COMPLETE, () => onFailure({ text: texts.player.over }));
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

async function playHls({ video, kind, hash, onFailure }: PlayingOptions): Promise<Playing> {
  const address = url(`/ace/manifest.m3u8?${queryOf({ kind, hash })}`);
  const { default: Hls } = await import('hls.js/light');
  if (!Hls.isSupported()) return playNative(video, address, onFailure);
  const hls = new Hls({ enableWorker: true, manifestLoadPolicy: PATIENT, backBufferLength: BEHIND_SECONDS });
  hls.on(Hls.Events.ERROR, (_event, { fatal, type, details, networkDetails, response }) => {
    if (!fatal) return;
    const said = networkDetails instanceof XMLHttpRequest ? refusalIn(textOf(networkDetails)) : undefined;
    const isUnreachable = type === Hls.ErrorTypes.NETWORK_ERROR && !response?.code;
    const text =
      said ??
      (isUnreachable ? texts.player.unreachable : [details, response?.code].filter(Boolean).join(': '));
    onFailure({ text, isForNow: isUnreachable || isForNow(response?.code) });
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
      // Before the first piece it is a guess of the player's.
      arrivalBytesPerSecond: pieces.length > 0 ? hls.bandwidthEstimate / 8 || undefined : undefined,
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

/** Of a reply that is no text, `responseText` would throw. */
function textOf(request: XMLHttpRequest): string {
  const { responseType } = request;
  return responseType === '' || responseType === 'text' ? request.responseText : '';
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
