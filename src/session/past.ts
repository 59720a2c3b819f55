import type { ReasonCode } from '../base/reasons.ts';
import type { AccessPoint } from '../mpegts/access-point.ts';
import type { SessionListener } from './attachment.ts';
import type { Ring } from './ring.ts';

/** An access point, and when it was live. */
export interface PastPoint {
  readonly point: AccessPoint;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/**
 * What is kept of a session's media beyond its ring, at the ring's positions; below 0 is what earlier sessions of the
 * stream had. It may have gaps. Nothing here rejects: what can't be read is not there.
 */
export interface Past {
  /** The wall clock of the live edge: it never goes back, whatever the machine's does. */
  readonly wallMs: number;
  /** How long a viewer that takes nothing may stay, milliseconds; it must be reached besides. */
  readonly pauseMaxMs: number;
  /** Whether a viewer may stay at this position, although the ring is about to let go of it. */
  reaches(position: number): boolean;
  /** Whole packets from `position` on, `bytesMax` at most; empty where there is a gap. */
  read(position: number, bytesMax: number): Promise<Buffer>;
  /** The first access point at or behind `position`. */
  pointFrom(position: number): Promise<PastPoint | undefined>;
  /** The newest access point that was live at `wallMs` or before; the oldest there is where there is none. */
  pointAt(wallMs: number): Promise<PastPoint | undefined>;
}

/** A session whose past is to be kept. */
export interface PassingSession {
  readonly ring: Ring;
  /** Which broadcast it is, and the parameters that make it another one. */
  readonly infohash: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The names by which settings may mean it. */
  readonly names: readonly string[];
  listen(listener: SessionListener): () => void;
  /** Something is worth a warning; it is told once. */
  warn(reason: ReasonCode): void;
}

/** What keeps the past of sessions. */
export interface PastKeeper {
  /** Keeps what a session plays, until that ends; undefined: not of this stream. */
  begin(session: PassingSession): Past | undefined;
}
