import { type DetailedDescription, describeProgram } from '../mpegts/stream-description.ts';
import type { AttemptRecord } from './attempt-record.ts';
import type { JoinEvidence, MediaEvidence } from './media-evidence.ts';
import { mediaRateOf } from './media-rate.ts';
import type { Past } from './past.ts';
import type { Ring } from './ring.ts';
import type { StandbyMode } from './standby-mode.ts';
import type { SessionSnapshot, StreamFormat } from './types.ts';
import type { ViewerDetail } from './viewers.ts';

/** A stream is looked into so often at most, milliseconds: it is five seconds of media each time. */
const LOOK_AGAIN_MS = 10_000;
/** For lists, of all streams: broadcasts seldom change what they are. */
const GLANCE_AGAIN_MS = 300_000;
/** Behind a splice, until what is looked at is of the new source. */
const SETTLED_AFTER_MS = 30_000;
/** What is looked at is so far behind the live edge, milliseconds of media: it must be enough to be described. */
const DESCRIBED_MS = 5_000;
/** What tells what a stream is stands within so much of it. */
const DESCRIBED_BYTES_MAX = 8 * 1024 * 1024;
const VIEW_BYTES = 256 * 1024;

/** A place in the ring at which viewers can begin. */
export interface KeyframeDetail {
  readonly position: number;
  /** Milliseconds of media before the live edge. */
  readonly behindMs: number;
  readonly kind: string;
}

/** What is in memory of a stream. */
export interface BufferDetail {
  /** Positions, in bytes since the session began: of the oldest byte, and behind the newest. */
  readonly tail: number;
  readonly head: number;
  readonly memoryBytes: number;
  /** Media held, milliseconds. */
  readonly mediaMs: number;
  /** How long nothing new has come, milliseconds. */
  readonly heldMs: number;
  readonly keyframes: readonly KeyframeDetail[];
}

/** From one keyframe to the next, milliseconds of media; of those in memory. */
export interface GopDetail {
  readonly meanMs: number;
  readonly longestMs: number;
}

export interface MediaDetail extends DetailedDescription {
  /** Of what is in memory, by its own clock. */
  readonly bytesPerSecond: number | undefined;
  /** Undefined while there are not two keyframes. */
  readonly gop: GopDetail | undefined;
}

/** What is kept on disk of a stream. */
export interface PastDetail {
  readonly windowMs: number;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly oldestWallMs: number | undefined;
  readonly newestWallMs: number;
  readonly sizeBytes: number;
}

/** What holds for this stream now, whether it was set for it or for all. */
export interface StreamSettings {
  readonly bufferMs: number;
  readonly bufferBytes: number;
  readonly prebufferMs: number;
  readonly standby: StandbyMode;
}

/** What may be changed for one stream while it plays. */
export interface StreamChanges {
  readonly bufferMs?: number;
  readonly bufferBytes?: number;
  /** How far behind live those begin who come from now on and ask for nothing else, milliseconds. */
  readonly prebufferMs?: number;
  readonly standby?: StandbyMode;
  /** How much of it is kept on disk, milliseconds; 0: nothing. */
  readonly timeshiftMs?: number;
}

export interface PlacedViewer extends ViewerDetail {
  readonly lagBytes: number | undefined;
  /** Milliseconds of media before the live edge; undefined where nobody can tell, or it is beyond what is in memory. */
  readonly behindMs: number | undefined;
  /** What it is sent comes from disk. */
  readonly isInPast: boolean;
}

/** Everything about one session, for somebody who looks for what is wrong: a copy, taken at one moment. */
export interface SessionDetail {
  readonly session: SessionSnapshot;
  readonly viewers: readonly PlacedViewer[];
  /** Those who wait for the stream to start. */
  readonly waitingCount: number;
  /** Oldest first. */
  readonly attempts: readonly AttemptRecord[];
  readonly buffer: BufferDetail;
  readonly media: MediaDetail;
  /** Lately, from engines. */
  readonly bytesInPerSecond: number;
  /** The second engine that is kept for it. */
  readonly standbyEngine: string | undefined;
  /** The latest source that was joined to what there was; undefined: none. */
  readonly lastJoin: JoinEvidence | undefined;
  /** What the engine that was asked about has sent last and viewers have got nothing of; undefined: nothing, or none was. */
  readonly unused: MediaEvidence | undefined;
  readonly past: PastDetail | undefined;
  readonly settings: StreamSettings;
}

/** What is in the ring, and since when nothing new came. */
export function bufferDetailOf(ring: Ring, heldMs: number): BufferDetail {
  return {
    tail: ring.tail,
    head: ring.head,
    memoryBytes: ring.memoryBytes + ring.spareBytes,
    mediaMs: ring.mediaMsHeld,
    heldMs,
    keyframes: ring.accessPoints.map(({ position, mediaMs, kind }) => ({
      position,
      behindMs: ring.mediaMs - mediaMs,
      kind,
    })),
  };
}

/** Where a viewer is. */
export function placeViewer(viewer: ViewerDetail, ring: Ring): PlacedViewer {
  const position = viewer.progress?.position;
  if (position === undefined) return { ...viewer, lagBytes: undefined, behindMs: undefined, isInPast: false };
  const isInPast = position < ring.tail;
  return {
    ...viewer,
    lagBytes: ring.head - position,
    behindMs: isInPast ? undefined : ring.mediaMs - ring.mediaMsAt(position),
    isInPast,
  };
}

/** What is kept on disk. */
export function pastDetailOf(past: Past): PastDetail {
  const { windowMs, oldestWallMs, wallMs, sizeBytes } = past;
  return { windowMs, oldestWallMs, newestWallMs: wallMs, sizeBytes };
}

/** Looks into what a stream is made of; what changes seldom is looked at seldom. */
export class MediaLook {
  #description: DetailedDescription | undefined;
  #lookedAtMs = 0;
  #settledAtMs = 0;

  look(ring: Ring, nowMs: number): MediaDetail {
    const description = this.#describe(ring, nowMs, LOOK_AGAIN_MS);
    return { ...description, bytesPerSecond: mediaRateOf(ring.accessPoints), gop: gopOf(ring) };
  }

  /** The same for lists: hardly ever looks itself. Undefined while nothing is known. */
  glance(ring: Ring, nowMs: number): StreamFormat | undefined {
    const points = ring.accessPoints;
    const isSettled = this.#description?.codecs !== undefined && nowMs >= this.#settledAtMs;
    const maxAgeMs = isSettled ? GLANCE_AGAIN_MS : LOOK_AGAIN_MS;
    const description = points.length === 0 ? this.#description : this.#describe(ring, nowMs, maxAgeMs);
    if (!description) return undefined;
    const { codecs, resolution } = description;
    return { codecs, resolution, bytesPerSecond: mediaRateOf(points) };
  }

  /** Another source goes on, and may be made of something else. */
  doubt(nowMs: number): void {
    this.#settledAtMs = nowMs + SETTLED_AFTER_MS;
  }

  #describe(ring: Ring, nowMs: number, maxAgeMs: number): DetailedDescription {
    const known = this.#description;
    if (known && known.streams.length > 0 && nowMs - this.#lookedAtMs < maxAgeMs) return known;
    this.#lookedAtMs = nowMs;
    this.#description = describeRing(ring);
    return this.#description;
  }
}

function describeRing(ring: Ring): DetailedDescription {
  using reader = ring.openReader();
  const { accessPoints, mediaMs } = ring;
  const point = accessPoints.findLast((each) => mediaMs - each.mediaMs >= DESCRIBED_MS) ?? accessPoints[0];
  function* pieces(): Generator<Buffer> {
    if (!point) return;
    yield point.tables;
    for (let at = point.position; at < point.position + DESCRIBED_BYTES_MAX; ) {
      const view = reader.view(at, VIEW_BYTES);
      if (view.length === 0) return;
      yield view;
      at += view.length;
    }
  }
  return describeProgram(pieces());
}

function gopOf({ accessPoints }: Ring): GopDetail | undefined {
  const lengths = accessPoints.slice(1).map(({ mediaMs }, index) => mediaMs - accessPoints[index]!.mediaMs);
  if (lengths.length === 0) return undefined;
  return {
    meanMs: lengths.reduce((sum, length) => sum + length, 0) / lengths.length,
    longestMs: Math.max(...lengths),
  };
}
