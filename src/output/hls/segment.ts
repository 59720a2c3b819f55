import { nextStretch } from '../../mpegts/join-prefix.ts';
import { PACKET_BYTES } from '../../mpegts/packet.ts';
import type { Ring } from '../../session/ring.ts';
import type { RingReader } from '../../session/slab.ts';

/**
 * One media segment: a stretch of the ring, less the packets that the segment before it has, plus those that continue behind
 * it what was begun in it. With the tables in front it stands for itself (RFC 8216 3.2).
 */
export interface Segment {
  /** Its media sequence number. */
  readonly number: number;
  /** The distance of its first picture to the next segment's, 90 kHz ticks. */
  readonly durationTicks: number;
  /** Its beginning, on the segmenter's scale: `Segmenter.wallMsOf` tells when that was on air. Milliseconds. */
  readonly startMs: number;
  /** A new timeline begins with it. */
  readonly isDiscontinuity: boolean;
  /** Whether a decoder can begin with it. */
  readonly isRandomAccess: boolean;
  /** Of the ring, `to` exclusive. */
  readonly from: number;
  readonly to: number;
  /** PAT and PMT. */
  readonly tables: Buffer;
  /** Ascending positions of packets between `from` and `to` that are not its own. */
  readonly omit: readonly number[];
  /** Copies of its last packets, which in the ring stand among the next segment's. */
  readonly tail: Buffer;
  /** Their ascending positions. */
  readonly tailAt: readonly number[];
  readonly sizeBytes: number;
}

/** The size of what `readSegment` gives. */
export function segmentSizeBytes(segment: Omit<Segment, 'sizeBytes' | 'tailAt'>): number {
  const { from, omit, tables, tail, to } = segment;
  return tables.length + (to - from) - omit.length * PACKET_BYTES + tail.length;
}

/**
 * The segment piece by piece, each at most `pieceBytesMax` long: views of the ring, no copies, which stay as they are until
 * `reader` lets go of them.
 * @param reader of `ring`
 * @returns undefined in the place of a piece that the ring has let go of: then nothing more comes
 */
export function* readSegment(
  segment: Segment,
  ring: Ring,
  reader: RingReader,
  pieceBytesMax = Number.POSITIVE_INFINITY,
): Generator<Buffer | undefined> {
  const { omit, tables, tail, to } = segment;
  if (tables.length > 0) yield tables;
  let stretch = nextStretch(omit, 0, segment.from, to);
  while (stretch.from < stretch.to) {
    for (let at = stretch.from; at < stretch.to; ) {
      if (at < ring.tail) return yield undefined;
      const view = reader.view(at, Math.min(pieceBytesMax, stretch.to - at));
      yield view;
      at += view.length;
    }
    stretch = nextStretch(omit, stretch.omitIndex, stretch.to, to);
  }
  if (tail.length > 0) yield tail;
}
