import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { digestOf, isSameDigest } from './digest.ts';
import type { KeyLimits } from './key-limits.ts';
import { type KeyStore, type StoredKey, storedKeyOf } from './key-store.ts';
import type { Role } from './roles.ts';
import { randomSecret } from './secret-file.ts';

/** Each key is compared with what is presented. */
export const KEYS_MAX = 500;
/** So that scanners and our own log know a key when they see one. */
export const KEY_PREFIX = 'amx_';
/** The id and the name of API_KEY's, or `admin.key`'s, key. */
export const ADMIN_KEY_ID = 'admin';

/** A key that the configuration names (KEYS). */
export interface ConfiguredKey {
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the key, 64 hex digits. */
  readonly digest: string;
  readonly limits: KeyLimits | undefined;
}

/** A key that is accepted now. */
export interface KnownKey {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly limits: KeyLimits | undefined;
  /** `admin`: API_KEY or `admin.key`; `configured`: KEYS; `made`: by API. */
  readonly origin: 'admin' | 'configured' | 'made';
  /** Undefined unless it was made by API. */
  readonly createdAtMs: number | undefined;
}

export interface KeyWish {
  readonly name: string;
  readonly role: Role;
  readonly limits: KeyLimits | undefined;
}

export interface KeyRingOptions {
  /** The admin key itself. */
  readonly adminKey: string;
  readonly configured: readonly ConfiguredKey[];
  readonly store: KeyStore;
  readonly clock: Clock;
}

interface Entry {
  readonly known: KnownKey;
  readonly digest: Buffer;
}

/**
 * All keys that are accepted: the admin key, those of the configuration and those made by API. It answers from memory;
 * the store is read once and told of each change.
 */
export class KeyRing {
  readonly #store: KeyStore;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Changes come one after the other, or two of one name could pass each other. */
  #lastChange: Promise<unknown> = Promise.resolve();
  #unsubscribe: (() => void) | undefined;
  readonly #removalListeners = new Set<(key: KnownKey) => void>();

  constructor({ adminKey, configured, store, clock }: KeyRingOptions) {
    this.#store = store;
    this.#clock = clock;
    const admin = { id: ADMIN_KEY_ID, name: ADMIN_KEY_ID, role: 'admin', limits: undefined } as const;
    this.#enter({ ...admin, origin: 'admin', createdAtMs: undefined }, digestOf(adminKey));
    for (const { digest, limits, name, role } of configured) {
      const id = configuredKeyId(name);
      const known = { id, name, role, limits, origin: 'configured', createdAtMs: undefined } as const;
      this.#enter(known, Buffer.from(digest, 'hex'));
    }
  }

  /**
   * Reads the store, and again whenever it has others. Rejects with what it rejects with; then the other keys are accepted
   * all the same.
   */
  async start(): Promise<void> {
    this.#unsubscribe = this.#store.onReloaded?.(() => {
      // Whoever can't be read now says so again when it can.
      this.#inTurn(() => this.#read()).catch(() => {});
    });
    await this.#inTurn(() => this.#read());
  }

  stop(): void {
    this.#unsubscribe?.();
  }

  /** Calls back with each key that is not accepted any more, in the turn in which that begins; must not throw. Returns how to end it. */
  onRemoved(listener: (key: KnownKey) => void): () => void {
    this.#removalListeners.add(listener);
    return () => void this.#removalListeners.delete(listener);
  }

  list(): readonly KnownKey[] {
    return [...this.#entries.values()].map(({ known }) => known);
  }

  byId(id: string): KnownKey | undefined {
    return this.#entries.get(id)?.known;
  }

  /** The key that was presented; undefined if there is no such key. All are compared, so that the time tells nothing. */
  find(presented: string): KnownKey | undefined {
    const digest = digestOf(presented);
    let found: KnownKey | undefined;
    for (const entry of this.#entries.values()) {
      if (isSameDigest(entry.digest, digest)) found ??= entry.known;
    }
    return found;
  }

  /**
   * Makes a key, and resolves with it when it is kept: this is the only time that it is told.
   * @throws AcemuxError key_name_taken, too_many_keys; whatever the store rejects with
   */
  create(wish: KeyWish): Promise<{ readonly key: string; readonly known: KnownKey }> {
    return this.#inTurn(async () => {
      if (this.#isNameTaken(wish.name)) throw new AcemuxError('key_name_taken');
      if (this.#entries.size >= KEYS_MAX) throw new AcemuxError('too_many_keys');
      const key = `${KEY_PREFIX}${randomSecret()}`;
      const stored: StoredKey = {
        id: `key_${randomBytes(8).toString('hex')}`,
        name: wish.name,
        role: wish.role,
        digest: digestOf(key).toString('hex'),
        limits: wish.limits,
        createdAtMs: this.#clock.wallMs(),
      };
      await this.#store.add(stored);
      return { key, known: this.#enterStored(stored) };
    });
  }

  /**
   * From now on the key is not accepted, nor anything that was signed or logged in with it.
   * @throws AcemuxError key_unknown, key_configured; whatever the store rejects with
   */
  remove(id: string): Promise<KnownKey> {
    return this.#inTurn(async () => {
      const known = this.byId(id);
      if (!known) throw new AcemuxError('key_unknown');
      if (known.origin !== 'made') throw new AcemuxError('key_configured');
      const entry = this.#entries.get(id)!;
      // At once, however long the store takes.
      this.#entries.delete(id);
      this.#tellRemoved(known);
      try {
        await this.#store.remove(id);
      } catch (error) {
        // After a restart it would be accepted again: so it is now, and whoever removes it hears that it has to be done again.
        this.#entries.set(id, entry);
        throw error;
      }
      return known;
    });
  }

  async #read(): Promise<void> {
    const kept = await this.#store.list();
    const before = this.list().filter(({ origin }) => origin === 'made');
    for (const { id } of before) this.#entries.delete(id);
    for (const each of kept) {
      const key = storedKeyOf(each);
      // What the configuration has meanwhile named so is meant.
      if (key && !this.#entries.has(key.id) && !this.#isNameTaken(key.name)) this.#enterStored(key);
    }
    for (const known of before) if (!this.#entries.has(known.id)) this.#tellRemoved(known);
  }

  #tellRemoved(known: KnownKey): void {
    for (const listener of this.#removalListeners) listener(known);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#lastChange.then(change);
    this.#lastChange = done.catch(() => {}); // Whoever asked for it hears of it.
    return done;
  }

  #isNameTaken(name: string): boolean {
    return this.list().some((known) => known.name === name);
  }

  #enterStored({ createdAtMs, digest, id, limits, name, role }: StoredKey): KnownKey {
    const known = { id, name, role, limits, origin: 'made', createdAtMs } as const;
    return this.#enter(known, Buffer.from(digest, 'hex'));
  }

  #enter(known: KnownKey, digest: Buffer): KnownKey {
    this.#entries.set(known.id, { known, digest });
    return known;
  }
}

/** The id of a key of the configuration: the same at every start. */
export function configuredKeyId(name: string): string {
  return `config:${name}`;
}
