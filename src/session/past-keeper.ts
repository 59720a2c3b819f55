import type { ReasonCode } from '../base/reasons.ts';
import type { SessionListener, WatchedSession } from './attachment.ts';
import type { Past } from './past.ts';
import type { Ring } from './ring.ts';

/** A session whose past is to be kept. */
export interface PassingSession {
  readonly ring: Ring;
  /** The session itself, as outputs see it. */
  readonly watched: WatchedSession;
  /** Which broadcast it is, and the parameters that make it another one. */
  readonly infohash: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The names by which settings may mean it. */
  readonly names: readonly string[];
  /** How far back it is to reach, milliseconds, where that was set for this session alone. */
  readonly windowMs?: number | undefined;
  listen(listener: SessionListener): () => void;
  /** Something is worth a warning; it is told once. */
  warn(reason: ReasonCode): void;
}

/** What keeps the past of sessions. */
export interface PastKeeper {
  /** Keeps what a session plays, until that ends; undefined: not of this stream. */
  begin(session: PassingSession): Past | undefined;
}
