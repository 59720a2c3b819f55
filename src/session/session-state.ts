import type { ReasonCode } from '../base/reasons.ts';

/** What a session is doing; `Session.#enter` is the only place where it changes. */
export type SessionState =
  | { readonly name: 'starting' }
  | { readonly name: 'playing' }
  | { readonly name: 'lingering'; readonly sinceMs: number }
  | { readonly name: 'ended'; readonly reason: ReasonCode };

/** Which state may follow which. */
export const SESSION_MOVES: Readonly<Record<SessionState['name'], readonly SessionState['name'][]>> = {
  starting: ['playing', 'lingering', 'ended'],
  playing: ['lingering', 'ended'],
  lingering: ['playing', 'ended'],
  ended: [],
};
