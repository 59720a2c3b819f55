import type { AccessPoint } from '../mpegts/access-point.ts';
import type { SegmentKeeper } from './media-segments.ts';

/** An access point, and when it was live. */
export interface PastPoint {
  readonly point: AccessPoint;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/** Whole packets of the past, which others may share. */
export interface PastPage {
  /** Position of its first byte. */
  readonly from: number;
  /** They stay as they are until `letGo`. */
  readonly bytes: Buffer;
  /** Neither the caller nor a socket reads them any more. Later calls do nothing. */
  letGo(): void;
}

/**
 * What is kept of a session's media beyond its ring, at the ring's positions; below 0 is what earlier sessions of the
 * stream had. It may have gaps. Nothing here rejects: what can't be read is not there.
 */
export interface Past {
  /** The wall clock of the live edge: it never goes back, whatever the machine's does. */
  readonly wallMs: number;
  /** How far back it reaches at most, milliseconds. */
  readonly windowMs: number;
  /** When the oldest there is was live, by the same clock; undefined: there is nothing yet. */
  readonly oldestWallMs: number | undefined;
  /** What it takes on disk, that of earlier sessions included. */
  readonly sizeBytes: number;
  /** How long a viewer that takes nothing may stay, milliseconds; it must be reached besides. */
  readonly pauseMaxMs: number;
  /** Keeps what HLS cuts from the session. */
  readonly segments: SegmentKeeper;
  /** From now on it reaches so far back, milliseconds; 0: nothing more is kept, and what there is goes. */
  setWindow(windowMs: number): void;
  /** Whether a viewer may stay at this position, although the ring is about to let go of it. */
  reaches(position: number): boolean;
  /** What is at `position`, and before and behind it as it happens; undefined where there is a gap. */
  page(position: number): Promise<PastPage | undefined>;
  /** Whole packets from `position` on, `bytesMax` at most, in memory of their own; empty where there is a gap. */
  read(position: number, bytesMax: number): Promise<Buffer>;
  /** The first access point at or behind `position`. */
  pointFrom(position: number): Promise<PastPoint | undefined>;
  /** The newest access point that was live at `wallMs` or before; the oldest there is where there is none. */
  pointAt(wallMs: number): Promise<PastPoint | undefined>;
}
