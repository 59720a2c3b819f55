import { wrappedDifference } from '../clocks.ts';
import type { FingerprintBook } from './fingerprint-book.ts';
import type { Fingerprint } from './fingerprints.ts';

/** So many consecutive PES packets must agree, where the offset is one that is expected anyway. */
export const AGREEING_MIN = 3;
/** And so many where it is not: black pictures of two advert breaks may be three times the same. */
const AGREEING_MIN_AT_NEW_OFFSET = 6;

/** The same broadcast was recognized in both. */
export interface Meeting {
  /** To be added to the new source's timestamps; 90 kHz ticks, -2^32 to 2^32. */
  readonly offset90: number;
  /** Clock of the first PES packet that agreed, on the book's timeline. */
  readonly from90: number;
  /** Streams that agreed, by role. */
  readonly roles: readonly string[];
}

interface Run {
  readonly count: number;
  /** How many of them stand in the book only once. */
  readonly unique: number;
  readonly lastIndex: number;
  readonly lastKey: number;
  readonly from90: number;
}

interface Agreement {
  readonly from90: number;
  readonly roles: Set<string>;
  isUnique: boolean;
  /** Of the stream in which most agreed. */
  count: number;
}

/**
 * Finds where a new source stands in what is in the ring: consecutive fingerprints of one stream that stand
 * consecutively in the book too, all with the same offset of their clocks. Equal neighbours count once (silence and
 * black pictures repeat), and where several offsets fit (a loop), one is believed only if it is expected or if
 * something that occurs only once speaks for it. Work per fingerprint is bounded by the book's limits.
 */
export class MeetingFinder {
  readonly #book: FingerprintBook;
  readonly #expected: ReadonlySet<number>;
  readonly #rejected = new Set<number>();
  /** By role, then by offset. */
  readonly #runs = new Map<string, ReadonlyMap<number, Run>>();
  readonly #agreements = new Map<number, Agreement>();
  readonly #misses = new Map<string, number>();

  /** `expectedOffsets90`: those that need little proof, in the order in which they are preferred. */
  constructor(book: FingerprintBook, expectedOffsets90: readonly number[]) {
    this.#book = book;
    this.#expected = new Set(expectedOffsets90);
  }

  /** How many fingerprints of a role the book has not had (at an offset that is possible), since the last one it had. */
  missesOf(role: string): number {
    return this.#misses.get(role) ?? 0;
  }

  /** Takes the new source's next fingerprint. */
  push(fingerprint: Fingerprint): void {
    const { role, key, clock90 } = fingerprint;
    const before = this.#runs.get(role);
    const found = this.#book.find(role, key);
    const runs = new Map<number, Run>();
    for (const index of found) {
      const known = this.#book.at(role, index);
      if (!known) continue;
      const offset90 = wrappedDifference(known.clock90, clock90);
      if (this.#rejected.has(offset90)) continue;
      const last = before?.get(offset90);
      const run = last?.lastIndex === index - 1 ? last : undefined;
      runs.set(offset90, {
        count: (run?.count ?? 0) + (run?.lastKey === key ? 0 : 1),
        unique: (run?.unique ?? 0) + (found.length === 1 ? 1 : 0),
        lastIndex: index,
        lastKey: key,
        from90: run?.from90 ?? known.clock90,
      });
    }
    this.#misses.set(role, runs.size > 0 ? 0 : this.missesOf(role) + 1);
    for (const [offset90, run] of before ?? []) {
      if (runs.has(offset90)) continue;
      // At the end of the book nothing could have agreed: that is no disagreement.
      if (run.lastIndex >= this.#book.lastIndex(role)) runs.set(offset90, run);
      else this.#disagree(offset90, role);
    }
    for (const [offset90, run] of runs) this.#consider(offset90, role, run);
    this.#runs.set(role, runs);
  }

  /** An offset that proved wrong: it is not considered again. */
  reject(offset90: number): void {
    this.#rejected.add(offset90);
    this.#agreements.delete(offset90);
  }

  /** How many PES packets agreed in a row at an offset, of the stream in which most did. */
  agreeingAt(offset90: number): number {
    return this.#agreements.get(offset90)?.count ?? 0;
  }

  /** Undefined while nothing agrees, or while it is not certain which of several offsets is right. */
  get meeting(): Meeting | undefined {
    const all = [...this.#agreements];
    const expected = [...this.#expected].find((offset90) => this.#agreements.has(offset90));
    const most = Math.max(...all.map(([, { count }]) => count));
    const unique = all.filter(([, { isUnique, count }]) => isUnique && count * 2 >= most);
    const chosen =
      expected !== undefined
        ? all.find(([offset90]) => offset90 === expected)
        : unique.length === 1
          ? unique[0]
          : undefined;
    if (!chosen) return undefined;
    const [offset90, { from90, roles }] = chosen;
    return { offset90, from90, roles: [...roles] };
  }

  /** Offsets that all fit: the content repeats. That of which most agreed first, then the nearest to the book's end. */
  get ambiguous(): readonly Meeting[] {
    if (this.meeting) return [];
    return [...this.#agreements]
      .sort(([one, a], [other, b]) => b.count - a.count || other - one)
      .map(([offset90, { from90, roles }]) => ({ offset90, from90, roles: [...roles] }));
  }

  #consider(offset90: number, role: string, run: Run): void {
    const needed = this.#expected.has(offset90) ? AGREEING_MIN : AGREEING_MIN_AT_NEW_OFFSET;
    if (run.count < needed) return;
    const agreement = this.#agreements.get(offset90) ?? {
      from90: run.from90,
      roles: new Set<string>(),
      isUnique: false,
      count: 0,
    };
    agreement.roles.add(role);
    agreement.count = Math.max(agreement.count, run.count);
    if (run.unique >= AGREEING_MIN) agreement.isUnique = true;
    this.#agreements.set(offset90, agreement);
  }

  #disagree(offset90: number, role: string): void {
    const agreement = this.#agreements.get(offset90);
    agreement?.roles.delete(role);
    if (agreement?.roles.size === 0) this.#agreements.delete(offset90);
  }
}
