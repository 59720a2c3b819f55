/** What an engine can be made to do wrong (reference 9, items 30–52). */

import type { MediaName } from './media-library.ts';

/** Where a request belongs; each can be made to hang alone (item 31). */
export type Route =
  | 'start'
  | 'manifest'
  | 'playlist'
  | 'segment'
  | 'redirect'
  | 'content'
  | 'stat'
  | 'stop'
  | 'command'
  | 'event'
  | 'service'
  | 'other';

export type Fault =
  /** New connections are refused: nobody listens (30). Engine only. */
  | { readonly kind: 'refuse' }
  /** Connections are accepted and reset (30). Engine only. */
  | { readonly kind: 'reset' }
  /** Every request is answered 503 (30). */
  | { readonly kind: 'http503' }
  /** Connections are accepted and nothing that arrives is read (31). Engine only. */
  | { readonly kind: 'hangConnect' }
  /** Requests are read and never answered, on the routes given or on all (31). */
  | { readonly kind: 'hangBeforeHeaders'; readonly routes?: readonly Route[] }
  /** The body stops and the connection stays open; stat goes on with that status and speed 0 (32). */
  | {
      readonly kind: 'hangMidStream';
      readonly status?: 'dl' | 'buf';
      readonly afterBytes?: number;
      readonly afterMs?: number;
    }
  /** The body ends (33). */
  | {
      readonly kind: 'cut';
      readonly how: 'fin' | 'rst';
      readonly afterBytes?: number;
      readonly afterMs?: number;
    }
  /** Everything answers, no media byte ever comes (34). */
  | { readonly kind: 'halfDead' }
  /** The media reply's headers and then its first byte come late; `dribble`: then one byte per second (36). */
  | {
      readonly kind: 'slowStart';
      readonly headersMs: number;
      readonly firstByteMs: number;
      readonly dribble?: boolean;
    }
  /** A dead channel: prebuf for ever, no peers (37). */
  | { readonly kind: 'zeroPeers' }
  /** A dead channel with peers that have nothing (37). */
  | { readonly kind: 'peersNoData'; readonly peers: number }
  /** The start is answered with this error (38). */
  | {
      readonly kind: 'errorJson';
      readonly error: string;
      readonly extraData?: Readonly<Record<string, unknown>>;
    }
  /** The start is answered 200 with a body that is not what it should be (38). */
  | { readonly kind: 'invalidJson' | 'emptyBody' | 'htmlBody' | 'hugeBody' }
  /** The media address answers this status with a text body, as while "preloading" (45). Limit it by `durationMs`. */
  | { readonly kind: 'mediaStatus'; readonly status: 404 | 500 | 502 | 503; readonly body?: string }
  /** The server closes a redirect's connection after so long, or never (46). */
  | { readonly kind: 'redirectBodyHang'; readonly closeAfterMs?: number }
  /** /ace/r redirects to itself (46). */
  | { readonly kind: 'redirectLoop' }
  /** Every address in replies names this host instead of the one that was asked (46). */
  | { readonly kind: 'redirectOtherHost'; readonly host: string }
  /** The start, JSON or not, is answered 302 to this address (46). */
  | { readonly kind: 'redirectForeign'; readonly url: string }
  /** `get_network_connection_status` says false (29). Engine only. */
  | { readonly kind: 'disconnected' }
  /** Media flows, every other request hangs: a busy engine (35). Engine only. */
  | { readonly kind: 'apiHang' }
  /** Somebody else opens what the target plays, under a pid of his own (43). Strikes once. */
  | { readonly kind: 'supersede' }
  /** Who opens a media address gets a second status line among the headers, as if there were another reader (44). */
  | { readonly kind: 'doubleReader'; readonly status?: 200 | 500 }
  /** The process dies and is back after so long (47). Strikes once; engine only. */
  | { readonly kind: 'restart'; readonly downMs: number }
  /** … when it has more sessions than so many (47). Engine only. */
  | { readonly kind: 'oom'; readonly streams: number; readonly downMs: number }
  /** The engine has no network: it says so, has no peers, and nothing flows (47). */
  | { readonly kind: 'networkDown' }
  /** A session is gone so long after it was opened, although somebody reads it (48). */
  | { readonly kind: 'expireEarly'; readonly lifetimeMs: number }
  /** A reply stops half-way; the next request on that connection gets its other half first (49). Engine only. */
  | { readonly kind: 'keepAlivePoison' }
  /** A content is found under one kind of its names only, `id=` or `infohash=` (50). */
  | { readonly kind: 'wrongKind'; readonly works: 'id' | 'infohash' }
  /** 500 where `Host` is not the address that the engine was reached at (51). Engine only. */
  | { readonly kind: 'strictHost' }
  /** A reader that took nothing for longer than this loses what came meanwhile (52). */
  | { readonly kind: 'slowReaderBackpressure'; readonly toleratedMs: number }
  // Faults in the media strike live TS bodies; playlists, segments and recordings stay whole.
  /** Each packet is lost, has a bit turned over, breaks the alignment, or has a wrong counter, by chance (39). */
  | {
      readonly kind: 'tsLoss' | 'tsCorrupt' | 'tsBadSync' | 'tsCcErr';
      readonly probability: number;
    }
  /** Pictures and sound are scrambled; tables, clocks and markers are not, as in a broadcast that nobody may watch. */
  | { readonly kind: 'tsScrambled' }
  /** The stream carries so many times its bytes for the same pictures: nulls more, or fillers less (40). */
  | { readonly kind: 'bitrateChange'; readonly factor: number }
  /** The body comes at this share of the media's rate, 0 to 1; what was missed follows when it is over (40). */
  | { readonly kind: 'starve'; readonly factor: number }
  /** PCR, PTS and DTS are so many seconds ahead, or behind when negative (41). */
  | { readonly kind: 'pcrJump'; readonly seconds: number }
  /** The clocks jump to where they wrap so long after the fault came into force (41). Default 2 s. */
  | { readonly kind: 'ptsWrap'; readonly inSeconds?: number }
  /**
   * All streams move to other PIDs, with a new version of the PMT, and the channel shows something else from then
   * on if that is said (41). The markers stay where they are.
   */
  | { readonly kind: 'pmtChange'; readonly pidOffset?: number; readonly media?: MediaName }
  /** Nothing comes for so long; then everything that was missed comes at once (41). */
  | { readonly kind: 'tsPause'; readonly seconds: number }
  /** The last so many seconds come again and again; stat's positions stand still, fall behind, or go back with them (42). */
  | { readonly kind: 'loop'; readonly seconds: number; readonly livepos?: 'frozen' | 'lagging' | 'back' };

export type FaultKind = Fault['kind'];

/** These are of the engine as a whole: there is nothing of one stream or session in them. */
export const ENGINE_ONLY: ReadonlySet<FaultKind> = new Set([
  'refuse',
  'reset',
  'hangConnect',
  'disconnected',
  'apiHang',
  'restart',
  'oom',
  'keepAlivePoison',
  'strictHost',
]);

/** Whom a fault strikes: everything when empty, else all that matches. */
export interface FaultTarget {
  readonly infohash?: string;
  /** The token in the session's URLs. */
  readonly session?: string;
}

export interface FaultRequest {
  readonly fault: Fault;
  readonly target?: FaultTarget;
  /** It comes into force only after so long, in milliseconds of the simulator's clock; at once when left out. */
  readonly afterMs?: number;
  /** … or when the target has been sent so many media bytes since, whichever is first. */
  readonly afterBytes?: number;
  /** It clears itself so long after it came into force. */
  readonly durationMs?: number;
}

export interface ActiveFault {
  readonly id: number;
  readonly fault: Fault;
  readonly target: FaultTarget;
  /** When it came into force, or was set if it has not yet, by the simulator's clock. */
  readonly setMs: number;
  readonly inForce: boolean;
}

export interface FoundFault<Kind extends FaultKind> {
  readonly id: number;
  readonly fault: Extract<Fault, { readonly kind: Kind }>;
  readonly target: FaultTarget;
  /** When it came into force, by the simulator's clock. */
  readonly setMs: number;
}
