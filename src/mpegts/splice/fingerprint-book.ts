import { PTS_HZ, wrappedDifference } from '../clocks.ts';
import type { Fingerprint } from './fingerprints.ts';

/** So many of one role are kept at most: 160 s of pictures, or of sound; some seconds of a stream full of data. */
const ENTRIES_MAX = 8_192;
/** Of a key that repeats (black, silence) the newest so many are found. */
const REPEATS_MAX = 32;
const ROLES_MAX = 64;
/** Entries are let go of in portions, so that the array moves seldom. */
const PORTION = 1_024;

interface Shelf {
  /** Index of `entries[0]`: indices stay when the oldest are let go of. */
  first: number;
  entries: Fingerprint[];
  readonly byKey: Map<number, number[]>;
  /** Entries before this index are too old. */
  from: number;
}

/** The fingerprints of what went into a ring in its last seconds, by role in their order, and by key. Bounded. */
export class FingerprintBook {
  readonly #ticksMax: number;
  readonly #shelves = new Map<string, Shelf>();
  #size = 0;

  /** `seconds` of media are remembered. */
  constructor(seconds: number) {
    this.#ticksMax = seconds * PTS_HZ;
  }

  /** How many have ever been added. */
  get added(): number {
    return this.#size;
  }

  add(fingerprint: Fingerprint): void {
    this.#size++;
    let shelf = this.#shelves.get(fingerprint.role);
    if (!shelf) {
      if (this.#shelves.size >= ROLES_MAX) return;
      shelf = { first: 0, entries: [], byKey: new Map(), from: 0 };
      this.#shelves.set(fingerprint.role, shelf);
    }
    const index = shelf.first + shelf.entries.push(fingerprint) - 1;
    const same = shelf.byKey.get(fingerprint.key);
    if (!same) shelf.byKey.set(fingerprint.key, [index]);
    else if (same.push(index) > REPEATS_MAX) same.shift();
    this.#trim(shelf, fingerprint.clock90);
  }

  /** Where the key stands among the fingerprints of the role, ascending; at most the newest 32. */
  find(role: string, key: number): readonly number[] {
    const shelf = this.#shelves.get(role);
    const found = shelf?.byKey.get(key);
    if (!shelf || !found) return [];
    const { from } = shelf;
    return found[0]! >= from ? found : found.filter((index) => index >= from);
  }

  /** The fingerprint at an index; undefined when it is too old, or not there yet. */
  at(role: string, index: number): Fingerprint | undefined {
    const shelf = this.#shelves.get(role);
    return shelf && index >= shelf.from ? shelf.entries[index - shelf.first] : undefined;
  }

  /** The newest fingerprint of a role whose clock is this one, 90 kHz; looked for from the newest back. */
  atClock(role: string, clock90: number): Fingerprint | undefined {
    const shelf = this.#shelves.get(role);
    if (!shelf) return undefined;
    for (let at = shelf.entries.length - 1; at >= shelf.from - shelf.first; at--) {
      const entry = shelf.entries[at];
      if (!entry) return undefined;
      const after = wrappedDifference(entry.clock90, clock90);
      if (after === 0) return entry;
      // Whatever is before it by more than any reordering is earlier than all that could be it.
      if (after < -PTS_HZ) return undefined;
    }
    return undefined;
  }

  /** The oldest fingerprint of a role that is remembered. */
  oldest(role: string): Fingerprint | undefined {
    return this.at(role, this.#shelves.get(role)?.from ?? 0);
  }

  /** Index of the newest of a role; -1 when there is none. */
  lastIndex(role: string): number {
    const shelf = this.#shelves.get(role);
    return shelf ? shelf.first + shelf.entries.length - 1 : -1;
  }

  #trim(shelf: Shelf, now90: number): void {
    const last = shelf.first + shelf.entries.length - 1;
    shelf.from = Math.max(shelf.from, last + 1 - ENTRIES_MAX);
    while (shelf.from < last) {
      const clock90 = shelf.entries[shelf.from - shelf.first]?.clock90;
      if (clock90 === undefined || wrappedDifference(now90, clock90) <= this.#ticksMax) break;
      shelf.from++;
    }
    const gone = shelf.from - shelf.first;
    if (gone < PORTION) return;
    for (const { key } of shelf.entries.splice(0, gone)) {
      const indices = shelf.byKey.get(key)?.filter((index) => index >= shelf.from);
      if (!indices || indices.length === 0) shelf.byKey.delete(key);
      else shelf.byKey.set(key, indices);
    }
    shelf.first = shelf.from;
  }
}
