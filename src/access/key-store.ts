import type { KeyLimits } from './key-limits.ts';
import type { Role } from './roles.ts';

/** A key as it is kept: never the key itself. */
export interface StoredKey {
  /** Opaque, made by acemux. */
  readonly id: string;
  /** Chosen by the operator, unique among the keys. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the key, 64 hex digits in lower case. */
  readonly digest: string;
  readonly limits: KeyLimits | undefined;
  readonly createdAtMs: number;
}

/** Where keys that were made by API are kept. Each call may reject; then nothing has been changed. */
export interface KeyStore {
  /** All of them, the oldest first. */
  list(): Promise<readonly StoredKey[]>;
  /** Resolves when it is kept. The caller sees to it that id and name are unique. */
  add(key: StoredKey): Promise<void>;
  /** Resolves when it is gone; false: there was none. */
  remove(id: string): Promise<boolean>;
}

/** Keeps keys until the process ends. */
export class MemoryKeyStore implements KeyStore {
  readonly #keys = new Map<string, StoredKey>();

  async list(): Promise<readonly StoredKey[]> {
    return [...this.#keys.values()];
  }

  async add(key: StoredKey): Promise<void> {
    this.#keys.set(key.id, key);
  }

  async remove(id: string): Promise<boolean> {
    return this.#keys.delete(id);
  }
}
