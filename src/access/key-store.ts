import { type KeyLimits, keptLimitsOf } from './key-limits.ts';
import { ROLES, type Role } from './roles.ts';

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

/** What a store has read: whether it is a key is for `storedKeyOf` to say. */
export interface KeptKey extends Pick<StoredKey, 'id' | 'name' | 'digest' | 'createdAtMs'> {
  readonly role: string;
  readonly limits: unknown;
}

const DIGEST = /^[0-9a-f]{64}$/;

/** The key that was kept; undefined for what acemux has not written so: such a key would be more than was given. */
export function storedKeyOf({ role: word, limits: kept, ...rest }: KeptKey): StoredKey | undefined {
  const role = ROLES.find((each) => each === word);
  const limits = keptLimitsOf(kept);
  if (!role || limits === null || !DIGEST.test(rest.digest)) return undefined;
  const { createdAtMs, digest, id, name } = rest;
  return { id, name, role, digest, limits, createdAtMs };
}

/** Where keys that were made by API are kept. Each call may reject; then nothing has been changed. */
export interface KeyStore {
  /** All of them, the oldest first. */
  list(): Promise<readonly KeptKey[]>;
  /** Resolves when it is kept. The caller sees to it that id and name are unique. */
  add(key: StoredKey): Promise<void>;
  /** Resolves when it is gone; false: there was none. */
  remove(id: string): Promise<boolean>;
  /** Calls back when the keys are others without having been changed by these calls, until what it returns is called. */
  onReloaded?(listener: () => void): () => void;
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
