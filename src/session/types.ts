import type { ReasonCode } from '../base/reasons.ts';
import type { PlaybackStat, StreamSelector } from '../engine/types.ts';
import type { StreamDescription } from '../mpegts/stream-description.ts';

export type { StreamSelector };

/** A session as it is shown to people and programs: a copy, taken at one moment. */
export interface SessionSnapshot {
  /** Of this session alone, opaque: the next one of the same stream has another. */
  readonly sessionId: string;
  /** The 40-hex name the session was first asked for; what lists and paths call it. */
  readonly streamId: string;
  /** Which kind of name that was. */
  readonly keyType: 'content_id' | 'infohash';
  /** The broadcast's infohash as the engine told it; undefined until then. */
  readonly infohash: string | undefined;
  readonly state: 'starting' | 'playing' | 'lingering' | 'ended';
  /** The engine that plays it; undefined while none has been chosen. */
  readonly engine: { readonly id: string; readonly host: string; readonly port: number } | undefined;
  readonly playbackSessionId: string | undefined;
  readonly isLive: boolean;
  readonly isEncrypted: boolean;
  /** Whether it can be joined: everything but ended. */
  readonly isActive: boolean;
  readonly clientCount: number;
  /** Viewers beside these that take nothing now, and may go on from what is kept (time-shift). */
  readonly pausedCount: number;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly createdAtMs: number;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly error: ReasonCode | undefined;
  /** Seconds since a client was last added or was last given bytes. */
  readonly idleSeconds: number;
  /** Bytes received from engines. */
  readonly bytesIn: number;
  /** Bytes handed to viewers' sockets. */
  readonly bytesOut: number;
  /** What is worth a warning in an otherwise playing session: `no_keyframe`. */
  readonly warnings: readonly ReasonCode[];
  /** What its picture and sound are; undefined while nothing is known of them. */
  readonly format: StreamFormat | undefined;
  /** How often another source has gone on with it. */
  readonly spliceCount: number;
  /** What the engine last said of the playback; it is asked every 2 s. Undefined while there is no answer. */
  readonly stat: PlaybackStat | undefined;
}

/** What a stream is made of, as far as lists show it. */
export interface StreamFormat extends Pick<StreamDescription, 'codecs' | 'resolution'> {
  /** By its own clock, however fast it came; undefined while there is too little of it. */
  readonly bytesPerSecond: number | undefined;
}

/** What a name is called in lists. */
export function keyTypeOf({ kind }: StreamSelector): SessionSnapshot['keyType'] {
  return kind === 'id' ? 'content_id' : 'infohash';
}
