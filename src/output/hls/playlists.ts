import { PTS_HZ } from '../../mpegts/clocks.ts';
import type { StreamDescription } from '../../mpegts/stream-description.ts';

export const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

/** What a media playlist says of one segment. */
export interface ListedSegment {
  /** 90 kHz ticks. */
  readonly durationTicks: number;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly startWallMs: number;
  readonly isDiscontinuity: boolean;
  /** Relative to the playlist. */
  readonly uri: string;
}

/** What a media playlist says of itself. */
export interface MediaPlaylistHead {
  readonly targetSeconds: number;
  /** The number of the first segment. */
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  /** Whether it has an end: nothing will be added or removed. */
  readonly isFinished?: boolean;
  /** Where players begin, seconds before its end; where they like if left out. */
  readonly startBeforeEndSeconds?: number;
}

export interface MediaPlaylist extends MediaPlaylistHead {
  readonly segments: readonly ListedSegment[];
}

/** A media playlist (RFC 8216 4.3.3). Pure. */
export function renderMediaPlaylist(playlist: MediaPlaylist): string {
  const end = playlist.isFinished ? PLAYLIST_END : '';
  return renderHead(playlist) + playlist.segments.map(renderSegment).join('') + end;
}

/** What stands in front of its segments. */
export function renderHead(head: MediaPlaylistHead): string {
  const { discontinuitySequence, isFinished, mediaSequence, startBeforeEndSeconds, targetSeconds } = head;
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    `#EXT-X-TARGETDURATION:${targetSeconds}`,
    `#EXT-X-MEDIA-SEQUENCE:${mediaSequence}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitySequence}`,
    ...(isFinished ? ['#EXT-X-PLAYLIST-TYPE:VOD'] : []),
    ...(startBeforeEndSeconds === undefined
      ? []
      : [`#EXT-X-START:TIME-OFFSET=${(-startBeforeEndSeconds).toFixed(3)},PRECISE=YES`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The lines of one segment. */
export function renderSegment({ durationTicks, isDiscontinuity, startWallMs, uri }: ListedSegment): string {
  const mark = isDiscontinuity ? '#EXT-X-DISCONTINUITY\n' : '';
  const date = `#EXT-X-PROGRAM-DATE-TIME:${new Date(startWallMs).toISOString()}\n`;
  return `${mark}${date}#EXTINF:${(durationTicks / PTS_HZ).toFixed(6)},\n${uri}\n`;
}

/** What stands behind the last segment of a playlist that has an end. */
export const PLAYLIST_END = '#EXT-X-ENDLIST\n';

export interface MultivariantPlaylist extends StreamDescription {
  /** Bits per second: of the largest segment, and of all together. */
  readonly peakBitsPerSecond: number;
  readonly averageBitsPerSecond: number;
  /** Relative to the playlist. */
  readonly uri: string;
}

/** A playlist with one variant (RFC 8216 4.3.4.2). Pure. */
export function renderMultivariantPlaylist(playlist: MultivariantPlaylist): string {
  const { averageBitsPerSecond, codecs, framesPerSecond, peakBitsPerSecond, resolution, uri } = playlist;
  const attributes = [
    `BANDWIDTH=${Math.ceil(peakBitsPerSecond)}`,
    `AVERAGE-BANDWIDTH=${Math.ceil(averageBitsPerSecond)}`,
    ...(codecs && codecs.length > 0 ? [`CODECS="${codecs.join(',')}"`] : []),
    ...(resolution ? [`RESOLUTION=${resolution.width}x${resolution.height}`] : []),
    ...(framesPerSecond === undefined ? [] : [`FRAME-RATE=${framesPerSecond.toFixed(3)}`]),
  ];
  return `${['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-STREAM-INF:${attributes.join(',')}`, uri].join('\n')}\n`;
}
