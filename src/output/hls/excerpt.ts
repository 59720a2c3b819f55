import { AcemuxError } from '../../base/reasons.ts';
import { PTS_HZ } from '../../mpegts/clocks.ts';
import { describeStream } from '../../mpegts/stream-description.ts';
import type { Beginning } from '../../session/attachment.ts';
import type { KeptSegment, KeptSegments } from '../../session/media-segments.ts';
import type { StartWish } from '../../session/viewer-wish.ts';
import { endWallMs } from './kept-list.ts';
import { Playlist, SegmentLines } from './playlist.ts';
import { PLAYLIST_END, renderHead, renderMultivariantPlaylist, renderSegment } from './playlists.ts';
import { wantedWallMs } from './start-offset.ts';

/** What tells what a stream is stands within so much of it. */
const DESCRIBED_BYTES = 2 * 1024 * 1024;

/** A stretch of time: wall clock, milliseconds since the Unix epoch. */
export interface TimeRange {
  readonly fromWallMs: number;
  readonly toWallMs: number;
}

/**
 * The time that an excerpt is asked for.
 * @throws AcemuxError bad_request: it ends before it begins
 */
export function rangeOf(start: StartWish, end: StartWish, liveWallMs: number): TimeRange {
  const fromWallMs = wantedWallMs(start, liveWallMs);
  const toWallMs = wantedWallMs(end, liveWallMs);
  if (toWallMs <= fromWallMs)
    throw new AcemuxError('bad_request', 'The excerpt ends before it begins: end must be later than start.');
  return { fromWallMs, toWallMs };
}

/** Segments that are on disk, all that have something of a stretch of time: a stream's excerpt, that has an end. */
export class Excerpt {
  readonly #kept: KeptSegments;
  readonly #segments: readonly KeptSegment[];
  readonly beginning: Beginning;

  /** @throws AcemuxError past_unknown: nothing of it is on disk */
  constructor(kept: KeptSegments, { fromWallMs, toWallMs }: TimeRange) {
    this.#kept = kept;
    const { listed } = kept;
    this.#segments = listed.filter((each) => each.wallMs < toWallMs && endWallMs(each) > fromWallMs);
    const [first] = this.#segments;
    const newest = listed.at(-1);
    if (!first || !newest) throw new AcemuxError('past_unknown');
    // As of the beginning, what is missing at the end is told: it may not have been live yet.
    const isClamped = first.wallMs > fromWallMs || endWallMs(newest) < toWallMs;
    this.beginning = { wallMs: first.wallMs, isClamped };
  }

  /** @param folder where the streams' folders are, relative to the playlist */
  mediaPlaylist(folder: string): Playlist {
    const lines = new SegmentLines();
    for (const { wallMs: startWallMs, number, streamName, ...segment } of this.#segments) {
      const uri = `${folder}/${streamName}/${number}.ts`;
      lines.add(number, renderSegment({ ...segment, startWallMs, uri }));
    }
    const first = this.#segments[0]!;
    lines.add(lines.to ?? 0, PLAYLIST_END);
    const head = renderHead({
      targetSeconds: this.#segments.reduce((most, each) => Math.max(most, each.targetSeconds), 1),
      mediaSequence: first.number,
      discontinuitySequence: first.discontinuities - (first.isDiscontinuity ? 1 : 0),
      isFinished: true,
    });
    return new Playlist(head, lines);
  }

  /** A multivariant playlist that leads to `uri`. */
  async multivariantPlaylist(uri: string): Promise<Playlist> {
    const segments = this.#segments;
    const ticks = segments.reduce((sum, { durationTicks }) => sum + durationTicks, 0);
    const bits = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes * 8, 0);
    const peaks = segments.map(({ durationTicks, sizeBytes }) => (sizeBytes * 8 * PTS_HZ) / durationTicks);
    const text = renderMultivariantPlaylist({
      ...describeStream(await this.#firstPieces()),
      peakBitsPerSecond: peaks.reduce((most, each) => Math.max(most, each), 0),
      averageBitsPerSecond: (bits * PTS_HZ) / ticks,
      uri,
    });
    return new Playlist(text, undefined, this.beginning);
  }

  async #firstPieces(): Promise<readonly Buffer[]> {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    for await (const piece of this.#kept.read(this.#segments[0]!)) {
      if (!piece) break;
      pieces.push(Buffer.from(piece));
      sizeBytes += piece.length;
      if (sizeBytes >= DESCRIBED_BYTES) break;
    }
    return pieces;
  }
}
