import type { Clock } from '../base/clock.ts';
import { digestOf } from './digest.ts';
import { randomSecret } from './secret-file.ts';

/** A session that is used goes on for so long; then one logs in again. */
export const SESSION_MAX_MS = 7 * 24 * 3_600_000;
/** A session that nobody uses ends after so long. */
export const SESSION_IDLE_MS = 24 * 3_600_000;
/** A link that nobody has opened is worth nothing after so long. */
export const LINK_MAX_MS = 10 * 60_000;
const SESSIONS_MAX = 1_000;
const LINKS_MAX = 100;

interface Login {
  readonly keyId: string;
  readonly endsAtMs: number;
  usedAtMs: number;
}

/**
 * Who has logged in, and links by which somebody may. Both are known by random texts of which only digests are kept, in
 * memory: after a restart people log in again.
 */
export class LoginSessions {
  readonly #clock: Clock;
  /** By the digest of their id, in hex: to look a digest up tells nothing about the text that it is of. */
  readonly #sessions = new Map<string, Login>();
  readonly #links = new Map<string, { readonly keyId: string; readonly endsAtMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the session's id: a secret, for the cookie */
  open(keyId: string): string {
    const id = randomSecret();
    const nowMs = this.#clock.nowMs();
    this.#dropOldest(this.#sessions, SESSIONS_MAX);
    this.#sessions.set(nameOf(id), { keyId, endsAtMs: nowMs + SESSION_MAX_MS, usedAtMs: nowMs });
    return id;
  }

  /** The key that the session was opened with; undefined if there is no such session now. Asking is using. */
  find(id: string): string | undefined {
    const name = nameOf(id);
    const login = this.#sessions.get(name);
    const nowMs = this.#clock.nowMs();
    if (!login) return undefined;
    if (nowMs >= login.endsAtMs || nowMs >= login.usedAtMs + SESSION_IDLE_MS) {
      this.#sessions.delete(name);
      return undefined;
    }
    login.usedAtMs = nowMs;
    return login.keyId;
  }

  close(id: string): void {
    this.#sessions.delete(nameOf(id));
  }

  /** Ends whatever was logged in with this key, and the links to do so. */
  closeOfKey(keyId: string): void {
    for (const map of [this.#sessions, this.#links])
      for (const [name, { keyId: id }] of map) if (id === keyId) map.delete(name);
  }

  /** @returns the secret of a link that opens one session with a key, once, within LINK_MAX_MS */
  createLink(keyId: string): string {
    const secret = randomSecret();
    this.#dropOldest(this.#links, LINKS_MAX);
    this.#links.set(nameOf(secret), { keyId, endsAtMs: this.#clock.nowMs() + LINK_MAX_MS });
    return secret;
  }

  /** The key of a link, which is worth nothing from then on; undefined if it was not worth anything. */
  redeem(secret: string): string | undefined {
    const name = nameOf(secret);
    const link = this.#links.get(name);
    this.#links.delete(name);
    return link && this.#clock.nowMs() < link.endsAtMs ? link.keyId : undefined;
  }

  #dropOldest(map: Map<string, unknown>, sizeMax: number): void {
    if (map.size < sizeMax) return;
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
}

function nameOf(secret: string): string {
  return digestOf(secret).toString('hex');
}
