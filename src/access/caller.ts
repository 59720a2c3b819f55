import type { KeyLimits } from './key-limits.ts';
import type { Role } from './roles.ts';

/** The key that a request came with, or on whose account a signed URL was made. */
export interface CallerKey {
  /** Opaque and for ever the same: what is counted by key is counted by this. Safe in logs. */
  readonly id: string;
  /** Chosen by the operator; safe in logs and for people. */
  readonly name: string;
  /** Undefined: none of its own. */
  readonly limits: KeyLimits | undefined;
}

/** What a signed URL that a request came with says beside that it may pass. */
export interface SignedUse {
  readonly expiresAtMs: number;
  /** 40 hex digits, in lower case; undefined: any stream. */
  readonly stream: string | undefined;
  /** Limits written into the URL; where one is set it counts instead of the key's. */
  readonly limits: KeyLimits | undefined;
  /** The same for all requests of one signed URL, and no secret: what is counted by URL is counted by this. */
  readonly id: string;
}

/** Who asks: known of each request before anything else happens to it (`AccessControl.callerOf`). */
export interface Caller {
  /** Normalised IP address, a trusted proxy in between not counted. */
  readonly address: string;
  /** Whether it surely comes from this machine or a private network. */
  readonly isPrivate: boolean;
  /** `guest`: came without a key. Who came with a signed URL is a viewer. */
  readonly role: Role | 'guest';
  /** Undefined: a guest, or a signed URL that names no key. */
  readonly key: CallerKey | undefined;
  /** Undefined: not by a signed URL. */
  readonly signed: SignedUse | undefined;
}
