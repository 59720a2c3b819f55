import type { SelectorKind } from '../engine/types.ts';
import type { KnownName } from './known-names.ts';
import type { PastKeeper } from './past-keeper.ts';
import type { SourceAttempt } from './source-attempt.ts';
import type { SupplyDeps } from './supply.ts';

/** Whom a session tells about itself; `Owned` is the session. */
export interface SessionOwner<Owned> {
  /** An engine has told which broadcast this is; nothing has been opened for that. */
  onIdentified(session: Owned, identity: KnownName): void;
  /** An engine has opened a playback, and told which broadcast it is. */
  onPlayback(session: Owned, attempt: SourceAttempt, infohash: string, kind: SelectorKind): void;
  /** The last viewer has left: the session lingers, or its start goes on for a moment. */
  onUnwatched(session: Owned): void;
  /** It can't be joined any more; `session.closed` resolves when all it held is given back. */
  onEnded(session: Owned): void;
}

export interface SessionDeps<Owned> extends Omit<SupplyDeps, 'session' | 'stream'> {
  readonly owner: SessionOwner<Owned>;
  /** What keeps more than the ring, where something does. */
  readonly timeshift?: PastKeeper | undefined;
}
